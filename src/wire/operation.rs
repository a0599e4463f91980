//! Operations: what takes time, and how far it is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that takes time, done to one or many processes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Operation {
    /// Its number. Grows, is never reused.
    #[schema(minimum = 1)]
    pub id: i64,
    /// `start`, `stop`, `restart`, `delete`, `reset`, `reload` or `scale`.
    #[schema(example = "restart")]
    pub action: String,
    /// `running`; `done`: everything is as was asked; `failed`: some is not; `cancelled`: some was left
    /// undone because somebody wanted that; `interrupted`: some was left undone because the daemon
    /// ended.
    #[schema(example = "running")]
    pub state: String,
    /// Who asked for it.
    #[schema(example = "alice")]
    pub author: String,
    /// When.
    #[schema(format = DateTime)]
    pub begun_at: String,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub ended_at: Option<String>,
    /// How far it is.
    pub progress: OperationProgress,
    /// Each process that it is about, in order. Only where one operation is shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<OperationItem>,
}

/// How many processes of an operation are how far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct OperationProgress {
    /// All of them.
    pub total: i64,
    /// As was asked.
    pub done: i64,
    /// Not as was asked.
    pub failed: i64,
    /// Never begun.
    pub left: i64,
}

/// One process of an operation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct OperationItem {
    /// Which.
    #[schema(minimum = 0)]
    pub id: i64,
    /// Its name.
    #[schema(example = "web-0")]
    pub name: String,
    /// Its namespace.
    #[schema(example = "default")]
    pub namespace: String,
    /// What is done to it, as `action` of the operation.
    #[schema(example = "restart")]
    pub action: String,
    /// `waiting`: not begun; `draining`: what ran is ending; `starting`: what is to run is not ready
    /// yet; `ready`: it is, and has to stay so for a while; `done`, `failed`; `left`: never begun.
    #[schema(example = "starting")]
    pub state: String,
    /// Why it failed, or was left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
    /// Since when it is in that state.
    #[schema(format = DateTime)]
    pub since: String,
}

/// Operations, the newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OperationList {
    /// Without their items.
    pub items: Vec<Operation>,
    /// There are older ones: ask again with this as `cursor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
    /// With `count=true`: how many there are on all pages together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub total: Option<i64>,
}

/// How many at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Strategy {
    /// So many are under way at a time: the next begins when one is as was asked (what starts: ready)
    /// or has failed.
    #[schema(minimum = 1, maximum = 1000)]
    pub max_parallel: i64,
    /// With more failures than this nothing more is begun. Default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 1000)]
    pub max_failures: Option<i64>,
}

/// What would be done to one process.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Rehearsed {
    /// Which.
    #[schema(minimum = 0)]
    pub id: i64,
    /// Its name.
    #[schema(example = "web-0")]
    pub name: String,
    /// Its namespace.
    #[schema(example = "default")]
    pub namespace: String,
    /// How it is now.
    #[schema(example = "online")]
    pub status: String,
    /// The action, or `nothing`: it is so already.
    #[schema(example = "restart")]
    pub would: String,
}
