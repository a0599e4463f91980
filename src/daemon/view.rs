//! What every reader sees: a picture of all processes, replaced as a whole, never locked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::log_files::LogFiles;
use super::log_places::LogPlaces;
use super::revisions::Revisions;
use crate::home::Home;
use crate::model::{
    AppId, AppSpec, End, Goal, OverMemory, Port, ProcessId, ReadyPolicy, Remarks, Revision, RunId, State,
};
use crate::supervisor::{Ports, Process, Reload, Supervisor, Unwell};

/// All processes at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Grows with every change.
    pub seq: u64,
    /// The newest event that had happened: what it tells of is in this picture.
    pub events: u64,
    /// Grows with every process that comes or goes.
    pub structure: u64,
    /// How many processes run that have a memory limit.
    pub limited: usize,
    /// The processes that are restarted when files change, and are wanted up, by app.
    pub watching: BTreeSet<(AppId, ProcessId)>,
    /// By id.
    pub processes: BTreeMap<ProcessId, Arc<ProcessView>>,
    /// Balancers, by the app before which they stand. No user sees them as processes.
    pub balancers: BTreeMap<AppId, Arc<ProcessView>>,
    /// The latest reload of each app that had one.
    pub reloads: BTreeMap<AppId, Reload>,
    /// The processes of which a run is ending that was replaced beside the present one, and its ports.
    pub leaving: BTreeMap<ProcessId, BTreeSet<Port>>,
}

/// One process in a [`Snapshot`].
#[derive(Clone, Debug)]
pub struct ProcessView {
    /// The [`Snapshot::seq`] with which it last changed.
    pub seq: u64,
    /// Its id.
    pub id: ProcessId,
    /// Its app.
    pub app: AppId,
    /// The app's definition.
    pub spec: Arc<AppSpec>,
    /// Its number among the instances.
    pub instance: u32,
    /// What is wanted.
    pub goal: Goal,
    /// What is.
    pub state: State,
    /// Its ports.
    pub ports: Ports,
    /// Crashes and restarts by command.
    pub restarts: u32,
    /// Unstable runs in a row.
    pub unstable: u32,
    /// The newest life: a generation to wait for.
    pub latest_run: Option<RunId>,
    /// How the latest life that is over ended.
    pub last_end: Option<End>,
    /// That was because of its memory.
    pub last_over_memory: Option<OverMemory>,
    /// Why its latest launch failed, until one succeeds.
    pub not_spawned: Option<String>,
    /// The present life is ended because of its memory.
    pub over_memory: Option<OverMemory>,
    /// The present life is ended because of its health, or because it was not ready in time.
    pub unwell: Option<Unwell>,
    /// By what its newest life is to become ready, if it is awaited.
    pub awaits: Option<ReadyPolicy>,
    /// What it has let be known about itself.
    pub remarks: Remarks,
    /// The version that the app's definition has.
    pub revision: Option<Arc<Revision>>,
    /// The version that its newest life was launched with.
    pub run_revision: Option<u64>,
    /// Where its output is.
    pub logs: LogFiles,
}

impl ProcessView {
    /// The name to show: the app's, with the instance number when there are several.
    pub fn name(&self) -> String {
        self.spec.instance_name(self.instance)
    }

    /// It is restarted when files change.
    fn is_watching(&self) -> bool {
        self.spec.watch.is_some() && self.goal == Goal::Up
    }

    /// It runs, and has a memory limit.
    pub fn is_limited(&self) -> bool {
        self.spec.resources.max_memory.is_some() && matches!(self.state, State::Running { .. })
    }
}

impl Snapshot {
    /// Takes over what has changed in `supervisor` since the last call. False: nothing had.
    pub fn update(
        &mut self,
        supervisor: &mut Supervisor,
        revisions: &Revisions,
        places: &LogPlaces,
        home: &Home,
    ) -> bool {
        let touched = supervisor.take_touched();
        let reloads = supervisor.take_reloads_touched();
        if touched.is_empty() && !reloads {
            return false;
        }
        self.seq += 1;
        if reloads {
            self.reloads = supervisor.reloads().clone();
            self.leaving = supervisor.leaving();
        }
        for id in touched {
            let was_there = match supervisor.process(id) {
                Some(process) => self.put(process, supervisor, revisions, places, home),
                None => self.remove(id),
            };
            if !was_there {
                self.structure += 1;
            }
        }
        true
    }

    /// Puts a process into the picture; true if it was there before.
    fn put(
        &mut self,
        process: &Process,
        supervisor: &Supervisor,
        revisions: &Revisions,
        places: &LogPlaces,
        home: &Home,
    ) -> bool {
        let Some(spec) = supervisor.app(process.app) else { return true };
        let view = ProcessView {
            seq: self.seq,
            id: process.id,
            app: process.app,
            spec: spec.clone(),
            instance: process.instance,
            goal: process.goal,
            state: process.state.clone(),
            ports: process.ports,
            restarts: process.restarts,
            unstable: process.unstable,
            latest_run: process.latest_run,
            last_end: process.last_end,
            last_over_memory: process.last_over_memory,
            not_spawned: process.not_spawned.clone(),
            over_memory: process.over_memory,
            unwell: process.unwell.clone(),
            awaits: process.awaits.clone(),
            remarks: process.remarks.clone(),
            revision: revisions.of_app(process.app).cloned(),
            run_revision: process.latest_run.and_then(|run| revisions.of_run(run)),
            logs: places.of(home, process.state.run(), spec, process.instance),
        };
        if spec.is_balancer() {
            let front = supervisor.balanced_by(spec);
            front.into_iter().for_each(|front| _ = self.balancers.insert(front, Arc::new(view.clone())));
            return true;
        }
        self.limited += usize::from(view.is_limited());
        let whose = (view.app, view.id);
        _ = if view.is_watching() { self.watching.insert(whose) } else { self.watching.remove(&whose) };
        let before = self.processes.insert(process.id, Arc::new(view));
        self.limited -= usize::from(before.as_ref().is_some_and(|view| view.is_limited()));
        before.is_some()
    }

    /// Takes a process out of the picture; true if it was not in it.
    fn remove(&mut self, id: ProcessId) -> bool {
        self.balancers.retain(|_, balancer| balancer.id != id);
        let before = self.processes.remove(&id);
        before.iter().for_each(|view| _ = self.watching.remove(&(view.app, view.id)));
        self.limited -= usize::from(before.as_ref().is_some_and(|view| view.is_limited()));
        // A balancer was no part of it.
        before.is_none()
    }

    /// The processes of an app, by instance.
    pub fn of_app(&self, app: AppId) -> impl Iterator<Item = &Arc<ProcessView>> {
        self.processes.values().filter(move |process| process.app == app)
    }
}
