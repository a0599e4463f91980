//! Lines of logs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One line that a process wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LogRecord {
    /// When its chunk arrived; absent when the index does not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub ts: Option<String>,
    /// The process.
    pub id: i64,
    /// Its display name.
    pub name: String,
    /// Where it was written to.
    pub stream: Stream,
    /// The line, without its newline. Bytes that are not UTF-8 are replaced by U+FFFD.
    pub text: String,
}

/// A standard stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}
