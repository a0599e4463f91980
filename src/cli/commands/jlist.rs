//! `jlist`, `prettylist`: the list in PM2's shape, for programs and for reading.

use serde_json::Value;

use super::super::error::CliError;
use super::super::out;
use super::super::session::Session;

/// Runs the command: JSON on one line, or in Node's manner.
pub async fn run(pretty: bool) -> Result<(), CliError> {
    let session = Session::open().await?;
    let list = session.ask(async |c| c.compat_list().await).await?;
    if pretty {
        out::line(&inspect(&list, 0));
    } else {
        out::line(&list.to_string());
    }
    Ok(())
}

/// As Node shows values: names without quotes, text in single ones.
fn inspect(value: &Value, depth: usize) -> String {
    let inner = "  ".repeat(depth + 1);
    let outer = "  ".repeat(depth);
    let block = |open: char, items: Vec<String>, close: char| match items.is_empty() {
        true => format!("{open}{close}"),
        false => format!("{open}\n{inner}{}\n{outer}{close}", items.join(&format!(",\n{inner}"))),
    };
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => block('[', items.iter().map(|item| inspect(item, depth + 1)).collect(), ']'),
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$')
                    && !name.starts_with(|c: char| c.is_ascii_digit())
                    && !name.is_empty();
                let name = if plain { name.clone() } else { quoted(name) };
                format!("{name}: {}", inspect(value, depth + 1))
            };
            block('{', members.iter().map(member).collect(), '}')
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn quoted(text: &str) -> String {
    let escaped = |c: char| match c {
        '\\' => "\\\\".to_owned(),
        '\'' => "\\'".to_owned(),
        '\n' => "\\n".to_owned(),
        c if c.is_control() => format!("\\x{:02X}", u32::from(c)),
        c => c.to_string(),
    };
    format!("'{}'", text.chars().map(escaped).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_would_show_it_so() {
        let value = serde_json::json!([{"pid": 1, "a-b": "it's", "none": [], "env": {}}]);
        let expected = "[\n  {\n    pid: 1,\n    'a-b': 'it\\'s',\n    none: [],\n    env: {}\n  }\n]";
        assert_eq!(quoted("a\u{1b}[2J\n"), "'a\\x1B[2J\\n'", "nothing acts on the terminal");
        let shown = inspect(&value, 0);
        assert_eq!(shown.len(), expected.len(), "{shown}");
        for line in expected.lines() {
            assert!(shown.contains(line.trim_end_matches(',')), "{line} in {shown}");
        }
    }
}
