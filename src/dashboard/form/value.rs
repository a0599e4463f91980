//! Values of members as text, and back.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::super::command_line;
use crate::wire::{Dependency, size, span};

/// What a text means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Itself.
    Text,
    /// A whole number.
    Number,
    /// Words of a command line.
    Words,
    /// One text on each line.
    Lines,
    /// `NAME=value` on each line; `***` is the value of now.
    Variables,
    /// An app on each line, with what is awaited of it: `db:healthy`.
    Dependencies,
    /// Numbers with blanks between them.
    Codes,
    /// Bytes: `512M`.
    Size,
    /// Milliseconds: `10s`.
    Span,
    /// A box that is ticked or not.
    Yes,
    /// One of these.
    Choice(&'static [&'static str]),
}

impl Kind {
    /// It needs the whole width.
    pub fn is_long(self) -> bool {
        self == Kind::Variables
    }
}

/// Stands for the value of a variable.
const MASKED: &str = "***";

/// The text of a value. That of a variable is never shown.
pub fn text(kind: Kind, value: &Value) -> String {
    let strings =
        |value: &Value| -> Vec<String> { value.as_array().into_iter().flatten().map(plain).collect() };
    match kind {
        Kind::Text | Kind::Number | Kind::Yes | Kind::Choice(_) => plain(value),
        Kind::Words => command_line::words(strings(value).iter().map(String::as_str)),
        Kind::Lines => strings(value).join("\n"),
        Kind::Codes => strings(value).join(" "),
        Kind::Variables => {
            let names = value.as_object().into_iter().flatten();
            names.map(|(name, _)| format!("{name}={MASKED}")).collect::<Vec<_>>().join("\n")
        }
        Kind::Dependencies => {
            let all: Vec<Dependency> = serde_json::from_value(value.clone()).unwrap_or_default();
            all.iter().map(Dependency::to_string).collect::<Vec<_>>().join("\n")
        }
        Kind::Size => value.as_i64().map_or_else(|| plain(value), |bytes| in_units(bytes, &SIZES)),
        Kind::Span => value.as_i64().map_or_else(|| plain(value), |ms| in_units(ms, &SPANS)),
    }
}

/// What the API told of a member, as the form writes it: a text as it is, anything else as JSON.
pub fn said(kind: Kind, told: &str) -> String {
    match kind {
        Kind::Text | Kind::Choice(_) => told.to_owned(),
        Kind::Number
        | Kind::Words
        | Kind::Lines
        | Kind::Variables
        | Kind::Dependencies
        | Kind::Codes
        | Kind::Size
        | Kind::Span => {
            serde_json::from_str(told).map_or_else(|_| told.to_owned(), |value| text(kind, &value))
        }
        Kind::Yes => if told == "true" { "yes" } else { "no" }.to_owned(),
    }
}

const SIZES: [(&str, i64); 5] = [("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10), ("b", 1)];
const SPANS: [(&str, i64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// In the largest unit that loses nothing.
fn in_units(value: i64, units: &[(&str, i64)]) -> String {
    let fitting = units.iter().find(|(_, size)| value != 0 && value % size == 0);
    fitting.map_or_else(|| value.to_string(), |(unit, size)| format!("{}{unit}", value / size))
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// What the text says; nothing when it is blank. `now` is the value that it replaces.
///
/// # Errors
/// One sentence.
pub fn parse(kind: Kind, text: &str, now: Option<&Value>) -> Result<Option<Value>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    match kind {
        Kind::Text | Kind::Choice(_) => Ok(text.into()),
        Kind::Number => number(text).map(Value::from),
        Kind::Words => {
            shlex::split(text).map(Value::from).ok_or_else(|| "a quote is never closed".to_owned())
        }
        Kind::Lines => Ok(lines().collect::<Vec<_>>().into()),
        Kind::Codes => {
            let words = text.split([' ', ',']).filter(|word| !word.is_empty());
            words.map(number).collect::<Result<Vec<_>, _>>().map(Value::from)
        }
        Kind::Variables => variables(lines(), now).map(Value::Object),
        Kind::Dependencies => {
            Ok(lines().map(|line| json!(Dependency::parse(line))).collect::<Vec<_>>().into())
        }
        Kind::Size if text == "0" => Ok(0.into()),
        Kind::Size => size::parse(text).map(Value::from),
        Kind::Span if text == "0" => Ok(0.into()),
        Kind::Span => span::parse(text, None).map(millis),
        Kind::Yes => Ok((text == "true").into()),
    }
    .map(Some)
}

fn number(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| format!("{text:?} is not a whole number"))
}

fn millis(span: Duration) -> Value {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX).into()
}

fn variables<'a>(
    lines: impl Iterator<Item = &'a str>,
    now: Option<&Value>,
) -> Result<Map<String, Value>, String> {
    let mut all = Map::new();
    for line in lines {
        // The line may hold a secret, so it is not repeated.
        let (name, value) = line.split_once('=').ok_or("a line has no '=': write NAME=value")?;
        let name = name.trim();
        let value = match (value, now.and_then(|now| now.get(name))) {
            (MASKED, Some(value)) => value.clone(),
            (MASKED, None) => {
                return Err(format!(
                    "{name} has no value yet: {MASKED} keeps the value of a variable that is there"
                ));
            }
            (value, _) => value.into(),
        };
        if all.insert(name.to_owned(), value).is_some() {
            return Err(format!("{name} is there twice: say it once"));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_as_it_was() {
        let check = |kind: Kind, value: Value, written: &str| {
            assert_eq!(text(kind, &value), written);
            assert_eq!(parse(kind, written, Some(&value)), Ok(Some(value)), "{written}");
        };
        check(Kind::Text, json!("a b"), "a b");
        check(Kind::Number, json!(-1), "-1");
        check(Kind::Words, json!(["a", "two words", "it's"]), r#"a 'two words' "it's""#);
        check(Kind::Lines, json!(["/a b", "c"]), "/a b\nc");
        check(Kind::Codes, json!([0, 3]), "0 3");
        check(Kind::Variables, json!({"A": "secret", "B": "x=y"}), "A=***\nB=***");
        let dependencies =
            json!([{"app": "db", "condition": "healthy"}, {"app": "blue:x", "condition": "ready"}]);
        check(Kind::Dependencies, dependencies, "db:healthy\nblue:x:ready");
        for (bytes, written) in
            [(0_i64, "0"), (512_i64 << 20, "512M"), (1500_i64, "1500b"), (3_i64 << 30, "3G")]
        {
            check(Kind::Size, json!(bytes), written);
        }
        for (ms, written) in
            [(0, "0"), (1600, "1600ms"), (90_000, "90s"), (600_000, "10m"), (86_400_000, "1d")]
        {
            check(Kind::Span, json!(ms), written);
        }
        check(Kind::Yes, json!(false), "false");
        check(Kind::Choice(&["a"]), json!("a"), "a");
    }

    #[test]
    fn a_text_that_says_nothing_is_told_in_a_sentence() {
        let check = |kind: Kind, text: &str, part: &str| {
            let refused = parse(kind, text, None).unwrap_err();
            assert!(refused.contains(part), "{refused}");
        };
        check(Kind::Number, "many", "whole number");
        check(Kind::Words, "'x", "never closed");
        check(Kind::Codes, "1 x", "whole number");
        check(Kind::Size, "lots", "write a size");
        check(Kind::Span, "10", "no unit");
        check(Kind::Variables, "SECRET", "NAME=value");
        check(Kind::Variables, "A=***", "no value yet");
        check(Kind::Variables, "A=1\nA=2", "twice");
        assert!(!parse(Kind::Variables, "hunter2", None).unwrap_err().contains("hunter2"));
    }

    #[test]
    fn what_the_api_told_of_a_member_is_written_as_in_the_form() {
        let check = |kind: Kind, told: &str, written: &str| assert_eq!(said(kind, told), written);
        check(Kind::Text, "123", "123");
        check(Kind::Size, "536870912", "512M");
        check(Kind::Words, r#"["a","b c"]"#, "a 'b c'");
        check(Kind::Yes, "true", "yes");
    }
}
