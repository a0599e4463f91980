//! From the daemon to the keeper: what is to be done.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Awaits;

/// From the daemon to the keeper. Imperative.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Run a program. Answered by [`Report::Spawned`](super::Report::Spawned) or [`Report::SpawnFailed`](super::Report::SpawnFailed).
    Launch(Box<Launch>),
    /// Send a signal; to a run that is over, nothing happens.
    Signal {
        /// Which life.
        run: u64,
        /// Kernel's number.
        signal: i32,
        /// To the whole tree, not to the main process alone: that asks it to end, and waits for a
        /// moment while connections wait for it at a socket that gets no more of them.
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
    /// Give a main process some text. Answered by [`Report::Given`](super::Report::Given).
    Give {
        /// Names the answer.
        request: u64,
        /// Which life.
        run: u64,
        /// Where to.
        to: Inlet,
        /// One line, without its newline.
        text: String,
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
    /// Do something with logs. Answered by [`Report::LogsTended`](super::Report::LogsTended).
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
    /// Connections to that port, of which slots have a socket each, go to the sockets of these runs.
    Steer {
        /// Which.
        port: u16,
        /// The runs that are ready.
        to: Vec<u64>,
        /// The slots that somebody who goes on has: the socket of another one is closed as soon as
        /// no run uses it.
        keep: Vec<u32>,
    },
    /// The daemon serves: tell whoever waits for that.
    Ready,
    /// This daemon is alive. Said every few seconds: a keeper that hears nothing for long ends it.
    Pulse {
        /// What to tell whoever started the keeper.
        status: String,
    },
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
    /// [`Report::ReplaceFailed`](super::Report::ReplaceFailed), or by a `Hello` of the other program on the same line.
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

/// Where a main process takes text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inlet {
    /// Its IPC channel.
    Channel,
    /// Its standard input, if that is the pipe that it was launched with.
    Input,
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
    /// The socket is not for all who share the port, but for this slot: see [`Order::Steer`].
    #[serde(default)]
    pub slot: Option<u32>,
    /// Only this host can connect to the socket, which nobody else gets. A keeper that takes it back from
    /// the program does not know that any more.
    #[serde(default)]
    pub local: bool,
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
    /// Its standard input is a pipe; otherwise `/dev/null`.
    #[serde(default)]
    pub input: bool,
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
