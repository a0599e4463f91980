//! The table of all processes, and the one function through which a row changes.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;

use super::beside::Trial;
use super::budget::{Budget, Limits};
use super::leaving::Leaver;
use super::ports::PortTable;
use super::schedule::Timetable;
use super::{Accepted, Denied, Effect, Input, Process, Record, Reload, health, ready};
use crate::model::{AppId, AppSpec, Event, EventKind, Moment, Name, ProcessId, RunId, State};

/// The state machine. See the module's documentation.
#[derive(Clone, Debug)]
pub struct Supervisor {
    pub(super) apps: BTreeMap<AppId, Arc<AppSpec>>,
    pub(super) processes: BTreeMap<ProcessId, Process>,
    /// Lives that belong to no process: the process is gone, or has a newer one. Only their end
    /// is awaited.
    pub(super) strays: BTreeSet<RunId>,
    pub(super) shutting_down: bool,
    pub(super) next_app: AppId,
    pub(super) next_process: ProcessId,
    pub(super) next_run: RunId,
    /// Lives that are to replace the present one of a process.
    pub(super) trials: BTreeMap<ProcessId, Trial>,
    /// Lives that are to end and are nobody's.
    pub(super) leavers: BTreeMap<RunId, Leaver>,
    /// The latest reload of each app.
    pub(super) reloads: BTreeMap<AppId, Reload>,
    pub(super) next_reload: u64,
    pub(super) reloads_touched: bool,
    pub(super) budget: Budget,
    pub(super) timetable: Timetable,
    /// What the present step orders.
    pub(super) effects: Vec<Effect>,

    // Indexes, kept by `put` and by `define` and its like alone.
    pub(super) names: BTreeMap<(Name, Name), AppId>,
    members: BTreeSet<(AppId, ProcessId)>,
    runs: BTreeMap<RunId, ProcessId>,
    deadlines: BTreeSet<(Moment, ProcessId)>,
    pub(super) ports: PortTable,
    /// Who waits for the host's budget, and since when.
    pub(super) queue: BTreeSet<(Moment, ProcessId)>,
    /// Who waits for what it depends on.
    pub(super) waiting: BTreeSet<ProcessId>,
    /// Who is to end, and waits for what depends on it.
    pub(super) ending: BTreeSet<ProcessId>,
    /// Who depends on the app of that namespace and name, which need not be there.
    pub(super) dependents: BTreeMap<(Name, Name), BTreeSet<AppId>>,
    /// The apps before which a balancer stands, or that are one.
    pub(super) balanced: BTreeSet<AppId>,
    /// Apps whose processes have, or had, a socket each of the port that they share.
    pub(super) spread: BTreeSet<AppId>,
    pub(super) touched: BTreeSet<ProcessId>,
}

impl Default for Supervisor {
    /// Nothing defined, nothing running, no id ever given out.
    fn default() -> Self {
        Supervisor::empty(AppId(0), ProcessId(0), RunId(1))
    }
}

impl Supervisor {
    pub(super) fn empty(next_app: AppId, next_process: ProcessId, next_run: RunId) -> Supervisor {
        Supervisor {
            apps: BTreeMap::new(),
            processes: BTreeMap::new(),
            strays: BTreeSet::new(),
            shutting_down: false,
            next_app,
            next_process,
            next_run,
            trials: BTreeMap::new(),
            leavers: BTreeMap::new(),
            reloads: BTreeMap::new(),
            next_reload: 1,
            reloads_touched: false,
            budget: Budget::new(Limits::of_host(1)),
            timetable: Timetable::default(),
            effects: Vec::new(),
            names: BTreeMap::new(),
            members: BTreeSet::new(),
            runs: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            ports: PortTable::default(),
            queue: BTreeSet::new(),
            waiting: BTreeSet::new(),
            ending: BTreeSet::new(),
            dependents: BTreeMap::new(),
            balanced: BTreeSet::new(),
            spread: BTreeSet::new(),
            touched: BTreeSet::new(),
        }
    }

    /// Reacts to one input.
    pub fn step(&mut self, now: Moment, input: Input) -> (Result<Accepted, Denied>, Vec<Effect>) {
        let answer = match input {
            Input::Command(command) => self.obey(now, command),
            Input::Fact(fact) => {
                self.learn(now, fact);
                self.advance_reloads(now, false);
                Ok(Accepted::Noted)
            }
            Input::Tick => {
                // Who is run anew at its slot does not wait any more.
                self.pass_slots(now);
                // First: one that waits for its turn may wait for its next start, too.
                self.advance_reloads(now, true);
                self.pass_deadlines(now);
                // What was ended for its deadline may have been a reload's new run.
                self.advance_reloads(now, false);
                Ok(Accepted::Noted)
            }
        };
        self.settle(now);
        // What a reload waits for may have come, or become impossible, only by that: one that had
        // waited for another app was let go, and got no port.
        self.advance_reloads(now, false);
        self.settle(now);
        self.take_up_schedules(now);
        (answer, mem::take(&mut self.effects))
    }

    /// When to call [`step`](Self::step) with [`Input::Tick`] if nothing else happens before.
    pub fn next_deadline(&self) -> Option<Moment> {
        let reloads = self.reloads.values().filter_map(Reload::deadline);
        let deadline = self.deadlines.first().map(|(at, _)| *at);
        let leavers = self.leavers.values().filter_map(Leaver::deadline);
        let trials = self.trials.values().filter_map(|trial| trial.up.as_ref()?.deadline());
        let slot = self.next_slot_at();
        deadline
            .into_iter()
            .chain(self.next_turn())
            .chain(reloads)
            .chain(leavers)
            .chain(trials)
            .chain(slot)
            .min()
    }

    /// The latest reload of each app that had one.
    pub fn reloads(&self) -> &BTreeMap<AppId, Reload> {
        &self.reloads
    }

    /// Whether a reload has changed since this was asked last.
    pub fn take_reloads_touched(&mut self) -> bool {
        mem::take(&mut self.reloads_touched)
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

    /// The processes that have changed, or gone, since this was asked last.
    pub fn take_touched(&mut self) -> BTreeSet<ProcessId> {
        mem::take(&mut self.touched)
    }

    /// The first app id that was never given out.
    pub fn next_app(&self) -> AppId {
        self.next_app
    }

    /// The first process id that was never given out.
    pub fn next_process(&self) -> ProcessId {
        self.next_process
    }

    /// The first run id that was never given out. Whoever carries out a `Launch` must have stored
    /// a number beyond its run before, or a crash could give the same id to another life.
    pub fn next_run(&self) -> RunId {
        self.next_run
    }

    /// A shutdown was asked for: nothing is launched any more.
    pub fn is_shutting_down(&self) -> bool {
        self.shutting_down
    }

    /// Nothing of any process runs, nor anything else that is to be ended.
    pub fn all_idle(&self) -> bool {
        let beside = self.trials.is_empty() && self.leavers.is_empty();
        self.runs.is_empty() && self.strays.is_empty() && beside
    }

    fn pass_deadlines(&mut self, now: Moment) {
        let due: Vec<ProcessId> = self.due(now).collect();
        for id in due {
            match self.processes[&id].state {
                State::Backoff { until, .. } => self.restart_in_turn(now, id, until),
                State::Stopping { .. } => self.kill(id),
                // Its time to drain is over; `settle` asks it, unless something else keeps it.
                State::Running { .. } if self.processes[&id].drains_until.is_some() => {
                    self.change(id, |process| process.drains_until = None);
                }
                State::Running { .. } => self.not_ready_in_time(now, id),
                State::Idle(_) | State::Waiting { .. } | State::Starting { .. } => {}
            }
        }
        self.move_leavers(now);
        self.give_up_late_trials(now);
        self.serve_queue(now);
    }

    /// The processes whose deadline has come.
    pub(super) fn due(&self, now: Moment) -> impl Iterator<Item = ProcessId> {
        self.deadlines.range(..=(now, ProcessId(u32::MAX))).map(|(_, process)| *process)
    }

    /// The process whose present life that is.
    pub(super) fn living(&self, run: RunId) -> Option<ProcessId> {
        self.runs.get(&run).copied()
    }

    /// The present lives, in the order in which they were launched.
    pub(super) fn lives(&self) -> impl DoubleEndedIterator<Item = (RunId, ProcessId)> {
        self.runs.iter().map(|(run, process)| (*run, *process))
    }

    /// The app of that name.
    pub(super) fn app_of(&self, namespace: &Name, name: &Name) -> Option<AppId> {
        self.names.get(&(namespace.clone(), name.clone())).copied()
    }

    /// The first process of the app of that name.
    pub(super) fn app_named(&self, namespace: &Name, name: &Name) -> Option<ProcessId> {
        self.app_of(namespace, name).and_then(|app| self.members_of(app).next())
    }

    /// The processes of an app, by id.
    pub(super) fn members_of(&self, app: AppId) -> impl Iterator<Item = ProcessId> {
        let members = self.members.range((app, ProcessId(0))..=(app, ProcessId(u32::MAX)));
        members.map(|(_, process)| *process)
    }

    /// Changes one row. `id` is known to be in the table.
    pub(super) fn change(&mut self, id: ProcessId, change: impl FnOnce(&mut Process)) {
        let mut process = self.processes[&id].clone();
        change(&mut process);
        self.put(id, Some(process));
    }

    /// The one place that writes a row, or removes it: whatever is derived from rows (deadlines,
    /// who lives, what was touched, what is to be recorded, whether the app still has anybody) is
    /// brought up to date here and cannot be forgotten elsewhere.
    pub(super) fn put(&mut self, id: ProcessId, row: Option<Process>) {
        let (run, deadline, queued) = facets(row.as_ref());
        let app = row.as_ref().map(|process| process.app);
        let (waits, ends) =
            (row.as_ref().is_some_and(Process::waits), row.as_ref().is_some_and(Process::ends));
        let remembered = row.as_ref().map(Process::to_remember);
        let before = match row {
            Some(process) => self.processes.insert(id, process),
            None => self.processes.remove(&id),
        };
        let (old_run, old_deadline, old_queued) = facets(before.as_ref());
        self.watch(id, before.as_ref().and_then(health::watched));
        self.await_ready(id, before.as_ref().and_then(ready::awaited));
        self.keep_ready(id, before.as_ref().and_then(ready::reached));
        if old_run != run {
            old_run.map(|run| self.runs.remove(&run));
            run.map(|run| self.runs.insert(run, id));
        }
        if old_deadline != deadline {
            old_deadline.map(|at| self.deadlines.remove(&(at, id)));
            deadline.map(|at| self.deadlines.insert((at, id)));
        }
        let unwanted = self.ports.update(before.as_ref(), self.processes.get(&id));
        self.release(unwanted);
        if old_queued != queued {
            old_queued.map(|since| self.queue.remove(&(since, id)));
            queued.map(|since| self.queue.insert((since, id)));
        }
        _ = if waits { self.waiting.insert(id) } else { self.waiting.remove(&id) };
        _ = if ends { self.ending.insert(id) } else { self.ending.remove(&id) };
        self.touched.insert(id);
        match (app, before) {
            (Some(app), None) => {
                self.members.insert((app, id));
                self.effects.push(Effect::Record(Record::Process(id)));
            }
            (Some(_), Some(before)) => {
                if Some(before.to_remember()) != remembered && !planted!(KeepsAChangeToItself) {
                    self.effects.push(Effect::Record(Record::Process(id)));
                }
            }
            (None, Some(before)) => {
                self.abandon_trial(id);
                self.members.remove(&(before.app, id));
                self.effects.push(Effect::Record(Record::ProcessGone(id)));
                self.drop_app_without_process(before.app);
            }
            (None, None) => {}
        }
    }

    /// Tells the world what happened to a process that is in the table.
    pub(super) fn publish(&mut self, id: ProcessId, run: Option<RunId>, kind: EventKind) {
        let event = Event { app: self.processes[&id].app, process: id, run, kind };
        self.effects.push(Effect::Publish(event));
    }
}

/// What the indexes say of a row: who lives, when time moves it, since when it is queued.
fn facets(row: Option<&Process>) -> (Option<RunId>, Option<Moment>, Option<Moment>) {
    let run = row.and_then(|process| process.state.run());
    (run, row.and_then(Process::deadline), row.and_then(Process::queued_since))
}
