//! Lives that were replaced, or given up while they were on trial. They belong to nobody; only their
//! end is awaited.
//!
//! ```text
//!  in service behind a balancer ──▶ draining ── has nothing left, or its time is over ──┐
//!  any other ───────────────────────────────────────────────────────────────────────────▼
//!                             gone ◀── killed ◀── kill timeout ── asked to end ──▶ gone
//! ```
//!
//! Who drains gets nothing new and answers what it has. So does a present life whose end is wanted
//! while others of its app are in service; but that stays where it is. It is asked to end at once when
//! nobody is there any more who would be told what it still answers: its balancer is gone, or its app, or
//! no process of that is wanted up, or everything ends.
//!
//! A new daemon goes on with the end of those that it finds; who was replaced drains for no longer
//! than it would have.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Effect, Living, Scope, Supervisor};
use crate::model::{AppId, Goal, Moment, Port, ProcessId, RunId, Signal, Status};

/// Who needs a port of a range waits so long for a run that leaves one: most have little to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// A life that was asked to end, or is about to be, and belongs to no process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Leaver {
    /// Whose it was.
    pub process: ProcessId,
    /// Of which app, and with which number.
    pub app: AppId,
    pub instance: u32,
    /// Where it listens.
    pub port: Option<Port>,
    /// When it was executed; absent until it is, and then it cannot be signalled.
    pub started: Option<Moment>,
    /// What asks it, who of its tree hears that, and how long it has then.
    signal: Signal,
    with_message: bool,
    timeout: Duration,
    phase: Phase,
    /// When it began to leave.
    left: Moment,
    /// Its main process is known to have ended.
    pub main_is_gone: bool,
    /// It was [rehearsed](super::rehearsal), and is not needed any more. Not remembered.
    pub rehearsed: bool,
}

/// How far one is that leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// It may answer what it has, until then.
    Draining { until: Moment },
    /// It was asked to end, and gets SIGKILL then. What is not executed yet is asked when it is.
    Asked { kill_at: Moment },
    /// It has got SIGKILL.
    Killed,
}

/// A life as it is when it begins to leave.
pub(super) struct Leaving {
    pub run: RunId,
    pub port: Option<Port>,
    /// When it was executed, if it was.
    pub started: Option<Moment>,
    /// It was in service.
    pub served: bool,
    pub main_is_gone: bool,
    /// When it began.
    pub since: Moment,
}

impl Leaver {
    /// When time alone moves it. What is not executed yet has all the time.
    pub(super) fn deadline(&self) -> Option<Moment> {
        self.started?;
        match self.phase {
            Phase::Draining { until } => Some(until),
            Phase::Asked { kill_at } => Some(kill_at),
            Phase::Killed => None,
        }
    }

    /// It answers what it has, and gets nothing new.
    pub(super) fn drains(&self) -> bool {
        matches!(self.phase, Phase::Draining { .. })
    }

    /// Only the main process can be asked by message.
    fn scope(&self) -> Scope {
        if self.with_message && !self.main_is_gone { Scope::Message } else { Scope::Tree }
    }
}

impl Supervisor {
    /// A life is nobody's from now on, and is to end.
    pub(super) fn leave(&mut self, now: Moment, id: ProcessId, leaving: Leaving) {
        let Leaving { run, port, started, served, main_is_gone, since } = leaving;
        let process = &self.processes[&id];
        let (app, instance) = (process.app, process.instance);
        let spec = &self.apps[&app];
        let (signal, timeout, with_message) = (spec.stop.signal, spec.stop.timeout, spec.stop.with_message);
        let drain = port.filter(|port| !port.is_shared()).and_then(|_| self.drain_limit(app));
        let phase = match drain.filter(|_| served && started.is_some() && !main_is_gone) {
            Some(drain) if self.may_drain(app) && !planted!(NeverDrains) => {
                Phase::Draining { until: since + drain }
            }
            Some(_) | None => Phase::Asked { kill_at: now + timeout },
        };
        let leaver = Leaver {
            process: id,
            app,
            instance,
            port,
            started,
            signal,
            with_message,
            timeout,
            phase,
            left: since,
            main_is_gone,
            rehearsed: false,
        };
        if started.is_some() && !leaver.drains() && !planted!(KeepsTheOldRun) {
            self.effects.push(Effect::Signal { run, signal, scope: leaver.scope() });
        }
        if started.is_none() {
            self.effects.push(Effect::CallOff { run });
        }
        self.leavers.insert(run, leaver);
        self.reloads_touched = true;
    }

    /// The last daemon began to end that life, which was replaced or on trial: its end goes on. Nobody
    /// knows how far it was. Who had drained has nothing left, and is asked to end again.
    pub(super) fn go_on_leaving(&mut self, now: Moment, life: &Living, since: Option<Moment>) {
        let Living { run, process: id, port, spawned, ended, tree_empty, .. } = *life;
        if ended.is_some() && tree_empty {
            return self.effects.push(Effect::Forget { run });
        }
        if planted!(KillsWhoLeaves) {
            self.strays.insert(run);
            return self.effects.push(Effect::KillTree { run });
        }
        let started = spawned.map(|(_, at)| at).or(ended.map(|(_, at)| at));
        self.change(id, |process| _ = process.leaving.insert(run, since));
        let main_is_gone = ended.is_some();
        let since = since.unwrap_or(now);
        self.leave(now, id, Leaving { run, port, started, served: true, main_is_gone, since });
    }

    /// The processes of which a run leaves, or drains before it does, and which ports those runs have.
    pub fn leaving(&self) -> BTreeMap<ProcessId, BTreeSet<Port>> {
        let mut all: BTreeMap<ProcessId, BTreeSet<Port>> = BTreeMap::new();
        for leaver in self.leavers.values() {
            all.entry(leaver.process).or_default().extend(leaver.port);
        }
        all
    }

    /// Until when a run that leaves a port between these may be waited for, if there is one.
    pub(super) fn leaves_soon(&self, first: u16, last: u16) -> Option<Moment> {
        let on = |port: Port| !port.is_shared() && (first..=last).contains(&port.number());
        let leavers = self.leavers.values().filter(|leaver| leaver.port.is_some_and(on));
        leavers.map(|leaver| leaver.left + PATIENCE).max()
    }

    /// Whether there is a balancer that goes on for that app, and could say who has drained; or one
    /// that ends, whose end says it.
    fn may_drain(&self, app: AppId) -> bool {
        let is_up = |id: ProcessId| self.processes[&id].goal == Goal::Up;
        let wanted = self.members_of(app).any(is_up);
        let balancer = self.balancer_of(app).and_then(|id| self.processes.get(&id));
        let goes_on = balancer.is_some_and(|balancer| balancer.state.run().is_some());
        wanted && goes_on && !self.shutting_down
    }

    /// So long a life of that app may answer what it has from its balancer. The definition of one that
    /// ends is the balancer's own.
    fn drain_limit(&self, app: AppId) -> Option<Duration> {
        let own = self.apps.get(&app)?.balance.as_ref().map(|balance| balance.drain);
        let ending = || {
            let balancer = &self.processes[&self.balancer_of(app)?];
            Some(self.apps[&balancer.app].stop.timeout)
        };
        own.or_else(ending)
    }

    /// A life has nothing left to answer.
    pub(super) fn drained(&mut self, now: Moment, run: RunId) {
        if self.leavers.get(&run).is_some_and(Leaver::drains) {
            self.ask_leaver(now, run);
        }
        if let Some(id) = self.living(run).filter(|id| self.processes[id].drains_until.is_some()) {
            self.change(id, |process| process.drains_until = None);
        }
    }

    /// The end of a present life is wanted: if others are there to answer what comes, it has time to
    /// answer what it has.
    pub(super) fn begin_to_drain(&mut self, now: Moment, id: ProcessId) {
        let process = &self.processes[&id];
        let behind = process.ports.held.is_some_and(|port| !port.is_shared());
        let drain = self.apps[&process.app].balance.as_ref().map(|balance| balance.drain);
        let drain = drain.filter(|_| behind);
        let served = process.state.status() == Status::Online && process.drains_until.is_none();
        if let Some(drain) = drain.filter(|_| served && self.others_serve(id)) {
            self.change(id, |process| process.drains_until = Some(now + drain));
        }
    }

    /// It is to end, and answers what it has before it is told.
    pub(super) fn drains(&self, id: ProcessId) -> bool {
        let process = &self.processes[&id];
        let has_time = process.drains_until.is_some() && process.ends();
        has_time && self.others_serve(id) && !planted!(DrainsInAHurry)
    }

    /// Others of its app are in service behind a balancer that goes on.
    fn others_serve(&self, id: ProcessId) -> bool {
        let app = self.processes[&id].app;
        let balanced = self.apps[&app].balance.is_some();
        balanced && self.may_drain(app) && self.members_of(app).any(|other| other != id && self.serves(other))
    }

    /// Nobody is left who could say of these that they have drained.
    pub(super) fn end_vain_drains(&mut self, now: Moment) {
        let draining = self.leavers.iter().filter(|(_, leaver)| leaver.drains());
        let vain: Vec<RunId> = draining
            .filter(|(_, leaver)| !self.may_drain(leaver.app) || planted!(DrainsInAHurry))
            .map(|(run, _)| *run)
            .collect();
        vain.into_iter().for_each(|run| self.ask_leaver(now, run));
    }

    pub(super) fn ask_leaver(&mut self, now: Moment, run: RunId) {
        let Some(leaver) = self.leavers.get_mut(&run) else { return };
        leaver.phase = Phase::Asked { kill_at: now + leaver.timeout };
        let (signal, scope) = (leaver.signal, leaver.scope());
        self.effects.push(Effect::Signal { run, signal, scope });
    }

    /// The main process of one that leaves ended, and others of its tree have not.
    pub(super) fn ask_what_it_leaves(&mut self, now: Moment, run: RunId) {
        let Some(leaver) = self.leavers.get(&run) else { return };
        match leaver.phase {
            Phase::Draining { .. } => self.ask_leaver(now, run),
            // Nobody else of its tree has heard of it.
            Phase::Asked { .. } if leaver.with_message => {
                let signal = leaver.signal;
                self.effects.push(Effect::Signal { run, signal, scope: Scope::Tree });
            }
            Phase::Asked { .. } | Phase::Killed => {}
        }
    }

    /// A life that leaves was executed. The wish to end it came while it was being launched.
    pub(super) fn leaver_spawned(&mut self, now: Moment, run: RunId, at: Moment) {
        if let Some(leaver) = self.leavers.get_mut(&run).filter(|leaver| leaver.started.is_none()) {
            leaver.started = Some(at);
            self.ask_leaver(now, run);
        }
    }

    /// A new keeper has it: what was ordered may be lost.
    pub(super) fn ask_leaver_again(&mut self, now: Moment, run: RunId) {
        let Some(leaver) = self.leavers.get(&run).filter(|leaver| leaver.started.is_some()) else { return };
        match leaver.phase {
            Phase::Draining { .. } => {}
            Phase::Asked { kill_at } if kill_at > now => {
                let (signal, scope) = (leaver.signal, leaver.scope());
                self.effects.push(Effect::Signal { run, signal, scope });
            }
            Phase::Asked { .. } | Phase::Killed => self.kill_leaver(run),
        }
    }

    pub(super) fn drop_leaver(&mut self, run: RunId) -> bool {
        let Some(leaver) = self.leavers.remove(&run) else { return false };
        self.ports.left();
        self.reloads_touched = true;
        let id = leaver.process;
        if self.processes.get(&id).is_some_and(|process| process.leaving.contains_key(&run)) {
            self.change(id, |process| _ = process.leaving.remove(&run));
        }
        true
    }

    /// The deadlines of leaving lives.
    pub(super) fn move_leavers(&mut self, now: Moment) {
        let due = self.leavers.iter().filter(|(_, leaver)| leaver.deadline().is_some_and(|at| at <= now));
        let due: Vec<(RunId, bool)> = due.map(|(run, leaver)| (*run, leaver.drains())).collect();
        for (run, drains) in due {
            match drains {
                true => self.ask_leaver(now, run),
                false => self.kill_leaver(run),
            }
        }
    }

    fn kill_leaver(&mut self, run: RunId) {
        if let Some(leaver) = self.leavers.get_mut(&run) {
            leaver.phase = Phase::Killed;
            self.effects.push(Effect::KillTree { run });
        }
    }
}
