//! Processes: instances of apps.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CustomMetric, LogState};

/// One instance of an app, alive or not.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Process {
    /// Its number (PM2's `pm_id`). Grows, is never reused, stays over restarts.
    #[schema(minimum = 0)]
    pub id: i64,
    /// The app's name, or name and instance number when there are several.
    #[schema(example = "web-0")]
    pub name: String,
    /// The app's name.
    #[schema(example = "web")]
    pub app: String,
    /// The app's namespace.
    #[schema(example = "default")]
    pub namespace: String,
    /// Number among the instances of the app, from 0.
    pub instance: i64,
    /// `starting`, `online`, `stopping`, `stopped`, `errored` or `restarting`.
    #[schema(example = "online")]
    pub status: String,
    /// Why it is `errored`, what is being waited for, or why the manager ended its latest run:
    /// `memory limit: 612.4 MiB > 512 MiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
    /// `unknown`, `healthy` or `unhealthy`, while it runs and its app has a health check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "healthy")]
    pub health: Option<String>,
    /// What the latest health check complained of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub health_reason: Option<String>,
    /// Main process, while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pid: Option<i64>,
    /// The ports that it has. None for what does not run and is not about to: then they are free
    /// for others.
    #[serde(default)]
    pub ports: Vec<i64>,
    /// True: it was restarted on other ports than the definition's, until the next plain restart.
    #[serde(default)]
    pub port_overridden: bool,
    /// The version of the app's definition that its latest run was launched with, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub revision: Option<i64>,
    /// When this run began.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub started_at: Option<String>,
    /// How long this run has lasted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub uptime_ms: Option<i64>,
    /// When its schedule has it run, or restarted, next. Absent: it has no schedule, or was stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub next_run_at: Option<String>,
    /// Crashes and restarts by command.
    pub restarts: i64,
    /// Runs in a row that were shorter than `min_uptime_ms`.
    pub unstable_restarts: i64,
    /// Use of the whole tree in the last interval; 100 is one core. Absent when not running.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cpu_percent: Option<f64>,
    /// Resident memory of the whole tree. Absent when not running.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub memory_bytes: Option<i64>,
    /// What its whole tree is and has. Absent when not running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tree: Option<Tree>,
    /// More memory than this leads to a restart.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub max_memory_bytes: Option<i64>,
    /// How the latest run that is over ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_exit: Option<LastExit>,
    /// File with its standard output, exactly as written.
    pub out_log: String,
    /// File with its standard error, exactly as written.
    pub err_log: String,
    /// From the start of this run to its being ready. Absent: it is not, or nobody asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ready_ms: Option<i64>,
    /// What it says that it is doing, by `STATUS=` on its notify socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub status_text: Option<String>,
    /// Why there is no IPC channel to it any more, although it runs: stop uses the signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub channel_lost: Option<String>,
    /// File with both, in the order in which they came, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub combined_log: Option<String>,
    /// What it measures itself, as it tells with PM2's io library.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custom_metrics: Vec<CustomMetric>,
    /// The names of what it can be asked to do, as it tells with PM2's io library.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
    /// How its logs are. Only where a process, an app, or what a reference means is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub logs: Option<LogState>,
}

/// How a run ended: exactly one of `code`, `signal` and `unknown` is there.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct LastExit {
    /// It exited with this code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub code: Option<i64>,
    /// This signal ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "SIGKILL")]
    pub signal: Option<String>,
    /// True: nobody could see how it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub unknown: Option<bool>,
    /// Why the manager ended it, if that was its own decision; or why the kernel did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "memory limit: 612.4 MiB > 512 MiB")]
    pub reason: Option<String>,
}

/// All processes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProcessList {
    /// By id, or in the order of `sort`.
    pub items: Vec<Process>,
    /// The newest event that this list shows the outcome of: with it as `after`, events go on from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub seq: Option<i64>,
    /// There is more: ask again with this as `cursor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
    /// With `count=true`: how many there are on all pages together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub total: Option<i64>,
}

/// A run with everything that it has started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tree {
    /// Living processes.
    pub processes: i64,
    /// Their threads.
    pub threads: i64,
    /// Their open descriptors.
    pub open_files: i64,
    /// Bytes that storage delivered to them since they began.
    pub read_bytes: i64,
    /// Bytes that they have sent to storage.
    pub written_bytes: i64,
}
