//! The history of processes, and of pmdaemon itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::LastExit;

/// Something that happened to a process, or to pmdaemon itself.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Grows by one with each event.
    pub seq: i64,
    /// When.
    #[schema(format = DateTime)]
    pub ts: String,
    /// `process.created`, `process.started`, `process.spawn_failed`, `process.stop_asked`,
    /// `process.over_memory`, `process.host_budget`,
    /// `process.killed`, `process.exited`, `process.backing_off`, `process.errored`,
    /// `process.ready`, `process.not_ready`, `process.healthy`, `process.unhealthy`, `process.stopped` or `process.deleted`; of
    /// pmdaemon itself `daemon.started`, `daemon.recovered`, `keeper.renewed`, `store.lost`, `store.adopted`, `store.failed`, `store.healed`, `logs.removed`, `forward.gap`, `alert.firing`, `alert.resolved`, `alert.lost`, or
    /// `operation.done`, `.failed`, `.cancelled` or `.interrupted` for one on several processes.
    #[serde(rename = "type")]
    #[schema(example = "process.exited")]
    pub kind: String,
    /// The process. Absent: it happened to pmdaemon itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<i64>,
    /// Its display name; `pmdaemon` for pmdaemon itself.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The whole story in one sentence.
    #[schema(example = "web was ended by signal SIGKILL after 3.2 s")]
    pub detail: String,
    /// How it ended, for `process.exited`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exit: Option<LastExit>,
    /// That end was asked for: by somebody, by a schedule, or because a file was changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asked: bool,
    /// The version of the app's definition that the run was launched with, if it speaks of a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub revision: Option<i64>,
}

/// A page of events, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EventList {
    /// In the order of `seq`.
    pub items: Vec<Event>,
    /// The newest `seq` of all: what happens later has a greater one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub seq: Option<i64>,
    /// There is more in the direction of this page: with `after`, later ones; otherwise earlier ones.
    /// Ask again with this as `cursor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}
