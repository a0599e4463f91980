//! What comes in.

use std::sync::Arc;

use crate::model::{AppSpec, Fact, PortPlan, ProcessId};

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
    /// End everything, in reverse order of start, and launch nothing any more. Goals stay as they
    /// are, so that what was wanted up comes back at the next start.
    Shutdown,
}
