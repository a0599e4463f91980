//! What is worth remembering about a process: every change of state, with its cause.

use std::time::Duration;

use super::{AppId, End, OverMemory, Pid, ProcessId, Reason, RunId};

/// One line of the history of a process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// The app.
    pub app: AppId,
    /// The process.
    pub process: ProcessId,
    /// The life it speaks of, if it speaks of one.
    pub run: Option<RunId>,
    /// What happened.
    pub kind: EventKind,
}

/// What happened to a process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// It was defined.
    Created,
    /// Its program was executed.
    Started {
        /// The main process.
        pid: Pid,
    },
    /// Its program could not be executed.
    SpawnFailed {
        /// Why, as a sentence.
        detail: String,
    },
    /// Somebody asked it to stop, or to restart, or to go.
    StopAsked,
    /// It used more memory than it may, and is restarted.
    OverMemory(OverMemory),
    /// Its restart waits, because this host restarts too many processes at once.
    HostBudget,
    /// It did not end within its kill timeout and got SIGKILL.
    Killed,
    /// Its main process ended.
    Exited {
        /// How.
        end: End,
        /// Because it was asked to; otherwise it crashed or finished by itself.
        asked: bool,
        /// How long it had run.
        uptime: Duration,
    },
    /// It will be started again after a wait.
    BackingOff {
        /// How long.
        wait: Duration,
        /// Unstable runs in a row so far.
        unstable: u32,
    },
    /// It was given up.
    Errored {
        /// Why.
        reason: Reason,
    },
    /// Nothing of it runs any more, as asked or planned.
    Stopped,
    /// It was forgotten.
    Deleted,
}
