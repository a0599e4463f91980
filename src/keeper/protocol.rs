//! What the daemon and the keeper say to each other.
//!
//! The line is a pair of connected `SOCK_SEQPACKET` sockets: one message is one JSON document in
//! one packet. A document longer than [`INLINE_MAX`] travels in a memfd sent along with an empty
//! packet. Whoever starts the other side hands it one end as descriptor [`LINE_FD`].
//!
//! The keeper speaks first, with [`Report::Hello`]. Members may be added within a version;
//! readers ignore what they do not know. The daemon refuses a keeper of another version
//! ([`version`]): each keeper starts daemons of its own program, so they meet only while one
//! program takes the place of another (`succession`). Then the daemon that goes understands of the
//! keeper that has come its `Hello`, which therefore never loses a member, and says nothing more.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The version of this protocol.
const VERSION: u32 = 2;

/// In debug builds: the version to claim, so that a test has programs that differ in it.
#[cfg(debug_assertions)]
const CLAIM: &str = "PMDAEMON_CLAIM_PROTOCOL";

/// The version of this protocol that this program speaks.
pub fn version() -> u32 {
    #[cfg(debug_assertions)]
    if let Some(claimed) = std::env::var(CLAIM).ok().and_then(|text| text.parse().ok()) {
        return claimed;
    }
    VERSION
}

/// The descriptor on which keeper and daemon find their end of the line.
pub const LINE_FD: i32 = 3;

/// The longest document that travels in the packet itself, in bytes. Below the default of
/// `net.core.wmem_default` (212,992).
pub const INLINE_MAX: usize = 64 * 1024;

/// From the daemon to the keeper. Imperative.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Run a program. Answered by [`Report::Spawned`] or [`Report::SpawnFailed`].
    Launch(Box<Launch>),
    /// Send a signal; to a run that is over, nothing happens.
    Signal {
        /// Which life.
        run: u64,
        /// Kernel's number.
        signal: i32,
        /// To the whole tree, not to the main process alone.
        tree: bool,
    },
    /// Send `"shutdown"` to the main process on its IPC channel; if there is none, the signal to the
    /// whole tree.
    AskToEnd {
        /// Which life.
        run: u64,
        /// Kernel's number.
        signal: i32,
    },
    /// Keep with that run that it is ready.
    KeepReady {
        /// Which life.
        run: u64,
        /// Since when, in microseconds of `CLOCK_BOOTTIME`.
        at: u64,
    },
    /// SIGKILL to the whole tree until it is empty. Answered, in the end, by `Exited` with
    /// `tree_empty` or by `TreeGone`.
    KillTree {
        /// Which life.
        run: u64,
    },
    /// Do something with logs. Answered by [`Report::LogsTended`].
    TendLogs {
        /// Names the answer.
        request: u64,
        /// What.
        tend: Tend,
        /// The paths of the logs, open or not.
        logs: Vec<PathBuf>,
    },
    /// The end of that run is written down: drop it.
    Forget {
        /// Which life.
        run: u64,
    },
    /// No run that is to come needs the shared socket of that port: it is closed as soon as none
    /// uses it, which is before the end of that run is reported.
    ReleasePort {
        /// Which.
        port: u16,
    },
    /// The daemon serves: tell whoever waits for that.
    Ready,
    /// Everything has stopped: end yourself, with exit code 0, and do not start the daemon again.
    Quit,
    /// Keep the socket that comes with this message open, and give it to the next daemon. Takes
    /// the place of what had that name.
    Hold {
        /// By which the next daemon recognises it.
        name: String,
    },
    /// Close what is held under that name.
    Release {
        /// As in [`Order::Hold`].
        name: String,
    },
    /// Become another program, which then replaces the daemon, too. Answered by
    /// [`Report::ReplaceFailed`], or by a `Hello` of the other program on the same line.
    Replace(Replace),
}

/// A change of programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replace {
    /// Tells this change from others.
    pub id: u64,
    /// Absolute path of the new program.
    pub program: PathBuf,
}

/// What came of a change of programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Succession {
    /// Which.
    pub id: u64,
    /// Why the earlier program is back; absent when the new one serves, or is about to.
    pub failure: Option<String>,
}

/// What is to be done with a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tend {
    /// Take over what programs have written so far, then close the active segment and begin the
    /// next.
    Close,
    /// Look whether the file is still the one at its path, and go on with that one.
    Reopen,
}

/// One program to run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Launch {
    /// The life that begins.
    pub run: u64,
    /// Whose it is. The keeper only keeps it.
    pub process: u32,
    /// Restart count. The keeper only keeps it.
    pub restarts: u32,
    /// Its port. The keeper only keeps it, unless it is shared.
    #[serde(default)]
    pub port: Option<u16>,
    /// The program gets a listening socket of that port, which is made if the keeper does not hold
    /// it already: as descriptor 3, by the protocol of systemd (`LISTEN_FDS`).
    #[serde(default)]
    pub shared: bool,
    /// Absolute path of the program.
    pub program: PathBuf,
    /// Arguments, without the program's name.
    pub args: Vec<String>,
    /// The whole environment. The keeper adds `PMDAEMON_RUN`, the mark by which it finds members
    /// of the tree that left session and parents behind.
    pub env: BTreeMap<String, String>,
    /// Working directory.
    pub cwd: PathBuf,
    /// File that gets standard output, byte for byte. Opened at the end, created 0600.
    pub out_file: PathBuf,
    /// File that gets standard error. May be the same path as `out_file`.
    pub err_file: PathBuf,
    /// How the logs are written.
    #[serde(default)]
    pub logs: Logs,
    /// Limits, and as whom it runs.
    #[serde(default)]
    pub resources: Resources,
    /// Whatever the daemon wants to find again beside the record of the run, should it have lost
    /// everything else. The keeper only keeps it. Secret: the environment is in it.
    #[serde(default)]
    pub keepsake: String,
    /// It is to become ready. The keeper only keeps it.
    #[serde(default)]
    pub awaits: Option<Awaits>,
    /// It gets an IPC channel.
    #[serde(default)]
    pub channel: bool,
    /// It gets a notify socket.
    #[serde(default)]
    pub notify: bool,
}

/// How the logs of a run are written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Logs {
    /// File that gets a copy of both outputs, in the order in which they came.
    pub combined_file: Option<PathBuf>,
    /// When a new segment begins.
    pub segments: Segments,
    /// What a file does not take is dropped; otherwise the program waits.
    pub drop: bool,
}

/// When the active segment of a log is closed. Absent: never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Segments {
    /// Once it has so many bytes, and the line has ended; at most 64 KiB later.
    pub max_size: Option<u64>,
    /// Once its first byte is so many seconds old, with the next output.
    pub max_age: Option<u64>,
}

/// What a program may use. Absent: what the keeper itself has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// The kernel's limit in bytes for the memory of the whole tree, where there is a cgroup with
    /// a memory controller.
    pub memory_max: Option<u64>,
    /// Scheduling priority, -20 to 19.
    pub nice: Option<i32>,
    /// Open files of each process, soft and hard limit.
    pub max_open_files: Option<u64>,
    /// Largest core dump in bytes; `u64::MAX` is no limit.
    pub core_size: Option<u64>,
    /// Mask for new files; absent: 022.
    pub umask: Option<u32>,
    /// The user to become.
    pub run_as: Option<RunAs>,
    /// `PR_SET_NO_NEW_PRIVS`.
    pub no_new_privileges: bool,
}

/// A user of this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunAs {
    /// Its name, by which its supplementary groups are found.
    pub user: String,
    /// Its number.
    pub uid: u32,
    /// The number of the primary group.
    pub gid: u32,
}

/// From the keeper to the daemon. Past tense.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// First message on every line: who I am and everything that I hold.
    Hello {
        /// [`version`] of the sender.
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
        /// As in [`Order::Hold`].
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
    /// What became of [`Order::TendLogs`].
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
    /// [`Order::Quit`].
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
    /// As in its [`Launch`].
    #[serde(default)]
    pub awaits: Option<Awaits>,
    /// As in [`Order::KeepReady`].
    #[serde(default)]
    pub ready: Option<u64>,
    /// The signs that it has shown, and when.
    #[serde(default)]
    pub signs: Vec<(Sign, u64)>,
    /// What it said last that it is doing.
    #[serde(default)]
    pub status: Option<String>,
    /// Why it has no IPC channel any more, although it had one and lives.
    #[serde(default)]
    pub channel_lost: Option<String>,
    /// Those of its logs that take nothing, or did not.
    #[serde(default)]
    pub logs: Vec<LogReport>,
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
