//! From the keeper to the daemon: what has happened.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Succession;

/// From the keeper to the daemon. Past tense.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// First message on every line: who I am and everything that I hold.
    Hello {
        /// [`version`](super::version) of the sender.
        version: u32,
        /// The keeper's process.
        keeper_pid: i32,
        /// Every run that was not forgotten.
        runs: Vec<RunReport>,
        /// So many reports [`Report::Held`] follow at once.
        #[serde(default)]
        held: usize,
        /// The latest change of programs.
        #[serde(default)]
        succession: Option<Succession>,
        /// The ports of the shared sockets that the keeper holds. None of them is released.
        #[serde(default)]
        sockets: Vec<u16>,
    },
    /// A socket that an earlier daemon had the keeper hold comes with this message.
    Held {
        /// As in [`Order::Hold`](super::Order::Hold).
        name: String,
    },
    /// The keeper is still the program that it was.
    ReplaceFailed(Succession),
    /// The program was executed.
    Spawned {
        /// Which life.
        run: u64,
        /// Its process.
        pid: i32,
        /// Microseconds of `CLOCK_BOOTTIME`.
        at: u64,
    },
    /// The program could not be executed; the run is forgotten already.
    SpawnFailed {
        /// Which life.
        run: u64,
        /// Where it failed.
        step: Step,
        /// The kernel's number, 0 if none.
        errno: i32,
        /// A sentence for people.
        detail: String,
    },
    /// The main process ended. Everything that it wrote is in the files.
    Exited {
        /// Which life.
        run: u64,
        /// How.
        end: Ending,
        /// Microseconds of `CLOCK_BOOTTIME`.
        at: u64,
        /// Nothing else of the tree is left.
        tree_empty: bool,
        /// The most memory that it had resident, or one of the children that it waited for, in
        /// bytes (`ru_maxrss` of getrusage(2)). Known only to its parent.
        #[serde(default)]
        peak: Option<u64>,
    },
    /// The main process had ended before, and now the tree is empty.
    TreeGone {
        /// Which life.
        run: u64,
    },
    /// It showed a sign of being ready, for the first time.
    Signed {
        /// Which life.
        run: u64,
        /// Which sign.
        sign: Sign,
        /// Microseconds of `CLOCK_BOOTTIME`.
        at: u64,
    },
    /// It says what it is doing.
    Status {
        /// Which life.
        run: u64,
        /// One line of text.
        text: String,
    },
    /// A message on its IPC channel, other than `"ready"`.
    Message {
        /// Which life.
        run: u64,
        /// One line, a JSON value if the program keeps to the protocol; at most 64 KiB.
        text: String,
    },
    /// What became of [`Order::Give`](super::Order::Give).
    Given {
        /// Of the order.
        request: u64,
        /// Why it was not taken; absent when it was.
        problem: Option<String>,
    },
    /// What became of [`Order::TendLogs`](super::Order::TendLogs).
    LogsTended {
        /// Of the order.
        request: u64,
        /// The highest number of a closed segment of each log, in the order of the order; 0 if
        /// there is none.
        closed: Vec<u64>,
        /// One sentence for each log with which it could not be done.
        problems: Vec<String>,
    },
    /// A log began to take nothing, or takes output again, or still does not and so output was
    /// dropped (then at most once a second).
    LogChanged {
        /// Which life.
        run: u64,
        /// Its log.
        log: LogReport,
    },
    /// Somebody asks the keeper to end (SIGTERM or SIGINT): stop everything, then send
    /// [`Order::Quit`](super::Order::Quit).
    QuitAsked {
        /// The signal.
        signal: i32,
    },
}

/// A run as the keeper has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunReport {
    /// Which life.
    pub run: u64,
    /// Whose.
    pub process: u32,
    /// Restart count at launch.
    pub restarts: u32,
    /// The port that it was launched with.
    #[serde(default)]
    pub port: Option<u16>,
    /// It got the shared socket of that port.
    #[serde(default)]
    pub shared: bool,
    /// Its main process and when that was executed; absent while it is being launched.
    pub spawned: Option<(i32, u64)>,
    /// How and when the main process ended, if it has.
    pub ended: Option<(Ending, u64)>,
    /// Nothing of the tree is left.
    pub tree_empty: bool,
    /// As in its [`Launch`](super::Launch).
    #[serde(default)]
    pub awaits: Option<Awaits>,
    /// As in [`Order::KeepReady`](super::Order::KeepReady).
    #[serde(default)]
    pub ready: Option<u64>,
    /// The signs that it has shown, and when.
    #[serde(default)]
    pub signs: Vec<(Sign, u64)>,
    /// What it said last that it is doing.
    #[serde(default)]
    pub status: Option<String>,
    /// What it said on its IPC channel that it can be asked to do: the messages, as they came.
    #[serde(default)]
    pub offers: Vec<String>,
    /// Why it has no IPC channel any more, although it had one and lives.
    #[serde(default)]
    pub channel_lost: Option<String>,
    /// Those of its logs that take nothing, or did not.
    #[serde(default)]
    pub logs: Vec<LogReport>,
    /// Where it writes.
    #[serde(default)]
    pub files: Option<RunFiles>,
}

/// The files of a run, as its launch named them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RunFiles {
    /// Of standard output.
    pub out: PathBuf,
    /// Of standard error.
    pub err: PathBuf,
    /// The copy of both, if there is one.
    pub combined: Option<PathBuf>,
}

/// By what a run is to become ready, and when it is late.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Awaits {
    /// In the daemon's words.
    pub by: String,
    /// Microseconds from its execution.
    pub limit: u64,
}

/// A sign of being ready that the keeper can see.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// `READY=1` on its notify socket.
    Notified,
    /// `"ready"` on its IPC channel.
    Message,
}

/// How a log of a run is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LogReport {
    /// Which.
    pub stream: LogStream,
    /// Its path.
    pub path: PathBuf,
    /// Why it takes nothing, as the kernel's number.
    pub errno: Option<i32>,
    /// What it does not take is dropped.
    pub drops: bool,
    /// Bytes of this run that it took while this keeper looked after it.
    #[serde(default)]
    pub taken_bytes: u64,
    /// Bytes of this run that were dropped.
    pub dropped_bytes: u64,
    /// Newlines among them; not counted for the copy.
    pub dropped_lines: u64,
}

/// One of the logs of a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogStream {
    /// Of standard output.
    Out,
    /// Of standard error.
    Err,
    /// The copy of standard output in the combined file.
    OutCopy,
    /// The copy of standard error in the combined file.
    ErrCopy,
}

/// How a main process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Exit code.
    Code(i32),
    /// Number of the signal that ended it.
    Signal(i32),
    /// Nobody could see it.
    Unknown,
}

/// The step of a launch that failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// FIFOs and log files.
    Logs,
    /// Fork.
    Fork,
    /// Working directory.
    Chdir,
    /// Session, cgroup, signals, descriptors.
    Prepare,
    /// Exec.
    Exec,
}
