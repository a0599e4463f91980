//! The table of all processes, and the one function that moves them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Accepted, Denied, Effect, Input, Process};
use crate::model::{AppId, AppSpec, End, Goal, Moment, Pid, ProcessId, Rest, RunId};

/// The state machine. See the module's documentation.
#[derive(Debug, Default)]
pub struct Supervisor {
    apps: BTreeMap<AppId, Arc<AppSpec>>,
    processes: BTreeMap<ProcessId, Process>,
    deadlines: BTreeSet<(Moment, ProcessId)>,
}

/// A process as the store remembers it.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// Its id.
    pub id: ProcessId,
    /// Its app.
    pub app: AppId,
    /// Its number among the instances.
    pub instance: u32,
    /// What was wanted.
    pub goal: Goal,
    /// How it rested, if it did; an errored one is not started again by itself.
    pub rest: Rest,
    /// Restart count.
    pub restarts: u32,
    /// How its latest life ended.
    pub last_end: Option<End>,
}

/// A run that the keeper has when the daemon starts.
#[derive(Clone, Debug)]
pub struct Living {
    /// The life.
    pub run: RunId,
    /// Whose it was when launched; that process may be gone by now.
    pub process: ProcessId,
    /// Restart count at its launch.
    pub restarts: u32,
    /// Its main process and when that was executed; absent while it is being launched.
    pub spawned: Option<(Pid, Moment)>,
    /// How and when the main process ended, if it has.
    pub ended: Option<(End, Moment)>,
    /// Nothing of the tree is left.
    pub tree_empty: bool,
}

impl Supervisor {
    /// Takes up the work of an earlier daemon: adopts what lives, starts what is wanted up and
    /// does not, ends what is not wanted.
    ///
    /// `next_*` are the first ids that were never given out.
    pub fn restore(
        _now: Moment,
        _apps: BTreeMap<AppId, Arc<AppSpec>>,
        _remembered: Vec<Remembered>,
        _living: Vec<Living>,
        _next_app: AppId,
        _next_process: ProcessId,
        _next_run: RunId,
    ) -> (Supervisor, Vec<Effect>) {
        todo!()
    }

    /// Reacts to one input.
    pub fn step(&mut self, _now: Moment, _input: Input) -> (Result<Accepted, Denied>, Vec<Effect>) {
        todo!()
    }

    /// When to call [`step`](Self::step) with [`Input::Tick`] if nothing else happens before.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// The process of that id.
    pub fn process(&self, id: ProcessId) -> Option<&Process> {
        self.processes.get(&id)
    }

    /// All processes, by id.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.processes.values()
    }

    /// The definition of that app.
    pub fn app(&self, id: AppId) -> Option<&Arc<AppSpec>> {
        self.apps.get(&id)
    }

    /// The processes that have changed since this was asked last.
    pub fn take_touched(&mut self) -> BTreeSet<ProcessId> {
        todo!()
    }

    /// The first run id that was never given out.
    pub fn next_run(&self) -> RunId {
        todo!()
    }

    /// Nothing of any process runs.
    pub fn all_idle(&self) -> bool {
        self.processes.values().all(|process| process.state.run().is_none())
    }
}
