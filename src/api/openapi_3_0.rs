//! The API's description in OpenAPI 3.0, for generators that do not read 3.1, such as progenitor.
//! Derived from the 3.1 document: what 3.0 cannot say is left out or said another way.

use serde_json::{Map, Value, json};

/// The version that it is.
const VERSION: &str = "3.0.3";

/// The 3.0 form of a 3.1 document.
pub fn derived(document: &Value) -> Value {
    let mut derived = in_3_0(document);
    derived["openapi"] = json!(VERSION);
    derived
}

fn in_3_0(value: &Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(object_in_3_0(members)),
        Value::Array(items) => items.iter().map(in_3_0).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn object_in_3_0(members: &Map<String, Value>) -> Map<String, Value> {
    // Beside a reference 3.0 reads nothing, so the reference becomes a part.
    let has_company = members.len() > 1;
    let kept = members.iter().filter(|(name, value)| !is_left_out(name, value));
    let said = kept.map(|(name, value)| match (name.as_str(), value) {
        ("$ref", Value::String(_)) if has_company => ("allOf".to_owned(), json!([{"$ref": value}])),
        ("identifier", Value::String(spdx)) => {
            ("url".to_owned(), json!(format!("https://spdx.org/licenses/{spdx}.html")))
        }
        ("type", Value::Array(kinds)) => (name.clone(), kinds.first().cloned().unwrap_or_default()),
        ("oneOf", Value::Array(ways)) if may_be_null(members) => ("allOf".to_owned(), json!([ways[0]])),
        _ => (name.clone(), in_3_0(value)),
    });
    let mut said: Map<String, Value> = said.collect();
    if may_be_null(members) {
        said.insert("nullable".to_owned(), json!(true));
        // It wants a type beside it. What we refer to are objects.
        said.entry("type").or_insert_with(|| json!("object"));
    }
    said
}

/// Whether a schema of 3.1 says that it may also be `null`: `["string", "null"]`, or one of two.
fn may_be_null(schema: &Map<String, Value>) -> bool {
    let null = json!("null");
    let of_kind = schema.get("type").and_then(Value::as_array).is_some_and(|kinds| kinds.contains(&null));
    let ways = schema.get("oneOf").and_then(Value::as_array);
    of_kind || ways.is_some_and(|ways| ways.len() == 2 && ways[1].get("type") == Some(&null))
}

/// Schemas of the names of members, and several types: 3.0 has one or any. And what generators of 3.0
/// stumble over: which members exclude each other, and booleans of one value. A property may be called
/// so, too.
fn is_left_out(name: &str, value: &Value) -> bool {
    match name {
        "propertyNames" => value.is_object(),
        "type" => {
            value.as_array().is_some_and(|kinds| kinds.iter().filter(|kind| *kind != "null").count() > 1)
        }
        "oneOf" => value.as_array().is_some_and(|all| {
            all.iter().all(|one| one.get("required").is_some() || one.get("anyOf").is_some())
        }),
        "enum" => value.as_array().is_some_and(|all| all.iter().all(Value::is_boolean)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_3_0_cannot_say_is_said_another_way() {
        let document = json!({
            "openapi": "3.1.0",
            "info": {"license": {"name": "MIT", "identifier": "MIT"}},
            "components": {"schemas": {"App": {"properties": {
                "env": {"type": "object", "propertyNames": {"type": "string"}},
                "logs": {"$ref": "#/components/schemas/Logs", "description": "where"},
                "alone": {"$ref": "#/components/schemas/Logs"},
                "text": {"type": ["string", "null"]},
                "anything": {"type": ["object", "string"], "description": "of either"},
                "either": {"oneOf": [{"$ref": "#/components/schemas/Logs"}, {"type": "null"}]},
            }, "oneOf": [{"required": ["env"]}, {"required": ["logs"]}]}}},
        });
        let expected = json!({
            "openapi": "3.0.3",
            "info": {"license": {"name": "MIT", "url": "https://spdx.org/licenses/MIT.html"}},
            "components": {"schemas": {"App": {"properties": {
                "env": {"type": "object"},
                "logs": {"allOf": [{"$ref": "#/components/schemas/Logs"}], "description": "where"},
                "alone": {"$ref": "#/components/schemas/Logs"},
                "text": {"type": "string", "nullable": true},
                "anything": {"description": "of either"},
                "either": {"allOf": [{"$ref": "#/components/schemas/Logs"}], "nullable": true, "type": "object"},
            }}}},
        });
        assert_eq!(derived(&document), expected);
    }

    #[test]
    fn nothing_that_only_3_1_can_say_is_left() {
        fn look(at: &str, value: &Value) {
            if let Some(members) = value.as_object() {
                let listed = members.get("type").is_some_and(Value::is_array);
                assert!(!listed, "{at}: 3.0 takes one type: use nullable = false");
                assert!(
                    !members.contains_key("$ref") || members.len() == 1,
                    "{at}: something beside a reference"
                );
                for (name, value) in members {
                    let unknown =
                        ["const", "prefixItems", "patternProperties", "$defs", "if", "contentEncoding"];
                    let in_schema = members.contains_key("type") || members.contains_key("properties");
                    assert!(!(in_schema && unknown.contains(&name.as_str())), "{at}: {name} is of 3.1");
                    look(&format!("{at}/{name}"), value);
                }
            }
            for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                look(&format!("{at}/{number}"), item);
            }
        }
        look("", &derived(super::super::openapi::document()));
    }
}
