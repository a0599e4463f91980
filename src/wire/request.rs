//! Requests that the API has answered.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Listener;

/// A request and its answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AccessRecord {
    /// When its answer began.
    #[schema(format = DateTime)]
    pub ts: String,
    /// The address of ours that it came to; absent for the unix socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "127.0.0.1:9615")]
    pub address: Option<String>,
    /// Its method.
    #[schema(example = "GET")]
    pub method: String,
    /// Its path, without a query.
    #[schema(example = "/api/v1/processes")]
    pub path: String,
    /// Status of the answer.
    #[schema(example = 200)]
    pub status: i64,
    /// From its header to the header of its answer.
    pub duration_us: i64,
}

/// The first line of a stream that keeps an address served.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Lent {
    /// The real address.
    pub listener: Listener,
    /// True: it was not served before.
    pub added: bool,
}

/// A line of a stream that is no record. `ctl` is `hb` (the stream lives), `missed` (so many
/// records were dropped) or `closed` (the address is not served any more).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct StreamControl {
    /// The kind.
    #[schema(example = "hb")]
    pub ctl: String,
    /// How many records were missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub count: Option<i64>,
}

impl StreamControl {
    /// The stream lives.
    pub fn heartbeat() -> StreamControl {
        StreamControl { ctl: "hb".to_owned(), count: None }
    }

    /// So many records were dropped because the reader was slow.
    pub fn missed(count: u64) -> StreamControl {
        StreamControl { ctl: "missed".to_owned(), count: i64::try_from(count).ok() }
    }

    /// The address is not served any more.
    pub fn closed() -> StreamControl {
        StreamControl { ctl: "closed".to_owned(), count: None }
    }
}
