//! Examples: a value that fits a schema, and the line for the shell that sends it.

use serde_json::{Map, Value, json};

use super::{resolve, text};

/// A `curl` line that does the operation. It takes the token from `pmdaemon token`.
pub(super) fn curl(
    openapi: &Value,
    path: &str,
    method: &str,
    parameters: &[&Value],
    body: &Value,
    open: bool,
) -> String {
    let mut url = format!("{}{path}", server(openapi));
    let mut query = vec![];
    for parameter in parameters {
        let (name, required) = (text(&parameter["name"]), parameter["required"] == true);
        match text(&parameter["in"]) {
            "path" => url = url.replace(&format!("{{{name}}}"), &parameter_example(openapi, parameter)),
            "query" if required => query.push(format!("{name}={}", parameter_example(openapi, parameter))),
            _ => {}
        }
    }
    if !query.is_empty() {
        url = format!("{url}?{}", query.join("&"));
    }
    let mut line = String::from("curl");
    if method != "get" {
        line += &format!(" -X {}", method.to_uppercase());
    }
    if !open {
        line += " -H \"Authorization: Bearer $(pmdaemon token)\"";
    }
    if let Some(content) = body["content"].get("application/json") {
        let example =
            content.get("example").cloned().unwrap_or_else(|| value(openapi, &content["schema"], 0));
        line += " \\\n  -H 'Content-Type: application/json'";
        line += &format!(" \\\n  -d {}", quoted(&example.to_string()));
    }
    let separator = if line.contains('\n') || line.len() > 40 { " \\\n  " } else { " " };
    line + separator + &shell_word(&url)
}

/// Where the examples go: the first absolute server of the document, else the usual address.
fn server(openapi: &Value) -> &str {
    let url = text(&openapi["servers"][0]["url"]);
    if url.starts_with("http") { url.trim_end_matches('/') } else { "http://localhost:9615" }
}

fn parameter_example(openapi: &Value, parameter: &Value) -> String {
    let given = parameter.get("example").cloned();
    match given.unwrap_or_else(|| value(openapi, &parameter["schema"], 0)) {
        Value::String(text) if text == "string" => text_example(text_name(parameter)),
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn text_name(parameter: &Value) -> &str {
    text(&parameter["name"])
}

/// A text parameter without an example of its own: the references of this API are names of apps.
fn text_example(name: &str) -> String {
    if matches!(name, "ref" | "reference" | "name" | "app") { "web".to_owned() } else { name.to_uppercase() }
}

/// A value that fits the schema, with the required members only.
fn value(openapi: &Value, schema: &Value, depth: usize) -> Value {
    let schema = resolve(openapi, schema);
    let given = ["example", "default", "const"].iter().find_map(|key| schema.get(*key));
    let given = given.or_else(|| schema["examples"].get(0)).or_else(|| schema["enum"].get(0));
    if let Some(given) = given {
        return given.clone();
    }
    if depth > 6 {
        return Value::Null;
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        if let Some(first) = schema[key].get(0) {
            return value(openapi, first, depth + 1);
        }
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or_default();
    match kind {
        "object" => {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let members = required
                .map(|name| (name.to_owned(), value(openapi, &schema["properties"][name], depth + 1)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        "array" => json!([value(openapi, &schema["items"], depth + 1)]),
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(0)),
        "boolean" => json!(true),
        "string" => json!("string"),
        _ => Value::Null,
    }
}

/// In single quotes, as a shell takes it literally.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Quoted only when a shell would read something into it.
fn shell_word(word: &str) -> String {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-._/:@%+,=".contains(c));
    if plain { word.to_owned() } else { quoted(word) }
}
