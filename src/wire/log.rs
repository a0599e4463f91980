//! Lines of logs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One line that a process wrote, or a piece of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LogRecord {
    /// The place behind the line: `after=` goes on there, `before=` gives what is before the line.
    /// Opaque, and exact also after rotation and restarts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub c: Option<String>,
    /// When its chunk arrived; absent when the index does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub ts: Option<String>,
    /// The process.
    pub id: i64,
    /// Its display name.
    pub name: String,
    /// Where it was written to.
    pub stream: Stream,
    /// `trace`, `debug`, `info`, `warn`, `error` or `fatal`, when the line says so itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub level: Option<String>,
    /// The line, without its newline. Bytes that are not UTF-8 are replaced by U+FFFD.
    pub text: String,
    /// With `ansi=runs`: how parts of the text look, as start and length in UTF-16 units and the
    /// words of its look.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    pub runs: Vec<(i64, i64, String)>,
    /// With `ansi=runs` and `grep`: where the text matches, as start and length in UTF-16 units.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Vec<i64>>)]
    pub marks: Vec<(i64, i64)>,
    /// No newline came yet, or the line is longer than 1 MiB: the next record of the same stream of
    /// the same process continues it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// The bytes in base64, when they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub base64: Option<String>,
}

impl LogRecord {
    /// A line of which nothing else is known.
    pub fn plain(id: i64, name: &str, stream: Stream, text: &str) -> LogRecord {
        LogRecord {
            c: None,
            ts: None,
            id,
            name: name.to_owned(),
            stream,
            level: None,
            text: text.to_owned(),
            runs: Vec::new(),
            marks: Vec::new(),
            partial: false,
            base64: None,
        }
    }
}

/// Where a line comes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
    /// Not written by the process: what happened to it, with `events=true`.
    Sys,
}

/// What is said between the records of a log.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct LogControl {
    /// `hb`: the stream lives. `cursor`: where it begins, in `c`. `gone`: bytes were removed before
    /// they could be read. `deleted`: nothing more will come.
    pub ctl: String,
    /// For `cursor`, and with `cursors=own` for `hb`: a cursor of all logs of this stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub c: Option<String>,
    /// For `gone`: the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<i64>,
    /// For `gone`: of which of its streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stream: Option<Stream>,
    /// For `gone`: how many bytes, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub bytes: Option<u64>,
}
