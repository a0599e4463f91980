//! One run, as the keeper holds it.
//!
//! ```text
//!   Launching ──(exec succeeded)──▶ Running ──(main process ended)──▶ Ended ──▶ gone
//!       │                              ▲ adopted                        once the tree is empty
//!       └──(it failed)──▶ Failing ──(child ended)──▶ gone                and it is forgotten
//! ```
//!
//! What must outlive the keeper is in the [`Record`]; the rest is descriptors.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use super::asking::Asking;
use super::capture::Stream;
use super::cgroup::{Events, Leaf};
use super::poll::Which;
use super::process::Pidfd;
use super::protocol::{LogReport, RunFiles, RunReport, Step};
use super::record::Record;
use super::talk::Talk;

/// One life of one process.
pub struct Run {
    /// What is on disk about it.
    pub record: Record,
    /// How far it is.
    pub life: Life,
    /// Its standard output, while anybody may write to it.
    pub out: Option<Stream>,
    /// Its standard error.
    pub err: Option<Stream>,
    /// Nothing of the tree is left.
    pub tree_empty: bool,
    /// The main process is stopped (SIGSTOP), as far as its parent is told.
    pub paused: bool,
    /// Tells when the rest of the tree is gone, if it has a cgroup and its main process ended.
    pub events: Option<Events>,
    /// The most memory that the main process had resident, in bytes, once its parent knows.
    pub peak: Option<u64>,
    /// It is to be asked to end once nothing waits for it.
    pub asking: Option<Asking>,
    /// SIGKILL was ordered for whatever is left.
    pub killing: Option<Killing>,
    /// What is open between it and us.
    pub talk: Talk,
}

/// How far a run is.
pub enum Life {
    /// Forked, and not known yet whether it could be executed.
    Launching(Box<Launching>),
    /// It could not be executed; once the child is gone, the daemon is told.
    Failing(Box<Failing>),
    /// The main process is our child: its number is ours until we wait for it.
    Running,
    /// The main process was started by an earlier keeper.
    Adopted(Pidfd),
    /// The main process ended.
    Ended,
}

/// A child on its way to being the program.
pub struct Launching {
    /// Will tell how it went.
    pub pipe: OwnedFd,
    /// The program; for the sentence if it fails.
    pub program: PathBuf,
    /// Its directory; for the same.
    pub cwd: PathBuf,
}

/// A child that is about to end without having been the program.
pub struct Failing {
    /// Where it failed.
    pub step: Step,
    /// The kernel's number, 0 if none.
    pub errno: i32,
    /// The sentence for people.
    pub detail: String,
}

/// A killing that goes on.
pub struct Killing {
    /// Time to the next round.
    pub pause: Duration,
    /// Looks in a row that found nobody (without a cgroup).
    pub empty_looks: u32,
}

impl Run {
    /// A run of which nothing is open yet.
    pub fn new(record: Record, life: Life) -> Run {
        Run {
            record,
            life,
            out: None,
            err: None,
            tree_empty: false,
            paused: false,
            events: None,
            asking: None,
            killing: None,
            peak: None,
            talk: Talk::default(),
        }
    }

    /// Its cgroup.
    pub fn leaf(&self) -> Option<Leaf> {
        self.record.leaf.clone().map(Leaf)
    }

    /// Number and start time of its main process, dead or alive.
    pub fn main(&self) -> Option<(i32, u64)> {
        self.record.main.map(|main| (main.pid, main.start))
    }

    /// The main process that is our child, not yet waited for.
    pub fn own_child(&self) -> Option<i32> {
        match self.life {
            Life::Launching(_) | Life::Failing(_) | Life::Running => self.record.main.map(|main| main.pid),
            Life::Adopted(_) | Life::Ended => None,
        }
    }

    /// The main process has ended.
    pub fn is_ended(&self) -> bool {
        matches!(self.life, Life::Ended)
    }

    /// The slot of that output.
    pub fn stream(&mut self, which: Which) -> &mut Option<Stream> {
        match which {
            Which::Out => &mut self.out,
            Which::Err => &mut self.err,
        }
    }

    /// What the daemon is told about it.
    pub fn report(&self) -> RunReport {
        let spawned = self.record.main.map(|main| (main.pid, main.at));
        RunReport {
            run: self.record.run,
            process: self.record.process,
            restarts: self.record.restarts,
            port: self.record.port,
            shared: self.record.socket.is_some(),
            spawned: spawned.filter(|_| !matches!(self.life, Life::Launching(_) | Life::Failing(_))),
            ended: self.record.ended,
            tree_empty: self.tree_empty,
            awaits: self.record.contact.awaits.clone(),
            ready: self.record.contact.ready,
            signs: self.record.contact.signs.clone(),
            status: self.talk.status.clone(),
            offers: self.record.contact.offers.clone(),
            channel_lost: self.talk.channel_lost.clone(),
            logs: Which::BOTH.into_iter().flat_map(|which| self.log_reports(which)).collect(),
            files: Some(RunFiles {
                out: self.record.out_file.clone(),
                err: self.record.err_file.clone(),
                combined: self.record.logs.combined_file.clone(),
            }),
        }
    }

    fn log_reports(&self, which: Which) -> Vec<LogReport> {
        let stream = match which {
            Which::Out => &self.out,
            Which::Err => &self.err,
        };
        stream.as_ref().map(|stream| stream.reports(which)).unwrap_or_default()
    }
}
