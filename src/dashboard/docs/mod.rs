//! `/docs`: the API reference, rendered from the OpenAPI document that `/openapi.json` serves.
//!
//! Made here instead of by one of the script-heavy viewers: it works offline, without script, under
//! the same content security policy as every page, and the browser's own search finds everything.

mod example;
mod operation;
mod schema;

use askama::Template;
use serde_json::Value;

use super::frame::{Frame, Here, Reader};
use super::render;
use operation::{Operation, operations};
use schema::{Schema, schemas};

/// Operations under one heading.
struct Group {
    name: String,
    description: String,
    operations: Vec<Operation>,
}

#[derive(Template)]
#[template(path = "docs.html")]
struct View<'a> {
    frame: Frame<'a>,
    title: &'a str,
    version: &'a str,
    description: &'a str,
    groups: Vec<Group>,
    schemas: Vec<Schema>,
}

/// The page. `openapi` is an OpenAPI 3.1 (or 3.0) document.
pub fn docs_page(openapi: &Value, reader: &Reader) -> String {
    let info = &openapi["info"];
    render(&View {
        frame: Frame::new(reader, Here::Api),
        title: text(&info["title"]),
        version: text(&info["version"]),
        description: text(&info["description"]),
        groups: groups(openapi),
        schemas: schemas(openapi),
    })
}

/// Groups by first tag: the declared ones in their order, then the others as they come.
fn groups(openapi: &Value) -> Vec<Group> {
    let declared = openapi["tags"].as_array().into_iter().flatten();
    let mut groups: Vec<Group> = declared
        .map(|tag| Group {
            name: text(&tag["name"]).to_owned(),
            description: text(&tag["description"]).to_owned(),
            operations: vec![],
        })
        .collect();
    for operation in operations(openapi) {
        match groups.iter_mut().find(|group| group.name == operation.tag) {
            Some(group) => group.operations.push(operation),
            None => groups.push(Group {
                name: operation.tag.clone(),
                description: String::new(),
                operations: vec![operation],
            }),
        }
    }
    groups.retain(|group| !group.operations.is_empty());
    groups
}

/// A text member, empty when it is not there.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Parts of a text, each with whether it stood between backticks. A backtick without a partner is
/// text.
fn spans(text: &str) -> impl Iterator<Item = (bool, String)> {
    let parts: Vec<&str> = text.split('`').collect();
    let lonely = parts.len().is_multiple_of(2).then_some(parts.len() - 1);
    let spans: Vec<_> = parts
        .iter()
        .enumerate()
        .map(|(at, part)| match lonely {
            Some(last) if at == last => (false, format!("`{part}")),
            Some(_) | None => (at % 2 == 1, (*part).to_owned()),
        })
        .filter(|(_, part)| !part.is_empty())
        .collect();
    spans.into_iter()
}

/// Follows `$ref` inside the document, up to a depth that no honest document has.
fn resolve<'a>(openapi: &'a Value, mut value: &'a Value) -> &'a Value {
    for _ in 0..16 {
        let Some(target) = value["$ref"].as_str().and_then(|path| openapi.pointer(path.strip_prefix('#')?))
        else {
            break;
        };
        value = target;
    }
    value
}

/// A word that can stand in `id` and behind `#`.
fn anchor(words: &str) -> String {
    let kept = words.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    kept.collect::<String>().split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests;
