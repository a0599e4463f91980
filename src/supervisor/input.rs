//! What comes in.

use std::collections::BTreeMap;
use std::sync::Arc;

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
    /// Restart them one after the other.
    Reload {
        /// Which, of one app.
        processes: Vec<ProcessId>,
    },
    /// End everything, in reverse order of start, and launch nothing any more. Goals stay as they
    /// are, so that what was wanted up comes back at the next start.
    Shutdown,
}
