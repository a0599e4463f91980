//! The history of CPU and memory.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a process or the host has used over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Metrics {
    /// How far back: `1h`, `24h`, `7d` or `30d`. Where `from` or `to` was given: of which of these the
    /// measurements are.
    #[schema(example = "24h")]
    pub range: String,
    /// The beginning.
    #[schema(format = DateTime)]
    pub from: String,
    /// The end.
    #[schema(format = DateTime)]
    pub to: String,
    /// How much time a point stands for.
    pub step_ms: i64,
    /// Oldest first. There are none for the time in which nothing was measured: it did not run, or
    /// the daemon did not.
    pub points: Vec<MetricPoint>,
    /// What happened to the process in that time, oldest first: `process.started`,
    /// `process.exited`, `process.errored`, `process.unhealthy` and `process.over_memory`, of
    /// which the latest 1000 events are looked through; and what explains gaps, of the host, too:
    /// `daemon.started`, `daemon.recovered` and `keeper.renewed`.
    pub marks: Vec<MetricMark>,
}

/// What the processes of an app have used over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AppMetrics {
    /// Its processes, by id.
    pub items: Vec<ProcessMetrics>,
    /// There is more: ask again with this as `cursor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

/// What one of them has used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProcessMetrics {
    /// Its id.
    #[schema(minimum = 0)]
    pub id: i64,
    /// Its name.
    #[schema(example = "web-0")]
    pub name: String,
    /// Its number among the processes of its app.
    pub instance: i64,
    /// What it has used.
    pub metrics: Metrics,
}

/// What was measured in one stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricPoint {
    /// Its begin: milliseconds since 1970.
    pub at_ms: i64,
    /// How many measurements.
    pub count: i64,
    /// CPU in percent: of one core for a process, of all cores for the host. Absent when `series` leaves it
    /// out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cpu_percent: Option<Spread>,
    /// Memory. Absent when `series` leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub memory_bytes: Option<Spread>,
}

/// The values of one figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Spread {
    /// The lowest.
    pub min: f64,
    /// Their mean.
    pub avg: f64,
    /// The highest.
    pub max: f64,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricMark {
    /// When: milliseconds since 1970.
    pub at_ms: i64,
    /// What, as events say it.
    #[serde(rename = "type")]
    #[schema(example = "process.exited")]
    pub kind: String,
    /// The story in one sentence.
    pub detail: String,
    /// True: a run failed. It was not asked to end, or cannot go on.
    pub failure: bool,
}
