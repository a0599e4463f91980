//! Schemas: as a phrase (`array of App`) and as a table of members.

use serde_json::Value;

use super::{anchor, text};

/// A part of a phrase; a reference links to its schema.
#[derive(Debug, PartialEq)]
pub(super) struct Piece {
    pub text: String,
    /// Anchor on the page, without `#`.
    pub link: Option<String>,
}

/// A named schema of the document.
pub(super) struct Schema {
    pub name: String,
    pub anchor: String,
    pub description: String,
    pub phrase: Vec<Piece>,
    pub members: Vec<Member>,
}

/// A member of an object.
pub(super) struct Member {
    pub name: String,
    pub required: bool,
    pub phrase: Vec<Piece>,
    pub description: String,
    pub limits: String,
}

/// All named schemas, by name.
pub(super) fn schemas(openapi: &Value) -> Vec<Schema> {
    let named = openapi["components"]["schemas"].as_object().into_iter().flatten();
    let mut schemas: Vec<_> = named
        .map(|(name, schema)| Schema {
            name: name.clone(),
            anchor: schema_anchor(name),
            description: text(&schema["description"]).to_owned(),
            phrase: phrase(schema),
            members: members(schema),
        })
        .collect();
    schemas.sort_by(|a, b| a.name.cmp(&b.name));
    schemas
}

fn schema_anchor(name: &str) -> String {
    format!("schema-{}", anchor(name))
}

/// The members of an object schema, required ones first; those of `allOf` parts too.
pub(super) fn members(schema: &Value) -> Vec<Member> {
    let required: Vec<_> = schema["required"].as_array().into_iter().flatten().map(text).collect();
    let own = schema["properties"].as_object().into_iter().flatten().map(|(name, member)| Member {
        name: name.clone(),
        required: required.contains(&name.as_str()),
        phrase: phrase(member),
        description: text(&member["description"]).to_owned(),
        limits: limits(member),
    });
    let parts = schema["allOf"].as_array().into_iter().flatten().flat_map(members);
    let mut members: Vec<_> = own.chain(parts).collect();
    members.sort_by_key(|member| !member.required);
    members
}

/// The type in words.
pub(super) fn phrase(schema: &Value) -> Vec<Piece> {
    let mut pieces = vec![];
    say(schema, &mut pieces);
    pieces
}

fn say(schema: &Value, pieces: &mut Vec<Piece>) {
    let mut word = |text: &str| pieces.push(Piece { text: text.to_owned(), link: None });
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        pieces.push(Piece { text: name.to_owned(), link: Some(schema_anchor(name)) });
        return;
    }
    for (key, between) in [("oneOf", " or "), ("anyOf", " or "), ("allOf", " and ")] {
        if let Some(parts) = schema[key].as_array().filter(|parts| !parts.is_empty()) {
            for (at, part) in parts.iter().enumerate() {
                if at > 0 {
                    pieces.push(Piece { text: between.to_owned(), link: None });
                }
                say(part, pieces);
            }
            return;
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<_> = values.iter().map(Value::to_string).collect();
        return word(&format!("one of {}", values.join(", ")));
    }
    match type_word(schema).as_str() {
        "array" => {
            word("array of ");
            say(&schema["items"], pieces);
        }
        "object" if schema["additionalProperties"].is_object() => {
            word("map of ");
            say(&schema["additionalProperties"], pieces);
        }
        "" => word("anything"),
        kind => match schema["format"].as_str() {
            Some(format) => word(&format!("{kind} ({format})")),
            None => word(kind),
        },
    }
}

/// `type`, which may be a list in 3.1.
fn type_word(schema: &Value) -> String {
    match &schema["type"] {
        Value::String(one) => one.clone(),
        Value::Array(several) => several.iter().map(text).collect::<Vec<_>>().join(" or "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}

/// What is allowed besides the type.
pub(super) fn limits(schema: &Value) -> String {
    let words = [
        ("minimum", "at least "),
        ("maximum", "at most "),
        ("minLength", "length from "),
        ("maxLength", "length up to "),
        ("pattern", "pattern "),
        ("default", "default "),
        ("example", "example "),
    ];
    let said = words.iter().filter_map(|(key, word)| {
        let value = schema.get(*key)?;
        Some(format!("{word}{}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
    });
    let marks = [("readOnly", "read only"), ("writeOnly", "write only"), ("deprecated", "deprecated")];
    let marked = marks.iter().filter(|(key, _)| schema[*key] == true).map(|(_, word)| (*word).to_owned());
    said.chain(marked).collect::<Vec<_>>().join(", ")
}
