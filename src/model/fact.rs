//! What the world reported. Past tense: a fact has happened and cannot be refused.

use std::collections::BTreeMap;
use std::fmt;

use super::{AppId, ByteSize, Moment, Pid, PortOwner, Remark, RunId, Sign, Signal, Verdict};

/// News, most of it about one run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fact {
    /// The program was executed.
    Spawned {
        /// Which life.
        run: RunId,
        /// Its process.
        pid: Pid,
        /// When it was executed.
        at: Moment,
    },
    /// The program could not be executed; nothing is left of the run.
    SpawnFailed {
        /// Which life.
        run: RunId,
        /// What went wrong.
        failure: SpawnFailure,
    },
    /// The main process ended.
    Exited {
        /// Which life.
        run: RunId,
        /// How.
        end: End,
        /// When.
        at: Moment,
        /// Nothing that it had started is left either.
        tree_empty: bool,
    },
    /// The main process had ended, and now the last of what it had started is gone too.
    TreeGone {
        /// Which life.
        run: RunId,
    },
    /// A health check of it came to an end.
    Checked {
        /// Which life.
        run: RunId,
        /// What it found.
        verdict: Verdict,
    },
    /// It showed a sign of being ready.
    Ready {
        /// Which life.
        run: RunId,
        /// Which sign.
        sign: Sign,
        /// When.
        at: Moment,
    },
    /// It let something be known about itself.
    Remarked {
        /// Which life.
        run: RunId,
        /// What.
        remark: Remark,
    },
    /// It leaves a balancer, and has nothing left to answer.
    Drained {
        /// Which life.
        run: RunId,
    },
    /// A run that has a memory limit was measured.
    Sampled {
        /// Which life.
        run: RunId,
        /// Resident memory of its whole tree.
        memory: ByteSize,
    },
    /// Files that an app is to be restarted for were written, and then no more.
    FilesChanged {
        /// Which app.
        app: AppId,
        /// The first of them, as people would name it.
        file: String,
    },
    /// What the clock on the wall shows. It is told once, and again when it was set.
    ClockSet {
        /// Microseconds since 1970, at the time of this step.
        unix_us: u64,
    },
    /// A new keeper took over. `living` are the runs that it found; whatever else was believed
    /// to run ended unseen, and orders that the old keeper had not carried out are lost. Facts
    /// about the living that the old keeper may not have delivered (`Spawned`, `Exited`) follow;
    /// those that are known already change nothing.
    HandsRenewed {
        /// The runs whose tree is not gone.
        living: Vec<RunId>,
    },
    /// Ports were tried for the step that comes next. It replaces what was seen before.
    PortsSeen {
        /// Those that cannot be listened on, and who has them.
        busy: BTreeMap<u16, PortOwner>,
    },
}

/// How a main process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// It exited with this code.
    Code(i32),
    /// A signal ended it. Never to be shown as exit code 0.
    Signal(Signal),
    /// The kernel ended it, by SIGKILL, for lack of memory.
    OutOfMemory,
    /// It ended while nobody could see how (kernels before 6.15, or no keeper at that time).
    Unknown,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Code(code) => write!(f, "exit code {code}"),
            End::Signal(signal) => write!(f, "signal {signal}"),
            End::OutOfMemory => f.write_str("signal SIGKILL, out of memory"),
            End::Unknown => f.write_str("unknown end"),
        }
    }
}

/// The step of a launch that failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SpawnStep {
    /// Reading the files with its variables.
    EnvFiles,
    /// Making the FIFOs or opening the log files.
    Logs,
    /// Forking.
    Fork,
    /// Changing to the working directory.
    Chdir,
    /// Anything else before exec: session, cgroup, signals, descriptors.
    Prepare,
    /// Executing the program.
    Exec,
    /// Running the command of its hook `before_start`.
    Hook,
    /// Its end was wanted before it had been launched, and so it was not.
    CalledOff,
    /// The keeper was lost before it said what became of the order.
    Lost,
}

/// Why a program could not be executed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpawnFailure {
    /// Where.
    pub step: SpawnStep,
    /// The kernel's error number, 0 if there is none.
    pub errno: i32,
    /// The whole sentence for people.
    pub detail: String,
}
