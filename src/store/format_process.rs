//! The disk format of processes and of how runs end. The same rules as for definitions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::format::{Misfit, micros, port_plan, signal, stored_plan};
use super::format_resources::StoredOverMemory;
use crate::model::{AppId, Cause, End, Goal, Moment, Port, ProcessId, Reason, Rest, RunId};
use crate::supervisor::{Asked, Ports, Remembered};

/// Column `process.record`; the ids have columns of their own.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredProcess {
    instance: u32,
    goal: StoredGoal,
    #[serde(default)]
    rest: StoredRest,
    #[serde(default)]
    port: Option<u16>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    port_is_shared: bool,
    #[serde(default)]
    port_override: Option<String>,
    #[serde(default)]
    restarts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reset_at: Option<u64>,
    #[serde(default)]
    last_end: Option<StoredEnd>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_over_memory: Option<StoredOverMemory>,
    #[serde(default)]
    unstable: u32,
    #[serde(default)]
    waits: u32,
    /// Microseconds since boot; of which boot, the setting `boot` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    waits_until_us: Option<u64>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    apart: BTreeSet<u64>,
    /// Of those that leave: since when, in microseconds since boot.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    leaving_since_us: BTreeMap<u64, u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked: Option<StoredAsked>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    queued: bool,
}

#[derive(Serialize, Deserialize)]
struct StoredAsked {
    run: u64,
    #[serde(default)]
    restart: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause: Option<StoredCause>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    over_memory: Option<StoredOverMemory>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredCause {
    Stop,
    Restart,
    Reload,
    Delete,
    Scale,
    Shutdown,
    FilesChanged,
    Schedule,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredGoal {
    Up,
    Down,
    Gone,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum StoredRest {
    #[default]
    Stopped,
    Errored(StoredReason),
    Finished(StoredEnd),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredReason {
    UnstableRuns { count: u32, last: StoredEnd },
    Unhealthy { count: u32, complaint: String },
    NotReady { count: Option<u32>, limit_us: u64 },
    OverMemory { count: u32, over: StoredOverMemory },
    Ended(StoredEnd),
    CannotSpawn(String),
    NoPort(String),
}

/// Column `event.ending`, and a part of others.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoredEnd {
    Code(i32),
    Signal(i32),
    OutOfMemory,
    Unknown,
}

impl StoredProcess {
    /// What to write for `process`.
    pub(super) fn new(process: &Remembered) -> StoredProcess {
        StoredProcess {
            instance: process.instance,
            goal: match process.goal {
                Goal::Up => StoredGoal::Up,
                Goal::Down => StoredGoal::Down,
                Goal::Gone => StoredGoal::Gone,
            },
            rest: match &process.rest {
                Rest::Stopped => StoredRest::Stopped,
                Rest::Errored(reason) => StoredRest::Errored(StoredReason::new(reason)),
                Rest::Finished(end) => StoredRest::Finished(StoredEnd::new(*end)),
            },
            port: process.ports.held.map(Port::number),
            port_is_shared: process.ports.held.is_some_and(Port::is_shared),
            port_override: process.ports.plan.map(stored_plan),
            restarts: process.restarts,
            reset_at: process.reset_at.map(|run| run.0),
            last_end: process.last_end.map(StoredEnd::new),
            last_over_memory: process.last_over_memory.map(StoredOverMemory::new),
            unstable: process.unstable,
            waits: process.waits,
            waits_until_us: process.waits_until.map(|at| at.0),
            apart: process.apart.keys().map(|run| run.0).collect(),
            leaving_since_us: process
                .apart
                .iter()
                .filter_map(|(run, since)| Some((run.0, since.as_ref()?.0)))
                .collect(),
            queued: process.queued,
            asked: process.asked.map(|asked| StoredAsked {
                run: asked.run.0,
                restart: asked.restart,
                cause: asked.cause.map(StoredCause::new),
                over_memory: asked.over_memory.map(StoredOverMemory::new),
            }),
        }
    }

    /// The process that was written under these ids.
    pub(super) fn into_model(self, id: ProcessId, app: AppId) -> Result<Remembered, Misfit> {
        Ok(Remembered {
            id,
            app,
            instance: self.instance,
            goal: match self.goal {
                StoredGoal::Up => Goal::Up,
                StoredGoal::Down => Goal::Down,
                StoredGoal::Gone => Goal::Gone,
            },
            rest: match self.rest {
                StoredRest::Stopped => Rest::Stopped,
                StoredRest::Errored(reason) => Rest::Errored(reason.into_model()?),
                StoredRest::Finished(end) => Rest::Finished(end.into_model()?),
            },
            ports: Ports {
                held: self.port.map(if self.port_is_shared { Port::Shared } else { Port::Own }),
                next: None,
                trial: None,
                plan: self.port_override.map(|text| port_plan(&text)).transpose()?,
            },
            restarts: self.restarts,
            reset_at: self.reset_at.map(RunId),
            last_end: self.last_end.map(StoredEnd::into_model).transpose()?,
            last_over_memory: self.last_over_memory.map(StoredOverMemory::into_model),
            unstable: self.unstable,
            waits: self.waits,
            waits_until: self.waits_until_us.map(Moment),
            apart: self
                .apart
                .into_iter()
                .map(|run| (RunId(run), self.leaving_since_us.get(&run).copied().map(Moment)))
                .collect(),
            queued: self.queued,
            asked: self.asked.map(|asked| Asked {
                run: RunId(asked.run),
                restart: asked.restart,
                cause: asked.cause.map(StoredCause::into_model),
                over_memory: asked.over_memory.map(StoredOverMemory::into_model),
            }),
        })
    }
}

impl StoredCause {
    fn new(cause: Cause) -> StoredCause {
        match cause {
            Cause::Stop => StoredCause::Stop,
            Cause::Restart => StoredCause::Restart,
            Cause::Reload => StoredCause::Reload,
            Cause::Delete => StoredCause::Delete,
            Cause::Scale => StoredCause::Scale,
            Cause::Shutdown => StoredCause::Shutdown,
            Cause::FilesChanged => StoredCause::FilesChanged,
            Cause::Schedule => StoredCause::Schedule,
        }
    }

    fn into_model(self) -> Cause {
        match self {
            StoredCause::Stop => Cause::Stop,
            StoredCause::Restart => Cause::Restart,
            StoredCause::Reload => Cause::Reload,
            StoredCause::Delete => Cause::Delete,
            StoredCause::Scale => Cause::Scale,
            StoredCause::Shutdown => Cause::Shutdown,
            StoredCause::FilesChanged => Cause::FilesChanged,
            StoredCause::Schedule => Cause::Schedule,
        }
    }
}

impl StoredReason {
    fn new(reason: &Reason) -> StoredReason {
        match reason {
            Reason::UnstableRuns { count, last } => {
                StoredReason::UnstableRuns { count: *count, last: StoredEnd::new(*last) }
            }
            Reason::Unhealthy { count, complaint } => {
                StoredReason::Unhealthy { count: *count, complaint: complaint.clone() }
            }
            Reason::NotReady { count, limit } => {
                StoredReason::NotReady { count: *count, limit_us: micros(*limit) }
            }
            Reason::OverMemory { count, over } => {
                StoredReason::OverMemory { count: *count, over: StoredOverMemory::new(*over) }
            }
            Reason::Ended(end) => StoredReason::Ended(StoredEnd::new(*end)),
            Reason::CannotSpawn(why) => StoredReason::CannotSpawn(why.clone()),
            Reason::NoPort(why) => StoredReason::NoPort(why.clone()),
        }
    }

    fn into_model(self) -> Result<Reason, Misfit> {
        Ok(match self {
            StoredReason::UnstableRuns { count, last } => {
                Reason::UnstableRuns { count, last: last.into_model()? }
            }
            StoredReason::Unhealthy { count, complaint } => Reason::Unhealthy { count, complaint },
            StoredReason::NotReady { count, limit_us } => {
                Reason::NotReady { count, limit: Duration::from_micros(limit_us) }
            }
            StoredReason::OverMemory { count, over } => Reason::OverMemory { count, over: over.into_model() },
            StoredReason::Ended(end) => Reason::Ended(end.into_model()?),
            StoredReason::CannotSpawn(why) => Reason::CannotSpawn(why),
            StoredReason::NoPort(why) => Reason::NoPort(why),
        })
    }
}

impl StoredEnd {
    /// What to write for `end`.
    pub(super) fn new(end: End) -> StoredEnd {
        match end {
            End::Code(code) => StoredEnd::Code(code),
            End::Signal(signal) => StoredEnd::Signal(signal.number()),
            End::OutOfMemory => StoredEnd::OutOfMemory,
            End::Unknown => StoredEnd::Unknown,
        }
    }

    /// The end that was written.
    pub(super) fn into_model(self) -> Result<End, Misfit> {
        Ok(match self {
            StoredEnd::Code(code) => End::Code(code),
            StoredEnd::Signal(number) => End::Signal(signal(number)?),
            StoredEnd::OutOfMemory => End::OutOfMemory,
            StoredEnd::Unknown => End::Unknown,
        })
    }
}
