//! What an observer knows who sees only what goes in and comes out, and who knows the rules. It
//! is written apart from the supervisor, so that both would have to be wrong in the same way.

mod commands;
mod rule;
mod turns;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::{
    Accepted, Command, Effect, Input, Living, Process, Record, Remembered, Scope, Supervisor, Then,
};
use super::health::Nurse;
use super::invariants::events;
use super::limits::{Bucket, automatic_restarts, is_too_much};
use super::ready::Waiter;
use super::schedule::{Calendar, is_job};
use super::world::{Given, Step};
use crate::model::{
    AppId, End, EventKind, Fact, Goal, Moment, ProcessId, Reason, Rest, RunId, SpawnFailure, SpawnStep, State,
};
use rule::{Ended, rule};
use turns::Turns;

pub use rule::{Counts, Expected};

/// What is known of everything so far.
#[derive(Default)]
pub struct Ledger {
    pub launched: BTreeSet<RunId>,
    pub newest: Option<RunId>,
    /// Heard to be executed, and when.
    pub spawned: BTreeMap<RunId, Moment>,
    /// Heard to be there, by a new keeper or at the start of a daemon.
    pub seen: BTreeSet<RunId>,
    /// Heard how it ended, and after how long.
    pub exits: BTreeMap<RunId, (End, Duration)>,
    /// Heard to be gone with all of its tree.
    pub gone: BTreeSet<RunId>,
    pub forgotten: BTreeSet<RunId>,
    /// The same before the latest step.
    pub forgotten_before: BTreeSet<RunId>,
    /// Lives whose end somebody asked for, or that used too much memory.
    pub asked: BTreeSet<RunId>,
    /// Those of them that nobody asked for, and after how long that was measured; absent: by a daemon
    /// before.
    pub over_memory: BTreeMap<RunId, Option<Duration>>,
    /// Whose turn it was last to be restarted for its memory, of each app, and which life ended.
    pub memory_turns: BTreeMap<AppId, (ProcessId, RunId)>,
    /// The same before the latest step.
    pub memory_turns_before: BTreeMap<AppId, (ProcessId, RunId)>,
    pub budget: Bucket,
    /// First stop signal since the daemon started, and the kill timeout of that time: when it may be
    /// killed.
    pub signalled: BTreeMap<RunId, Moment>,
    pub dead: BTreeSet<ProcessId>,
    /// What is known of health.
    pub nurse: Nurse,
    /// What is known of readiness.
    pub waiter: Waiter,
    /// What is known of schedules.
    pub calendar: Calendar,
    pub counts: BTreeMap<ProcessId, Counts>,
    /// What is known of reloads.
    pub turns: Turns,
    /// Lives that ended in the latest step, and what must follow.
    pub ends: Vec<(ProcessId, RunId, Expected)>,
}

impl Ledger {
    /// The ledger after that step.
    pub fn after(mut self, step: &Step<'_>, brain: &Supervisor) -> Ledger {
        self.turns.hear(step, brain);
        self.ends.clear();
        self.memory_turns_before = self.memory_turns.clone();
        self.forgotten_before = self.forgotten.clone();
        self.nurse.hear(step, brain, &self.spawned);
        self.waiter.hear(step, brain, &self.spawned);
        self.calendar.hear(step, brain);
        match step.given {
            Given::Input(Input::Command(command)) => self.command(command, step, brain),
            Given::Input(Input::Fact(fact)) | Given::Repeated(fact) => self.fact(fact, step, brain),
            Given::Input(Input::Tick) | Given::Restored => {}
        }
        for id in automatic_restarts(step, &self.ends) {
            self.counts.entry(id).or_default().restarts += 1;
            self.budget.spend(step.now);
        }
        for (id, _, kind) in events(step) {
            match (kind, step.before.get(&id)) {
                (EventKind::Needed { .. }, Some(before)) => self.start(before),
                (EventKind::Scheduled { .. }, Some(before))
                    if matches!(before.state, State::Idle(_)) && is_job(brain, before) =>
                {
                    self.start(before)
                }
                (EventKind::FilesChanged { .. } | EventKind::Scheduled { .. }, Some(before)) => {
                    self.restart(before)
                }
                _ => {}
            }
        }
        for (id, before) in step.before {
            if reloaded(step, *id) {
                self.restart(before);
            }
            self.hear_of_trial(before, brain.process(*id));
        }
        self.hear_of(step.effects);
        self.hear_signals(step.now, step.effects, brain, step.before);
        self.unlaunched(step, brain);
        self
    }

    /// A life on trial that is promoted is a restart that was asked for; one that is given up was
    /// asked to end, unless it had ended.
    fn hear_of_trial(&mut self, before: &Process, after: Option<&Process>) {
        let Some(trial) = before.trial else { return };
        let rehearsed = self.turns.rehearsed.contains(&trial);
        if rehearsed && !self.exits.contains_key(&trial) && after.and_then(|row| row.trial) != Some(trial) {
            self.asked.insert(trial);
        }
        match after {
            Some(after) if after.trial == Some(trial) => {}
            // In place of what was rehearsed one more has begun, and has the place of the old one.
            Some(after)
                if after.state.run() == Some(trial) || (rehearsed && after.state.run() > Some(trial)) =>
            {
                if rehearsed {
                    self.turns.rehearsed_in_vain(before.app);
                }
                // One that ended by itself has left its place to it.
                self.asked.extend(before.state.run().filter(|old| !self.gone.contains(old)));
                let counts = self.counts.entry(before.id).or_default();
                *counts =
                    Counts { unstable: 0, waits: 0, restarts: counts.restarts + 1, restart_asked: false };
            }
            Some(_) | None if self.exits.contains_key(&trial) => {}
            Some(_) | None => _ = self.asked.insert(trial),
        }
    }

    /// What was to be launched and got no port was not: nothing is counted.
    fn unlaunched(&mut self, step: &Step<'_>, brain: &Supervisor) {
        for (id, before) in step.before {
            let now = brain.process(*id).map(|process| &process.state);
            if now != Some(&before.state)
                && let Some(State::Idle(Rest::Errored(Reason::NoPort(_)))) = now
            {
                self.counts.entry(*id).or_default().restarts = before.restarts;
            }
        }
    }

    fn hear_signals(
        &mut self,
        now: Moment,
        effects: &[Effect],
        brain: &Supervisor,
        before: &BTreeMap<ProcessId, Process>,
    ) {
        for effect in effects {
            let Effect::Signal { run, scope: Scope::Tree | Scope::Message, .. } = effect else { continue };
            let is_its = |row: &&Process| row.state.run() == Some(*run) || row.trial == Some(*run);
            let owner = brain.processes().find(is_its).or_else(|| before.values().find(is_its));
            let app = owner.map(|process| process.app);
            // What has drained is nobody's.
            let app = app.or_else(|| brain.leavers.get(run).map(|leaver| leaver.app));
            let timeout = app.and_then(|app| brain.app(app)).map(|spec| spec.stop.timeout);
            self.signalled.entry(*run).or_insert(now + timeout.unwrap_or_default());
        }
        let exits = &self.exits;
        self.waiter.hear_signals(effects, |run| exits.contains_key(&run));
    }

    /// What was ordered.
    pub fn hear_of(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Launch { run, .. } => {
                    self.launched.insert(*run);
                    self.newest = self.newest.max(Some(*run));
                }
                Effect::Forget { run } => _ = self.forgotten.insert(*run),
                Effect::Record(Record::ProcessGone(id)) => _ = self.dead.insert(*id),
                Effect::Record(
                    Record::App(_) | Record::AppGone(_) | Record::Process(_) | Record::Slot(_),
                )
                | Effect::Signal { .. }
                | Effect::CallOff { .. }
                | Effect::KillTree { .. }
                | Effect::Release { .. }
                | Effect::Watch { .. }
                | Effect::Unwatch { .. }
                | Effect::Await { .. }
                | Effect::Unawait { .. }
                | Effect::KeepReady { .. }
                | Effect::Publish(_) => {}
            }
        }
    }

    fn fact(&mut self, fact: &Fact, step: &Step<'_>, brain: &Supervisor) {
        let owner = |run: RunId| step.before.values().find(|process| process.state.run() == Some(run));
        match fact {
            Fact::Spawned { run, at, .. } => _ = self.spawned.entry(*run).or_insert(*at),
            Fact::SpawnFailed { run, failure } => {
                self.gone.insert(*run);
                if let Some(process) = owner(*run) {
                    self.end(process, *run, Ended::NotSpawned(failure.clone()), step, brain);
                }
            }
            Fact::Exited { run, end, at, tree_empty } => {
                let uptime = self.spawned.get(run).map_or(Duration::ZERO, |since| at.since(*since));
                self.exits.entry(*run).or_insert((*end, uptime));
                if *tree_empty {
                    self.tree_is_gone(*run, owner(*run), step, brain);
                }
            }
            // The nurse has heard it.
            Fact::Checked { .. } => {}
            // The waiter has.
            Fact::Ready { .. } | Fact::Remarked { .. } => {}
            Fact::Drained { .. } => {}
            Fact::PortsSeen { .. } => {}
            // Heard of as events.
            Fact::FilesChanged { .. } => {}
            // The calendar has heard it.
            Fact::ClockSet { .. } => {}
            Fact::TreeGone { run } => self.tree_is_gone(*run, owner(*run), step, brain),
            Fact::Sampled { run, memory } => {
                if let Some(process) = owner(*run)
                    && is_too_much(process, *memory, step, brain)
                {
                    self.memory_turns.insert(process.app, (process.id, *run));
                    self.asked.insert(*run);
                    let after = self.spawned.get(run).map(|since| step.now.since(*since));
                    self.over_memory.insert(*run, after);
                    self.counts.entry(process.id).or_default().restart_asked = true;
                }
            }
            Fact::HandsRenewed { living } => {
                self.seen.extend(living);
                for run in step.beside.iter().filter(|run| !living.contains(run)) {
                    match self.spawned.contains_key(run) || self.exits.contains_key(run) {
                        true => self.tree_is_gone(*run, None, step, brain),
                        false => _ = self.gone.insert(*run),
                    }
                }
                for process in step.before.values() {
                    let Some(run) = process.state.run().filter(|run| !living.contains(run)) else { continue };
                    if self.spawned.contains_key(&run) || self.exits.contains_key(&run) {
                        self.tree_is_gone(run, Some(process), step, brain);
                    } else {
                        let (step_, detail) = (SpawnStep::Lost, String::new());
                        let failure = SpawnFailure { step: step_, errno: 0, detail };
                        self.end(process, run, Ended::NotSpawned(failure), step, brain);
                    }
                }
            }
        }
    }

    fn tree_is_gone(&mut self, run: RunId, owner: Option<&Process>, step: &Step<'_>, brain: &Supervisor) {
        self.gone.insert(run);
        let unseen =
            || (End::Unknown, self.spawned.get(&run).map_or(Duration::ZERO, |since| step.now.since(*since)));
        let (end, uptime) = self.exits.get(&run).copied().unwrap_or_else(unseen);
        self.exits.insert(run, (end, uptime));
        if let Some(process) = owner {
            let ended = match self.nurse.unwell.get(&run) {
                _ if self.over_memory.contains_key(&run) => {
                    Ended::OverMemory(self.over_memory[&run].unwrap_or(uptime))
                }
                Some(was_well) => Ended::Unwell(*was_well, uptime),
                None if self.waiter.never_ready.contains(&run) => Ended::NotReady,
                None => Ended::Exited(end, uptime),
            };
            self.end(process, run, ended, step, brain);
        }
    }

    fn end(&mut self, process: &Process, run: RunId, ended: Ended, step: &Step<'_>, brain: &Supervisor) {
        let counts = self.counts.entry(process.id).or_default();
        let restart_asked = std::mem::take(&mut counts.restart_asked);
        let expected = match process.goal {
            Goal::Gone => Expected::Gone,
            Goal::Down => Expected::Stopped,
            Goal::Up if step.was_shutting_down => Expected::Stopped,
            Goal::Up if self.asked.contains(&run) && !self.over_memory.contains_key(&run) => {
                counts.restarts += u32::from(restart_asked);
                Expected::Launch
            }
            Goal::Up => match brain.app(process.app) {
                Some(spec) => match rule(&spec.restart, counts, &ended) {
                    Expected::Finished | Expected::GivenUp(_) | Expected::Errored if process.queued => {
                        *counts = Counts { unstable: 0, waits: 0, ..*counts };
                        Expected::Launch
                    }
                    expected => expected,
                },
                None => return,
            },
        };
        self.ends.push((process.id, run, expected));
    }

    /// A new daemon: it knows what the rows and the keeper say, and nothing else.
    pub fn restored(
        &mut self,
        now: Moment,
        brain: &Supervisor,
        rows: &[Remembered],
        living: &[Living],
        effects: &[Effect],
    ) {
        self.forgotten_before = self.forgotten.clone();
        self.hear_of(effects);
        self.ends.clear();
        self.signalled.clear();
        self.waiter.restored(now, living);
        self.calendar.restored(brain);
        self.waiter.hear_launches(effects, brain);
        self.hear_signals(now, effects, brain, &BTreeMap::new());
        self.asked.clear();
        self.over_memory.clear();
        self.memory_turns.clear();
        self.budget.refill();
        for life in living {
            self.seen.extend(life.spawned.map(|_| life.run));
            self.spawned.extend(life.spawned.map(|(_, at)| (life.run, at)));
            if let (Some((end, at)), Some((_, since))) = (life.ended, life.spawned) {
                self.exits.insert(life.run, (end, at.since(since)));
            }
            if life.ended.is_some() && life.tree_empty {
                self.gone.insert(life.run);
            }
        }
        self.hear_signals(now, effects, brain, &BTreeMap::new());
        // Rows that were damaged never come back.
        let known: BTreeSet<ProcessId> = rows.iter().map(|row| row.id).collect();
        self.dead.extend(self.counts.keys().filter(|id| !known.contains(id)));
        self.counts.clear();
        self.nurse.restored(now, brain, living);
        for process in brain.processes() {
            let (unstable, waits, restarts) = (process.unstable, process.waits, process.restarts);
            let run = process.state.run();
            let row = rows.iter().find(|row| row.id == process.id);
            let asked = row.and_then(|row| row.asked).filter(|asked| Some(asked.run) == run);
            let restart_asked = asked.is_some_and(|asked| asked.restart);
            self.counts.insert(process.id, Counts { unstable, waits, restarts, restart_asked });
            if process.goal != Goal::Up || asked.is_some() {
                self.asked.extend(run);
            }
            if asked.is_some_and(|asked| asked.over_memory.is_some()) {
                self.over_memory.extend(run.map(|run| (run, None)));
            }
        }
        self.asked.extend(brain.leavers.keys());
    }
}

/// The processes of that app that were not to go.
fn members<'a>(app: AppId, step: &Step<'a>) -> impl Iterator<Item = &'a Process> {
    step.before.values().filter(move |process| process.app == app && process.goal != Goal::Gone)
}

/// Its turn in a reload came in that step, and its present life is to end for it.
pub fn reloaded(step: &Step<'_>, id: ProcessId) -> bool {
    events(step)
        .any(|(other, _, kind)| other == id && matches!(kind, EventKind::Reloading { beside: false, .. }))
}
