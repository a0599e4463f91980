//! What is worth remembering about a process: every change of state, with its cause.

use std::time::Duration;

use super::{AppId, ByteSize, End, OverMemory, Pid, ProcessId, Reason, RunId, Signal, Unmet};

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
    /// Its first start waits for what it depends on.
    Waits {
        /// What is not as it is to be.
        unmet: Vec<Unmet>,
    },
    /// It is started because another app that is started depends on it.
    Needed {
        /// Name of the process that is started.
        by: String,
    },
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
    /// Its slot has come: it is run, or restarted.
    Scheduled {
        /// How late, if that slot was missed.
        late: Option<Duration>,
    },
    /// Its slot has come, and its run before goes on: it is not run.
    SlotSkipped,
    /// Its slot has come, and it is run when its run before is over.
    SlotQueued,
    /// Its slot was missed, and is passed over.
    SlotMissed {
        /// How late it was seen.
        late: Duration,
    },
    /// A file was changed that it is restarted for.
    FilesChanged {
        /// Which.
        file: String,
    },
    /// Somebody wants its present run to end.
    StopAsked {
        /// What for.
        cause: Cause,
    },
    /// It had not been told yet to end, as was wanted, and is to go on now.
    StopTakenBack,
    /// Its turn has come in a reload.
    Reloading {
        /// Which one of the reload's processes it is, from 1.
        turn: u32,
        /// How many there are.
        of: u32,
        /// Its new run begins beside the old one.
        beside: bool,
    },
    /// A new run that shares its socket with others is tried on a listening socket of its own first.
    Rehearsing {
        /// On which port.
        port: u16,
    },
    /// The reload ended at it: its new run did not come up. The others run on.
    ReloadFailed {
        /// Why, as a sentence.
        reason: String,
    },
    /// Somebody sent a signal to its main process.
    Signalled {
        /// Which.
        signal: Signal,
    },
    /// Its counters were set to zero.
    CountersReset,
    /// Its definition was changed.
    Updated,
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
        /// Why.
        cause: ExitCause,
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
    /// Its health checks pass: for the first time in this run, or again.
    Healthy,
    /// Too many of its health checks failed in a row.
    Unhealthy {
        /// What the latest one complained of.
        reason: String,
        /// It is ended for that, and started anew.
        restarts: bool,
    },
    /// It has shown that it is ready.
    Ready {
        /// How long after its execution.
        after: Duration,
    },
    /// It was not ready in time, and is ended for that.
    NotReady {
        /// How long it was given.
        limit: Duration,
    },
    /// One of its logs takes nothing.
    LogRefused {
        /// Its path.
        log: String,
        /// Why, in the kernel's words.
        reason: String,
        /// What it writes is dropped meanwhile; otherwise it waits.
        drops: bool,
    },
    /// That log takes output again.
    LogTakes {
        /// Its path.
        log: String,
        /// What was dropped of the present run.
        dropped: ByteSize,
        /// Lines among that.
        lines: u64,
    },
    /// Nothing of it runs any more, as asked or planned.
    Stopped,
    /// It was forgotten.
    Deleted,
}

/// Why a run is to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// It is to stop.
    Stop,
    /// It is to be restarted.
    Restart,
    /// It is to be restarted as one of several, one after the other.
    Reload,
    /// It is to be deleted.
    Delete,
    /// Its app is to have fewer processes.
    Scale,
    /// Everything is to end.
    Shutdown,
    /// Its schedule says so.
    Schedule,
    /// A file was changed that it is restarted for.
    FilesChanged,
}

/// Why a main process ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExitCause {
    /// Nobody wanted it: it crashed, finished, or was ended from outside.
    Itself,
    /// Somebody wanted it.
    Asked(Cause),
    /// It was to replace another, and its reload took it back.
    TakenBack,
    /// Its rehearsal was over.
    Rehearsed,
    /// It used too much memory.
    OverMemory(OverMemory),
    /// It was unhealthy.
    Unhealthy {
        /// What its last check complained of.
        complaint: String,
    },
    /// It was not ready in time.
    NotReady {
        /// How long it was given.
        limit: Duration,
    },
}
