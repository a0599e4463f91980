//! What the program before has left in this process, taken up by the one that it has become: each
//! descriptor gets its one owner again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::{OwnedFd, RawFd};

use super::held::Held;
use super::passed::{self, DaemonState, State};
use super::poll::Which;
use super::protocol::{Report, Succession};

/// What was passed, taken up again.
pub struct Resumed {
    /// Our end of the line.
    pub line: Option<OwnedFd>,
    /// The daemon.
    pub daemon: Option<DaemonState>,
    /// Held sockets.
    pub held: Held,
    /// What was about to be said.
    pub outbox: Vec<Report>,
    /// The program before.
    pub former: Option<OwnedFd>,
    /// The change of programs that this is.
    pub succession: Option<Succession>,
    /// Runs that are being killed.
    pub killing: Vec<u64>,
}

/// What was passed of one run.
#[derive(Default)]
pub struct RunPassed {
    /// Its main process is our child.
    pub own: bool,
    out: Option<OwnedFd>,
    err: Option<OwnedFd>,
}

impl RunPassed {
    /// The FIFO of that output.
    pub fn fifo(&mut self, which: Which) -> Option<OwnedFd> {
        match which {
            Which::Out => self.out.take(),
            Which::Err => self.err.take(),
        }
    }
}

/// Everything that the program before has left.
pub struct Inheritance {
    /// The keeper's lock.
    pub lock: File,
    /// The limit of descriptors with which the first program was started.
    pub descriptors: (u64, u64),
    /// By run.
    pub runs: BTreeMap<u64, RunPassed>,
    /// The rest.
    pub resumed: Resumed,
}

impl Inheritance {
    /// Takes everything that is listed at that descriptor.
    ///
    /// # Errors
    /// When there is no such list, or it names what is not open.
    pub fn take(state: RawFd) -> io::Result<Inheritance> {
        let state = State::read(state)?;
        let maybe = |number: Option<RawFd>| number.map(passed::take).transpose();
        let mut runs = BTreeMap::new();
        for run in &state.runs {
            let passed = RunPassed { own: run.own, out: maybe(run.out)?, err: maybe(run.err)? };
            runs.insert(run.run, passed);
        }
        let mut held = Held::new();
        for (name, number) in state.held {
            held.insert(name, passed::take(number)?);
        }
        let resumed = Resumed {
            line: maybe(state.line)?,
            daemon: state.daemon,
            held,
            outbox: state.outbox,
            former: maybe(state.former)?,
            succession: state.succession,
            killing: state.runs.iter().filter(|run| run.killing).map(|run| run.run).collect(),
        };
        let lock = passed::take(state.lock)?.into();
        Ok(Inheritance { lock, descriptors: state.descriptors, runs, resumed })
    }
}
