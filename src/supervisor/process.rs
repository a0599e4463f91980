//! One row of the table.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Asked, Ports, Remembered};
use crate::model::{
    AppId, Cause, End, ExitCause, Goal, Moment, OverMemory, ProcessId, Readiness, ReadyPolicy, Remarks, Rest,
    RunId, State,
};

/// A process: what is wanted of it, what it is doing, and what it has been through.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Process {
    /// Its id.
    pub id: ProcessId,
    /// Its app.
    pub app: AppId,
    /// Its number among the instances of the app, from 0.
    pub instance: u32,
    /// What is wanted.
    pub goal: Goal,
    /// What is.
    pub state: State,
    /// Its ports. None while it rests.
    pub ports: Ports,
    /// Crashes and restarts by command that were followed by a new run (acceptance row B4).
    pub restarts: u32,
    /// The newest life when `restarts` was last set to zero: what is known of it, or of older
    /// ones, is not counted any more.
    pub reset_at: Option<RunId>,
    /// Unstable runs in a row.
    pub unstable: u32,
    /// Automatic restarts since the last calm (30 s up, or a command); the next wait grows with it.
    pub waits: u32,
    /// The newest life, also when it is over. A *generation*: a reader who saw run n and waits
    /// for the outcome of a restart waits for a later one. Absent when this daemon knows of none.
    pub latest_run: Option<RunId>,
    /// When the newest life was executed; absent until that is known.
    pub started: Option<Moment>,
    /// How the latest main process that ended did so.
    pub last_end: Option<End>,
    /// How long that one had run.
    pub last_uptime: Duration,
    /// Why that one was ended, if that was not a wish of somebody and not its own doing.
    pub last_over_memory: Option<OverMemory>,
    /// Why its latest launch failed, until one succeeds. Absent when another daemon saw that.
    pub not_spawned: Option<String>,
    /// A restart was asked for and has not been carried out: the next launch counts.
    pub restart_asked: bool,
    /// Somebody asked for the end of the present life, or for what comes after it; otherwise its
    /// end is a crash and the restart rules decide.
    pub end_asked: bool,
    /// What for, as far as that is known.
    pub end_cause: Option<Cause>,
    /// Its end is wanted, and until then it may answer what its balancer has given to it.
    pub drains_until: Option<Moment>,
    /// The present life is ended because it uses too much memory, and nobody has asked for
    /// anything since.
    pub over_memory: Option<OverMemory>,
    /// How long it had run when that was measured. Absent when another daemon did.
    pub over_memory_after: Option<Duration>,
    /// What is left of the present life got SIGKILL.
    pub killed: bool,
    /// A life that runs beside the present one and is to replace it.
    pub trial: Option<RunId>,
    /// Lives that were replaced, or on trial and given up, and have not ended yet. None of them is
    /// taken for the present one by another daemon, also when that has ended. Since when each leaves that
    /// was replaced.
    pub leaving: BTreeMap<RunId, Option<Moment>>,
    /// Why the present life is being ended, if that is its health, or its not being ready.
    pub unwell: Option<Unwell>,
    /// The main process of the present life was asked to end by message: nobody else of its tree has
    /// heard of it.
    pub asked_by_message: bool,
    /// What the newest life is to become ready by, if it is awaited: as the definition said at its
    /// launch.
    pub awaits: Option<ReadyPolicy>,
    /// What the newest life has let be known about itself.
    pub remarks: Remarks,
    /// A slot has come while it ran, and it is run once more when that run is over.
    pub queued: bool,
}

/// Why a life is ended that nobody asked to end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unwell {
    /// It is unhealthy.
    Unhealthy {
        /// What its last check complained of.
        complaint: String,
        /// It had been healthy before.
        was_ready: bool,
    },
    /// It was not ready in time.
    NotReady {
        /// How long it was given.
        limit: Duration,
    },
}

impl Process {
    /// A process that has never run, or of which nothing is known to run.
    pub(super) fn at_rest(remembered: Remembered) -> Process {
        Process {
            id: remembered.id,
            app: remembered.app,
            instance: remembered.instance,
            goal: remembered.goal,
            ports: remembered.ports,
            state: match remembered.waits_until {
                Some(until) if !planted!(ForgetsWhatItWaitedFor) => State::Backoff { until, queued: false },
                Some(_) | None => State::Idle(remembered.rest),
            },
            restarts: remembered.restarts,
            reset_at: remembered.reset_at,
            unstable: if planted!(ForgetsUnstableRuns) { 0 } else { remembered.unstable },
            waits: remembered.waits,
            latest_run: None,
            started: None,
            last_end: remembered.last_end,
            last_uptime: Duration::ZERO,
            last_over_memory: remembered.last_over_memory,
            not_spawned: None,
            restart_asked: false,
            end_asked: false,
            end_cause: None,
            drains_until: None,
            over_memory: None,
            over_memory_after: None,
            killed: false,
            trial: None,
            leaving: BTreeMap::new(),
            unwell: None,
            asked_by_message: false,
            awaits: None,
            remarks: Remarks::default(),
            queued: remembered.queued,
        }
    }

    /// What of it outlives the daemon: the row for the store.
    pub fn to_remember(&self) -> Remembered {
        Remembered {
            id: self.id,
            app: self.app,
            instance: self.instance,
            goal: self.goal,
            rest: match &self.state {
                State::Idle(rest) => rest.clone(),
                State::Waiting { .. }
                | State::Backoff { .. }
                | State::Starting { .. }
                | State::Running { .. }
                | State::Stopping { .. } => Rest::Stopped,
            },
            ports: Ports { next: None, trial: None, ..self.ports },
            restarts: self.restarts,
            reset_at: self.reset_at,
            last_end: self.last_end,
            last_over_memory: self.last_over_memory,
            unstable: self.unstable,
            waits: self.waits,
            waits_until: match self.state {
                State::Backoff { until, .. } => Some(until),
                State::Idle(_)
                | State::Waiting { .. }
                | State::Starting { .. }
                | State::Running { .. }
                | State::Stopping { .. } => None,
            },
            queued: self.queued,
            apart: self.leaving.clone().into_iter().chain(self.trial.map(|run| (run, None))).collect(),
            asked: self.state.run().filter(|_| self.end_asked && !planted!(KeepsAWishToItself)).map(|run| {
                Asked {
                    run,
                    restart: self.restart_asked,
                    cause: self.end_cause,
                    over_memory: self.over_memory,
                }
            }),
        }
    }

    /// When time alone will move it.
    pub(super) fn deadline(&self) -> Option<Moment> {
        match self.state {
            State::Backoff { until, queued: false } => Some(until),
            State::Backoff { queued: true, .. } => None,
            State::Stopping { kill_at, .. } if self.started.is_some() && !self.killed => Some(kill_at),
            State::Running { .. } if self.drains_until.is_some() => self.drains_until,
            // What is to end anyway is not late.
            State::Running { readiness: Readiness::Awaited { until, .. }, .. } if self.is_to_stay() => {
                Some(until)
            }
            State::Stopping { .. }
            | State::Idle(_)
            | State::Waiting { .. }
            | State::Starting { .. }
            | State::Running { .. } => None,
        }
    }

    /// Nobody wants its present life to end.
    fn is_to_stay(&self) -> bool {
        self.goal == Goal::Up && !self.end_asked
    }

    /// Since when it waits for the host's budget, if it does.
    pub(super) fn queued_since(&self) -> Option<Moment> {
        match self.state {
            State::Backoff { until, queued: true } => Some(until),
            State::Backoff { queued: false, .. }
            | State::Waiting { .. }
            | State::Idle(_)
            | State::Starting { .. }
            | State::Running { .. }
            | State::Stopping { .. } => None,
        }
    }

    /// It waits for what it depends on.
    pub(super) fn waits(&self) -> bool {
        matches!(self.state, State::Waiting { .. })
    }

    /// Its end is wanted, and it was not told yet.
    pub(super) fn ends(&self) -> bool {
        self.end_asked && matches!(self.state, State::Starting { .. } | State::Running { .. })
    }

    /// Why its main process ends, if it does so now.
    pub(super) fn exit_cause(&self) -> ExitCause {
        let asked = self.end_cause.unwrap_or(match self.goal {
            Goal::Up => Cause::Restart,
            Goal::Down => Cause::Stop,
            Goal::Gone => Cause::Delete,
        });
        match (self.over_memory, &self.unwell) {
            _ if planted!(ForgetsWhyItEnds) => ExitCause::Itself,
            (Some(over), _) => ExitCause::OverMemory(over),
            (None, _) if self.end_asked => ExitCause::Asked(asked),
            (None, Some(Unwell::Unhealthy { complaint, .. })) => {
                ExitCause::Unhealthy { complaint: complaint.clone() }
            }
            (None, Some(Unwell::NotReady { limit })) => ExitCause::NotReady { limit: *limit },
            (None, None) => ExitCause::Itself,
        }
    }

    /// The main process of the present life is known to have ended.
    pub(super) fn main_is_gone(&self) -> bool {
        match self.state {
            State::Stopping { pid, .. } => pid.is_none() && self.started.is_some(),
            State::Idle(_) | State::Waiting { .. } | State::Backoff { .. } => true,
            State::Starting { .. } | State::Running { .. } => false,
        }
    }
}
