//! Operations: a method on a path.

use serde_json::Value;

use super::example::curl;
use super::schema::{Piece, limits, phrase};
use super::{anchor, resolve, text};

/// A method on a path.
pub(super) struct Operation {
    pub tag: String,
    pub anchor: String,
    /// `GET`.
    pub method: String,
    /// Lower case, for the style.
    pub look: &'static str,
    pub path: String,
    pub summary: String,
    pub description: String,
    pub deprecated: bool,
    /// No authentication.
    pub open: bool,
    pub parameters: Vec<Parameter>,
    pub bodies: Vec<Content>,
    pub body_required: bool,
    pub responses: Vec<Response>,
    /// A line for the shell.
    pub curl: String,
}

/// A parameter outside the body.
pub(super) struct Parameter {
    pub name: String,
    /// `path`, `query`, `header` or `cookie`.
    pub place: String,
    pub required: bool,
    pub phrase: Vec<Piece>,
    pub description: String,
    pub limits: String,
}

/// A body in one media type.
pub(super) struct Content {
    pub media_type: String,
    pub phrase: Vec<Piece>,
}

/// An answer.
pub(super) struct Response {
    pub status: String,
    /// First digit of the status, for the style.
    pub class: String,
    pub description: String,
    pub bodies: Vec<Content>,
}

const METHODS: [(&str, &str); 7] = [
    ("get", "read"),
    ("head", "read"),
    ("options", "read"),
    ("post", "post"),
    ("put", "change"),
    ("patch", "change"),
    ("delete", "remove"),
];

/// All operations, in the document's order of paths.
pub(super) fn operations(openapi: &Value) -> Vec<Operation> {
    let paths = openapi["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, item)| {
            METHODS.iter().filter_map(move |(method, look)| {
                item.get(*method).map(|said| operation(openapi, path, item, method, look, said))
            })
        })
        .collect()
}

fn operation(
    openapi: &Value,
    path: &str,
    item: &Value,
    method: &str,
    look: &'static str,
    said: &Value,
) -> Operation {
    let body = resolve(openapi, &said["requestBody"]);
    let shared = item["parameters"].as_array().into_iter().flatten();
    let own = said["parameters"].as_array().into_iter().flatten();
    let raw_parameters: Vec<&Value> =
        shared.chain(own).map(|parameter| resolve(openapi, parameter)).collect();
    let (summary, description) = told(said);
    let security = said.get("security").unwrap_or(&openapi["security"]);
    let open = security.as_array().is_none_or(|needs| {
        needs.is_empty() || needs.iter().any(|need| need.as_object().is_some_and(|need| need.is_empty()))
    });
    Operation {
        tag: said["tags"][0].as_str().unwrap_or("other").to_owned(),
        anchor: anchor(&format!("{method} {path}")),
        method: method.to_uppercase(),
        look,
        path: path.to_owned(),
        summary,
        description,
        deprecated: said["deprecated"] == true,
        open,
        curl: curl(openapi, path, method, &raw_parameters, body, open),
        parameters: raw_parameters.into_iter().map(parameter).collect(),
        bodies: contents(body),
        body_required: body["required"] == true,
        responses: responses(openapi, said),
    }
}

/// Summary and description. With one text only, its first sentence is the summary.
fn told(said: &Value) -> (String, String) {
    let (summary, description) = (text(&said["summary"]), text(&said["description"]));
    if summary.is_empty() {
        let (first, rest) = description.split_once("\n\n").unwrap_or((description, ""));
        return (first.trim().to_owned(), rest.trim().to_owned());
    }
    let rest = if description == summary { "" } else { description };
    (summary.to_owned(), rest.to_owned())
}

fn parameter(said: &Value) -> Parameter {
    Parameter {
        name: text(&said["name"]).to_owned(),
        place: text(&said["in"]).to_owned(),
        required: said["required"] == true,
        phrase: phrase(&said["schema"]),
        description: text(&said["description"]).to_owned(),
        limits: limits(&said["schema"]),
    }
}

fn contents(body: &Value) -> Vec<Content> {
    let media_types = body["content"].as_object().into_iter().flatten();
    media_types
        .map(|(media_type, content)| Content {
            media_type: media_type.clone(),
            phrase: phrase(&content["schema"]),
        })
        .collect()
}

fn responses(openapi: &Value, said: &Value) -> Vec<Response> {
    let responses = said["responses"].as_object().into_iter().flatten();
    let mut responses: Vec<_> = responses
        .map(|(status, response)| {
            let response = resolve(openapi, response);
            Response {
                status: status.clone(),
                class: status.chars().next().filter(char::is_ascii_digit).unwrap_or('x').to_string(),
                description: text(&response["description"]).to_owned(),
                bodies: contents(response),
            }
        })
        .collect();
    responses.sort_by(|a, b| a.status.cmp(&b.status));
    responses
}
