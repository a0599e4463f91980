//! What happens at a time of day, and the runs of jobs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::LastExit;

/// When an app is restarted, or run if it is a job: an app that is not started by itself
/// (`autostart: false`). Goals stay as they are: what was stopped is not started.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// 5 fields (minute, hour, day of the month, month, day of the week), 6 with seconds in front, or a
    /// name such as `@daily`.
    #[schema(example = "0 3 * * *")]
    pub cron: String,
    /// The zone of these times. A time that a change of the clocks leaves out comes when they have
    /// changed; one that comes twice counts once. Default: the daemon's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Europe/Berlin")]
    pub timezone: Option<String>,
    /// What a job does that is due while its run before goes on: `skip` (default) is not to run it,
    /// `queue` is to run it once when that is over, `replace` is to end that and run it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "queue")]
    pub overlap: Option<String>,
    /// What becomes of times that are more than a minute past when they are seen, because no daemon
    /// ran, the host slept or its clock was put forward: `skip` (default), or `once` for one run for
    /// all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "once")]
    pub catch_up: Option<String>,
}

/// What became of one time of a job, or of one run by hand.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JobRun {
    /// The number of the run; absent when it was not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub run: Option<i64>,
    /// Why: `schedule`, `catch_up` (it was missed), `queue` (it had to wait), or `command` (by hand, or
    /// again after a failure).
    #[schema(example = "schedule")]
    pub trigger: String,
    /// `running`, `succeeded`, `failed`, `skipped` (its run before went on) or `missed`.
    #[schema(example = "succeeded")]
    pub outcome: String,
    /// When it began, or would have been run.
    #[schema(format = DateTime)]
    pub at: String,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub ended_at: Option<String>,
    /// How its main process ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exit: Option<LastExit>,
    /// What the history says of it.
    pub detail: String,
}

/// The runs of a job.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JobRunList {
    /// Oldest first.
    pub items: Vec<JobRun>,
}
