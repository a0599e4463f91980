//! Errors: RFC 9457 problem documents, for every answer that is not 2xx or 3xx.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What went wrong, for people (`detail`) and for programs (`code`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `urn:pmdaemon:problem:` and the code with dashes.
    #[serde(rename = "type")]
    #[schema(example = "urn:pmdaemon:problem:app-not-found")]
    pub kind: String,
    /// The HTTP status in words.
    #[schema(example = "Not Found")]
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599, example = 404)]
    pub status: i64,
    /// One sentence: what failed, on what, what to do.
    #[schema(example = "there is no app named wbe: did you mean web?")]
    pub detail: String,
    /// `urn:request:` and the `X-Request-Id` of the answer, by which the audit and the daemon's log know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "urn:request:0hW0yNmSFQyGs1C8mTC7Ew")]
    pub instance: Option<String>,
    /// Stable, for programs.
    #[schema(example = "app_not_found")]
    pub code: String,
    /// Which members of the request are wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The id of the process that it is about: of the one that has the name already, of the one
    /// that could not be replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub process: Option<i64>,
    /// The id of the operation that came to this end, if one had begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub operation: Option<i64>,
    /// With 410: the oldest event that is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub oldest_seq: Option<i64>,
}

/// One wrong member of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) to the member.
    #[schema(example = "/instances")]
    pub pointer: String,
    /// Stable, for programs.
    #[serde(default)]
    #[schema(example = "invalid_value")]
    pub code: String,
    /// What is allowed.
    pub detail: String,
}

impl FieldError {
    /// A value that is not allowed there.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> FieldError {
        FieldError { pointer: pointer.into(), code: "invalid_value".to_owned(), detail: detail.into() }
    }
}
