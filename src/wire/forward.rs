//! Forwards: logs that are sent elsewhere.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{More, Stream};

/// A forward to be begun: to syslog or to HTTP.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewForward {
    /// Its name.
    #[schema(example = "central")]
    pub name: String,
    /// Address of a syslog receiver: `udp://host:514`, `tcp://host:514` or `unix:///dev/log`. It gets
    /// RFC 5424 messages; over TCP each with its length before it (RFC 6587).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "tcp://logs.example:514")]
    pub syslog: Option<String>,
    /// URL of an HTTP receiver. It gets JSON documents, one per line, by POST, and takes them by a
    /// 2xx.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub http: Option<String>,
    /// For syslog: `user`, `daemon`, `local0` and so on. Default `user`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "local0")]
    pub facility: Option<String>,
    /// For HTTP: headers to send along. Their values are never shown.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// For HTTP: the body is compressed. Default false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gzip: bool,
    /// References to apps or processes, which are looked up again with each change. Default: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apps: Vec<String>,
    /// Only this stream. Default: both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stream: Option<Stream>,
    /// Only lines that say that they are of this level or above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "warn")]
    pub level: Option<String>,
}

/// A forward and how far it is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Forward {
    /// Its name.
    pub name: String,
    /// Where it goes. A query is left out: it may be a secret.
    #[schema(example = "tcp://logs.example:514")]
    pub to: String,
    /// For syslog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub facility: Option<String>,
    /// For HTTP: the headers that are sent along; of their values only `***`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// For HTTP: the body is compressed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gzip: bool,
    /// Whose logs; none: all.
    pub apps: Vec<String>,
    /// Only this stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stream: Option<Stream>,
    /// Only from this level on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub level: Option<String>,
    /// When it was begun.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// `ok`, or `failing` while the receiver takes nothing.
    pub status: String,
    /// Why, while it is failing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<String>,
    /// Since when it is failing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub failing_since: Option<String>,
    /// When the receiver last took something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub last_sent_at: Option<String>,
    /// Lines that it has taken.
    pub sent_lines: i64,
    /// And bytes.
    pub sent_bytes: i64,
    /// Bytes that are written and not sent yet, unwanted lines included.
    pub lag_bytes: i64,
    /// Lines that are to be sent; absent when there are too many to be counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lag_lines: Option<i64>,
    /// Bytes that were rotated away before they were sent.
    pub lost_bytes: i64,
    /// How far it is in each log.
    pub logs: Vec<ForwardedLog>,
}

/// How far a forward is in one log.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ForwardedLog {
    /// The process.
    pub id: i64,
    /// What it is called.
    pub name: String,
    /// Which of its streams.
    pub stream: Stream,
    /// Number of the segment; 0: before the oldest.
    pub segment: i64,
    /// Everything before this byte of it was sent.
    pub offset: i64,
    /// Bytes that are not sent yet.
    pub lag_bytes: i64,
}

/// All forwards.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ForwardList {
    /// By name.
    pub items: Vec<Forward>,
    /// What there is beyond them.
    #[serde(flatten)]
    pub more: More,
}
