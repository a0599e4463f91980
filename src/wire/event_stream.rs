//! Server-sent events, as a reader has them when the stream is taken apart.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One event of a `text/event-stream`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ServerSentEvent {
    /// Where a reader goes on that begins again (`Last-Event-ID`), if the stream has such places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<String>,
    /// What kind of event it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event: Option<String>,
    /// A JSON document.
    pub data: String,
}
