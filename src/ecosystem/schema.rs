//! The JSON Schema of the file, for editors.

use serde_json::{Map, Value, json};

use super::fields::{FIELDS, Kind};

/// Made out of the table of fields.
pub fn schema() -> Value {
    let mut properties = Map::new();
    for field in FIELDS {
        for (at, name) in std::iter::once(&field.name).chain(field.aliases).enumerate() {
            let mut property = kind(field.kind);
            let meaning =
                if at == 0 { field.meaning.to_owned() } else { format!("The same as {}.", field.name) };
            property.insert("description".to_owned(), meaning.into());
            for name in [(*name).to_owned(), camel(name)] {
                properties.insert(name, property.clone().into());
            }
        }
    }
    let app = json!({
        "type": "object",
        "properties": properties,
        "patternProperties": {"^env_": {"type": ["object", "string"], "description": "Variables with --env NAME."}},
        "anyOf": [{"required": ["script"]}, {"required": ["exec"]}, {"required": ["cmd"]}, {"required": ["command"]}],
        "additionalProperties": false,
    });
    let apps =
        json!({"oneOf": [{"type": "array", "items": {"$ref": "#/$defs/app"}}, {"$ref": "#/$defs/app"}]});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Ecosystem file of pmdaemon",
        "description": "Also in YAML, TOML, and as what a .config.js exports.",
        "anyOf": [
            {"type": "object", "properties": {"apps": apps, "deploy": {"type": "object"},
              "static": {"type": "array", "items": {"type": "object"}}, "$schema": {"type": "string"}},
             "required": ["apps"]},
            {"type": "array", "items": {"$ref": "#/$defs/app"}},
            {"$ref": "#/$defs/app"},
        ],
        "$defs": {"app": app},
    })
}

fn kind(kind: Kind) -> Map<String, Value> {
    let text = || json!({"type": ["string", "number"]});
    let shape = match kind {
        Kind::Text => text(),
        Kind::Flag => json!({"enum": [true, false, "true", "false"]}),
        Kind::Number => json!({"type": ["integer", "string"]}),
        Kind::Time | Kind::Bytes => text(),
        Kind::Words | Kind::List | Kind::Numbers => {
            json!({"type": ["array", "string", "number"], "items": text()})
        }
        Kind::Variables => json!({"type": ["object", "string"]}),
        Kind::FlagOrList => json!({"type": ["boolean", "array", "string"]}),
        Kind::Object => json!({"type": ["object", "array", "string"]}),
        Kind::Without(_) => json!({"deprecated": true}),
    };
    match shape {
        Value::Object(shape) => shape,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

fn camel(name: &str) -> String {
    let mut camel = String::new();
    let mut upper = false;
    for c in name.chars() {
        match c {
            '_' if !camel.is_empty() => upper = true,
            c if upper => {
                camel.push(c.to_ascii_uppercase());
                upper = false;
            }
            c => camel.push(c),
        }
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_described_by_each_of_its_names() {
        let schema = schema();
        let properties = &schema["$defs"]["app"]["properties"];
        for name in ["script", "cmd", "maxMemoryRestart", "node_args", "nodeArgs", "health_check", "watch"] {
            assert!(properties[name]["description"].is_string(), "{name}");
        }
        assert_eq!(properties["nodeArgs"]["description"], "The same as interpreter_args.");
    }
}
