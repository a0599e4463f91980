//! What is, apart from what is wanted.

use std::fmt;
use std::time::Duration;

use super::{End, Moment, OverMemory, Pid, Readiness, RunId, Unmet, Vitals};

/// What a process is doing. Data lives in the state that has it.
///
/// ```text
///            Launch          Spawned
///   Idle ───────────▶ Starting ─────▶ Running ──┐ Exited
///    ▲  ▲         ▲      │  SpawnFailed         │
///    │  │      Waiting   │                      │  (what it depends on is not there yet)
///    │  └── Backoff ◀────┴──────────────────────┤  (goal Up: at once, or after a wait)
///    │         (until)                          │
///    └──────────── Stopping ◀───────────────────┘  (stop asked, or parts of the tree left)
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum State {
    /// Nothing runs and nothing is about to.
    Idle(Rest),
    /// Waiting for its first start until what it depends on is as it is to be.
    Waiting {
        /// What is not yet; never nothing.
        unmet: Vec<Unmet>,
    },
    /// Waiting for the next automatic start.
    Backoff {
        /// When it comes; `queued`: when it was due.
        until: Moment,
        /// The wait is over, but this host restarts too many processes at once: it starts as soon
        /// as it is its turn.
        queued: bool,
    },
    /// Launched; nobody has heard of it yet.
    Starting {
        /// The life that begins.
        run: RunId,
        /// When it was ordered.
        since: Moment,
    },
    /// Runs.
    Running {
        /// This life.
        run: RunId,
        /// Its main process.
        pid: Pid,
        /// When it was executed.
        since: Moment,
        /// Its health, if it is checked.
        vitals: Option<Vitals>,
        /// Whether it is ready.
        readiness: Readiness,
    },
    /// This life is to end: the stop signal was sent, or the main process is gone and others of
    /// its tree are not.
    Stopping {
        /// The life that ends.
        run: RunId,
        /// The main process, while it is there.
        pid: Option<Pid>,
        /// When whatever is left gets SIGKILL. A life that was not executed yet when it was to
        /// end gets its signal, and this moment anew, once it is.
        kill_at: Moment,
    },
}

/// Why nothing runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rest {
    /// As asked. Also the rest of what is wanted up while nobody may launch it: during a shutdown.
    Stopped,
    /// As planned: a job that ended well, or a stop exit code. The goal is still `Up`, so that it
    /// runs again after a reboot of the host; the next daemon on this host leaves it alone.
    Finished(End),
    /// Given up; needs somebody to look at it.
    Errored(Reason),
}

/// Why a process was given up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reason {
    /// Too many unstable runs in a row.
    UnstableRuns {
        /// How many.
        count: u32,
        /// How the last one ended.
        last: End,
    },
    /// Too many unstable runs in a row, the last of which was ended because it was unhealthy.
    Unhealthy {
        /// How many.
        count: u32,
        /// What its last check complained of.
        complaint: String,
    },
    /// A run was not ready in time.
    NotReady {
        /// Too many unstable runs in a row, of which this was the last; absent: it is not to be
        /// restarted.
        count: Option<u32>,
        /// How long it was given.
        limit: Duration,
    },
    /// Too many unstable runs in a row, the last of which was ended because it used too much memory.
    OverMemory {
        /// How many.
        count: u32,
        /// How much.
        over: OverMemory,
    },
    /// It ended by itself and is not to be restarted.
    Ended(End),
    /// The program cannot be executed, and trying again would not help.
    CannotSpawn(String),
    /// The port that it must have is another's, or none of its range is free.
    NoPort(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::UnstableRuns { count, last } => {
                write!(f, "given up after {count} unstable runs in a row; the last ended with {last}")
            }
            Reason::Unhealthy { count, complaint } => {
                write!(
                    f,
                    "given up after {count} unstable runs in a row; the last was unhealthy: {complaint}"
                )
            }
            Reason::OverMemory { count, over } => {
                write!(f, "given up after {count} unstable runs in a row; the last went over its {over}")
            }
            Reason::NotReady { count: Some(count), limit } => write!(
                f,
                "given up after {count} unstable runs in a row; the last was not ready within {}",
                in_words(*limit)
            ),
            Reason::NotReady { count: None, limit } => {
                write!(f, "was not ready within {} and is not restarted automatically", in_words(*limit))
            }
            Reason::Ended(end) => write!(f, "ended with {end} and is not restarted automatically"),
            Reason::CannotSpawn(detail) | Reason::NoPort(detail) => f.write_str(detail),
        }
    }
}

/// A limit as people say it: `3 s`, `1500 ms`.
pub fn in_words(limit: Duration) -> String {
    match limit.subsec_millis() {
        0 => format!("{} s", limit.as_secs()),
        _ => format!("{} ms", limit.as_millis()),
    }
}

/// The six words that users see (acceptance row A7).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Status {
    /// To be launched when what it depends on is there; or launched, and not up or healthy yet.
    Starting,
    /// Runs.
    Online,
    /// Is ending.
    Stopping,
    /// Does not run, as asked.
    Stopped,
    /// Does not run, given up.
    Errored,
    /// Waits for its next automatic start.
    Restarting,
}

impl Status {
    /// All of them, in the order in which they are documented.
    pub const ALL: [Status; 6] = [
        Status::Starting,
        Status::Online,
        Status::Stopping,
        Status::Stopped,
        Status::Errored,
        Status::Restarting,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Starting => "starting",
            Status::Online => "online",
            Status::Stopping => "stopping",
            Status::Stopped => "stopped",
            Status::Errored => "errored",
            Status::Restarting => "restarting",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl State {
    /// The word for it.
    pub fn status(&self) -> Status {
        match self {
            State::Idle(Rest::Stopped | Rest::Finished(_)) => Status::Stopped,
            State::Idle(Rest::Errored(_)) => Status::Errored,
            State::Backoff { .. } => Status::Restarting,
            State::Waiting { .. } | State::Starting { .. } => Status::Starting,
            // Checked, and never healthy so far.
            State::Running { vitals: Some(Vitals { ready: false, .. }), .. }
            | State::Running { readiness: Readiness::Awaited { .. }, .. } => Status::Starting,
            State::Running { .. } => Status::Online,
            State::Stopping { .. } => Status::Stopping,
        }
    }

    /// The life that is going on, if one is.
    pub fn run(&self) -> Option<RunId> {
        match self {
            State::Idle(_) | State::Waiting { .. } | State::Backoff { .. } => None,
            State::Starting { run, .. } | State::Running { run, .. } | State::Stopping { run, .. } => {
                Some(*run)
            }
        }
    }

    /// The main process, while it is there.
    pub fn pid(&self) -> Option<Pid> {
        match self {
            State::Running { pid, .. } => Some(*pid),
            State::Stopping { pid, .. } => *pid,
            State::Idle(_) | State::Waiting { .. } | State::Backoff { .. } | State::Starting { .. } => None,
        }
    }
}
