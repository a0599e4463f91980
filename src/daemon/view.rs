//! What every reader sees: a picture of all processes, replaced as a whole, never locked.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::log_files::LogFiles;
use crate::home::Home;
use crate::model::{AppId, AppSpec, End, Goal, ProcessId, RunId, State};
use crate::supervisor::{Process, Reload, Supervisor};

/// All processes at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Grows with every change.
    pub seq: u64,
    /// Grows with every process that comes or goes.
    pub structure: u64,
    /// By id.
    pub processes: BTreeMap<ProcessId, Arc<ProcessView>>,
    /// The latest reload of each app that had one.
    pub reloads: BTreeMap<AppId, Reload>,
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
    /// Crashes and restarts by command.
    pub restarts: u32,
    /// Unstable runs in a row.
    pub unstable: u32,
    /// The newest life: a generation to wait for.
    pub latest_run: Option<RunId>,
    /// How the latest life that is over ended.
    pub last_end: Option<End>,
    /// Where its output is.
    pub logs: LogFiles,
}

impl ProcessView {
    /// The name to show: the app's, with the instance number when there are several.
    pub fn name(&self) -> String {
        self.spec.instance_name(self.instance)
    }
}

impl Snapshot {
    /// Takes over what has changed in `supervisor` since the last call. False: nothing had.
    pub fn update(&mut self, supervisor: &mut Supervisor, home: &Home) -> bool {
        let touched = supervisor.take_touched();
        let reloads = supervisor.take_reloads_touched();
        if touched.is_empty() && !reloads {
            return false;
        }
        self.seq += 1;
        if reloads {
            self.reloads = supervisor.reloads().clone();
        }
        for id in touched {
            let was_there = match supervisor.process(id) {
                Some(process) => self.put(process, supervisor, home),
                None => self.processes.remove(&id).is_none(),
            };
            if !was_there {
                self.structure += 1;
            }
        }
        true
    }

    /// Puts a process into the picture; true if it was there before.
    fn put(&mut self, process: &Process, supervisor: &Supervisor, home: &Home) -> bool {
        let Some(spec) = supervisor.app(process.app) else { return true };
        let view = ProcessView {
            seq: self.seq,
            id: process.id,
            app: process.app,
            spec: spec.clone(),
            instance: process.instance,
            goal: process.goal,
            state: process.state.clone(),
            restarts: process.restarts,
            unstable: process.unstable,
            latest_run: process.latest_run,
            last_end: process.last_end,
            logs: LogFiles::of(home, spec, process.instance),
        };
        self.processes.insert(process.id, Arc::new(view)).is_some()
    }

    /// The processes of an app, by instance.
    pub fn of_app(&self, app: AppId) -> impl Iterator<Item = &Arc<ProcessView>> {
        self.processes.values().filter(move |process| process.app == app)
    }
}
