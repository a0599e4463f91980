//! Values as people write them in files: numbers as text, sizes and times with units.
//!
//! Each function answers what is wrong as the end of a sentence that begins with the field.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::wire::{size, span};

/// A value in a message: short, and on one line.
pub fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

fn is_no(value: &Value, what: &str) -> String {
    format!("{} is not {what}", shown(value))
}

/// Text; a number counts as its digits.
pub fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(is_no(value, "text")),
    }
}

/// true or false, also as text.
pub fn flag(value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        Value::String(text) if text == "true" => Ok(true),
        Value::String(text) if text == "false" => Ok(false),
        Value::String(_) | Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(is_no(value, "true or false"))
        }
    }
}

/// A whole number, also as text.
pub fn number(value: &Value) -> Result<i64, String> {
    let number = match value {
        Value::Number(number) => number
            .as_i64()
            .or_else(|| number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 9e15).map(|n| n as i64)),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    number.ok_or_else(|| is_no(value, "a whole number"))
}

/// A time in milliseconds: a number of them, or text with a unit.
pub fn time(value: &Value) -> Result<i64, String> {
    match value {
        Value::Number(_) => number(value),
        Value::String(text) => {
            let millisecond = std::time::Duration::from_millis(1);
            span::parse(text, Some(millisecond)).map(|span| span.as_millis() as i64)
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            Err(is_no(value, "a time: write milliseconds as a number, or 500ms, 5s, 1m"))
        }
    }
}

/// An amount of memory in bytes: a number of them, or text with a unit.
pub fn bytes(value: &Value) -> Result<i64, String> {
    match value {
        Value::Number(_) => number(value),
        Value::String(text) if text.trim().bytes().all(|b| b.is_ascii_digit()) => number(value),
        Value::String(text) => size::parse(text).map(|bytes| bytes as i64),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            Err(is_no(value, "a size: write bytes as a number, or 100M"))
        }
    }
}

/// Words: a list, or text that is split as a shell does it.
pub fn words(value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::Array(items) => items.iter().map(text).collect(),
        Value::String(line) => {
            shlex::split(line).ok_or_else(|| format!("{line:?} has a quote that is never closed"))
        }
        Value::Number(_) => Ok(vec![text(value)?]),
        Value::Null | Value::Bool(_) | Value::Object(_) => Err(is_no(value, "text or a list of text")),
    }
}

/// A list of text; one text alone is a list of one.
pub fn list(value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::Array(items) => items.iter().map(text).collect(),
        Value::String(_) | Value::Number(_) => Ok(vec![text(value)?]),
        Value::Null | Value::Bool(_) | Value::Object(_) => Err(is_no(value, "text or a list of text")),
    }
}

/// A list of whole numbers; one alone is a list of one.
pub fn numbers(value: &Value) -> Result<Vec<i64>, String> {
    match value {
        Value::Array(items) => items.iter().map(number).collect(),
        Value::String(_) | Value::Number(_) => Ok(vec![number(value)?]),
        Value::Null | Value::Bool(_) | Value::Object(_) => Err(is_no(value, "a list of whole numbers")),
    }
}

/// Variables: an object, or words such as `A=1`. What is no text becomes its JSON; null is none.
pub fn variables(value: &Value) -> Result<BTreeMap<String, String>, String> {
    match value {
        Value::Object(members) => {
            let set = members.iter().filter(|(_, value)| !value.is_null());
            Ok(set
                .map(|(name, value)| (name.clone(), text(value).unwrap_or_else(|_| value.to_string())))
                .collect())
        }
        Value::String(_) => {
            let pair = |word: &String| {
                let (name, value) =
                    word.split_once('=').ok_or(format!("{word:?} is no variable: write NAME=value"))?;
                Ok((name.to_owned(), value.to_owned()))
            };
            words(value)?.iter().map(pair).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            Err(is_no(value, "an object of variables"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_read_as_people_write_them() {
        assert_eq!(text(&json!(3000)), Ok("3000".into()));
        assert_eq!(number(&json!("4")), Ok(4));
        assert_eq!(number(&json!(2.0)), Ok(2));
        assert_eq!(time(&json!("10s")), Ok(10_000));
        assert_eq!(time(&json!("1600")), Ok(1600));
        assert_eq!(bytes(&json!("100M")), Ok(100 << 20));
        assert_eq!(bytes(&json!("1024")), Ok(1024));
        assert_eq!(words(&json!("--a 'b c'")), Ok(vec!["--a".into(), "b c".into()]));
        assert_eq!(words(&json!(["-p", 80])), Ok(vec!["-p".into(), "80".into()]));
        assert_eq!(numbers(&json!(3)), Ok(vec![3]));
        let variables = variables(&json!({"A": 1, "B": true, "C": {"x": []}, "D": null})).unwrap();
        let expected = [("A", "1"), ("B", "true"), ("C", "{\"x\":[]}")];
        assert_eq!(variables, expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
        assert_eq!(super::variables(&json!("A=1 B='x y'")).unwrap()["B"], "x y");
    }

    #[test]
    fn what_is_none_is_shown() {
        for (result, part) in [
            (text(&json!([1])).map(drop), "[1] is not text"),
            (flag(&json!("yes")).map(drop), "\"yes\" is not true or false"),
            (number(&json!(1.5)).map(drop), "1.5 is not a whole number"),
            (time(&json!("soon")).map(drop), "not a time span"),
            (bytes(&json!(true)).map(drop), "true is not a size"),
            (words(&json!("'")).map(drop), "never closed"),
            (super::variables(&json!(["A"])).map(drop), "not an object of variables"),
        ] {
            let why = result.unwrap_err();
            assert!(why.contains(part), "{why}");
        }
        assert!(shown(&json!("é".repeat(100))).len() < 130);
    }
}
