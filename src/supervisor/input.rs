//! What comes in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::{Count, Then};
use crate::model::{AppId, AppSpec, Fact, PortPlan, ProcessId, Signal};

/// One thing to react to.
#[derive(Clone, Debug)]
pub enum Input {
    /// Somebody wants something.
    Command(Command),
    /// Something happened.
    Fact(Fact),
    /// Time passed; a deadline may have come.
    Tick,
}

/// What somebody wants. Imperative: a command can be denied.
#[derive(Clone, Debug)]
pub enum Command {
    /// Define a new app and its processes; start them if the definition says so.
    Create {
        /// The definition.
        spec: Arc<AppSpec>,
    },
    /// Run it. Already up: already so. Errored or waiting for a restart: start now, counters of
    /// unstable runs from zero.
    Start {
        /// Which.
        process: ProcessId,
    },
    /// End the whole tree, and stay down.
    Stop {
        /// Which.
        process: ProcessId,
    },
    /// End this run, then run anew, and count it. A stopped one is started.
    Restart {
        /// Which.
        process: ProcessId,
    },
    /// Like `Restart`, on another port than the definition's, until the next plain restart or
    /// start.
    Move {
        /// Which.
        process: ProcessId,
        /// Where to. Of a range it gets the first: spread it before.
        port: PortPlan,
    },
    /// End the whole tree, then forget the process; its app goes with its last process.
    Delete {
        /// Which.
        process: ProcessId,
    },
    /// Send a signal to the main process of what runs. Goals stay as they are.
    Signal {
        /// Which.
        process: ProcessId,
        /// What.
        signal: Signal,
    },
    /// Set the counters of restarts and of unstable runs to zero.
    Reset {
        /// Which.
        process: ProcessId,
    },
    /// Another number of processes.
    Scale {
        /// Of which app.
        app: AppId,
        /// How many.
        count: Count,
    },
    /// Bring an app back to what it once was, by adding what is missing and starting what ran then.
    Complete {
        /// Its definition, if it is not there any more.
        spec: Arc<AppSpec>,
        /// Its instance numbers, and whether each is to run.
        wanted: BTreeMap<u32, bool>,
    },
    /// Another definition; name and namespace stay.
    Update {
        /// Of which app.
        app: AppId,
        /// The whole definition.
        spec: Arc<AppSpec>,
        /// What follows.
        then: Then,
    },
    /// Replace their runs, a few at a time.
    Reload {
        /// Which, of one app.
        processes: Vec<ProcessId>,
        /// Those of them whose new run may begin beside the old one: the two are not known to be in
        /// each other's way.
        beside: BTreeSet<ProcessId>,
        /// How long each new run has to stay well, if not for as long as the definition says.
        soak: Option<Duration>,
        /// Where to, if not where the definition says: as with `Move`.
        ports: BTreeMap<ProcessId, PortPlan>,
        /// By which definition their present runs are, of those for which that is another one: the app
        /// is defined so again when the new run of that process does not come up.
        back_to: BTreeMap<ProcessId, Arc<AppSpec>>,
    },
    /// End that reload early: no further process has its turn. A new run that had begun beside an old
    /// one goes again; one that had begun after it stays.
    BreakOff {
        /// Of which app.
        app: AppId,
        /// The number of the reload. Another one is left alone.
        number: u64,
    },
    /// End everything, in reverse order of start, and launch nothing any more. Goals stay as they
    /// are, so that what was wanted up comes back at the next start.
    Shutdown,
}

impl Command {
    /// The one process that it is about, if it is about one.
    pub fn process(&self) -> Option<ProcessId> {
        match self {
            Command::Start { process }
            | Command::Stop { process }
            | Command::Restart { process }
            | Command::Move { process, .. }
            | Command::Delete { process }
            | Command::Signal { process, .. }
            | Command::Reset { process } => Some(*process),
            Command::Create { .. }
            | Command::Scale { .. }
            | Command::Complete { .. }
            | Command::Update { .. }
            | Command::Reload { .. }
            | Command::BreakOff { .. }
            | Command::Shutdown => None,
        }
    }
}
