//! What the daemon and the keeper say to each other.
//!
//! The line is a pair of connected `SOCK_SEQPACKET` sockets: one message is one JSON document in
//! one packet. A document longer than [`INLINE_MAX`] travels in a memfd sent along with an empty
//! packet. Whoever starts the other side hands it one end as descriptor [`LINE_FD`].
//!
//! The keeper speaks first, with [`Report::Hello`]. Members may be added within a version;
//! readers ignore what they do not know. The daemon refuses a keeper of another [`VERSION`].

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The version of this protocol.
pub const VERSION: u32 = 1;

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
    /// SIGKILL to the whole tree until it is empty. Answered, in the end, by `Exited` with
    /// `tree_empty` or by `TreeGone`.
    KillTree {
        /// Which life.
        run: u64,
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
    /// Limits, and as whom it runs.
    #[serde(default)]
    pub resources: Resources,
    /// Whatever the daemon wants to find again beside the record of the run, should it have lost
    /// everything else. The keeper only keeps it. Secret: the environment is in it.
    #[serde(default)]
    pub keepsake: String,
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
        /// [`VERSION`] of the sender.
        version: u32,
        /// The keeper's process.
        keeper_pid: i32,
        /// Every run that was not forgotten.
        runs: Vec<RunReport>,
        /// The ports of the shared sockets that the keeper holds. None of them is released.
        #[serde(default)]
        sockets: Vec<u16>,
    },
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
    },
    /// The main process had ended before, and now the tree is empty.
    TreeGone {
        /// Which life.
        run: u64,
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
