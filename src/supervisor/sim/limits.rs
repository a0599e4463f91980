//! What the host and the memory allow, stated as invariants.

use std::time::Duration;

use super::super::{Effect, Input, Limits, Process, Supervisor};
use super::invariants::{Holds, ensure};
use super::ledger::{Expected, reloaded};
use super::schedule::scheduled;
use super::world::{Given, Step, World};
use crate::model::{ByteSize, EventKind, Fact, Goal, Health, Moment, ProcessId, RunId, State, Status};

/// What the host of that story bears. In two of three it is so little that it matters.
pub fn host_of(seed: u64) -> Limits {
    match seed % 3 {
        0 => Limits::of_host(2),
        1 => Limits { burst: 2, interval: Duration::from_millis(800) },
        _ => Limits { burst: 1, interval: Duration::from_secs(3) },
    }
}

/// A brain on that host.
pub fn brain_of(seed: u64, mut brain: Supervisor) -> Supervisor {
    brain.limit_restarts(host_of(seed));
    brain
}

/// The host's budget, told once more: a level that restarts lower and time raises. In microseconds
/// of filling, so that nothing is rounded.
#[derive(Debug)]
pub struct Bucket {
    full: u128,
    each: u128,
    level: u128,
    at: Moment,
    overdrawn: bool,
}

impl Default for Bucket {
    fn default() -> Self {
        Bucket::new(Limits::of_host(1))
    }
}

impl Bucket {
    pub fn new(limits: Limits) -> Bucket {
        let each = limits.interval.as_micros();
        let full = each * u128::from(limits.burst);
        Bucket { full, each, level: full, at: Moment(0), overdrawn: false }
    }

    pub fn refill(&mut self) {
        (self.level, self.overdrawn) = (self.full, false);
    }

    fn level(&self, now: Moment) -> u128 {
        (self.level + now.since(self.at).as_micros()).min(self.full)
    }

    pub fn spend(&mut self, now: Moment) {
        let level = self.level(now);
        self.overdrawn |= level < self.each;
        (self.level, self.at) = (level.saturating_sub(self.each), now);
    }
}

/// The processes that were restarted in that step because nobody asked for anything else.
pub fn automatic_restarts(step: &Step<'_>, ends: &[(ProcessId, RunId, Expected)]) -> Vec<ProcessId> {
    if let Given::Input(Input::Command(_) | Input::Fact(Fact::FilesChanged { .. })) | Given::Restored =
        step.given
    {
        return Vec::new();
    }
    let launched = step.effects.iter().filter_map(|effect| {
        let Effect::Launch { process, .. } = effect else { return None };
        Some(*process)
    });
    let waited = |id: &ProcessId| {
        let before = step.before.get(id).map(|process| &process.state);
        matches!(before, Some(State::Backoff { .. }))
    };
    let ended = |id: &ProcessId| ends.iter().any(|(of, _, next)| of == id && *next == Expected::Restart);
    launched.filter(|id| (waited(id) || ended(id)) && !reloaded(step, *id) && !scheduled(step, *id)).collect()
}

pub fn host_budget_is_kept(world: &World, _: &Step<'_>) -> Holds {
    ensure!(!world.ledger.budget.overdrawn, "one restart too many: {:?}", world.ledger.budget);
    Ok(())
}

pub fn the_oldest_of_the_queue_goes_first(world: &World, step: &Step<'_>) -> Holds {
    for id in automatic_restarts(step, &world.ledger.ends) {
        let Some(State::Backoff { until, queued: true }) = step.before.get(&id).map(|row| &row.state) else {
            continue;
        };
        for (since, other) in &world.brain.queue {
            let came_before = step.before.get(other).is_some_and(|row| row.queued_since().is_some());
            ensure!(!came_before || since >= until, "{id} since {until:?} overtakes {other} since {since:?}");
        }
    }
    Ok(())
}

pub fn nobody_queues_while_there_is_budget(world: &World, step: &Step<'_>) -> Holds {
    let budget = &world.ledger.budget;
    // Commands and restored rows do not serve the queue; the tick that is due then does.
    let serves = matches!(step.given, Given::Input(Input::Tick));
    let idle = world.brain.queue.is_empty() || budget.level(step.now) < budget.each;
    ensure!(!serves || idle, "{:?} wait in vain: {budget:?}", world.brain.queue);
    Ok(())
}

/// Whether that sample is to end the run. Not, while another of its app is being restarted for that.
pub fn is_too_much(process: &Process, memory: ByteSize, step: &Step<'_>, brain: &Supervisor) -> bool {
    let limit = brain.app(process.app).and_then(|spec| spec.resources.max_memory);
    let runs =
        matches!(process.state, State::Running { .. }) && process.goal == Goal::Up && !process.end_asked;
    let others = step.before.values().filter(|other| other.app == process.app && other.id != process.id);
    let has_turn = |other: &Process| {
        let again = other.last_over_memory.is_some() && other.goal == Goal::Up;
        match &other.state {
            State::Stopping { .. } => other.over_memory.is_some(),
            State::Starting { .. } | State::Backoff { queued: true, .. } => again,
            State::Running { vitals: Some(vitals), .. } => {
                again && !vitals.ready && !matches!(vitals.health, Health::Unhealthy { .. })
            }
            // Without a check it is ready by a sign, or at once.
            state @ State::Running { vitals: None, .. } => again && state.status() != Status::Online,
            State::Backoff { queued: false, .. } | State::Waiting { .. } | State::Idle(_) => false,
        }
    };
    let turn = others.into_iter().any(has_turn);
    runs && !turn && limit.is_some_and(|limit| memory > limit)
}

/// The next of an app is restarted for its memory only when the one before it is online by a new
/// life, or has failed, or somebody else has done something to it.
pub fn memory_restarts_are_rolling(world: &World, step: &Step<'_>) -> Holds {
    for effect in step.effects {
        let Effect::Publish(event) = effect else { continue };
        let EventKind::OverMemory(_) = event.kind else { continue };
        let Some((previous, old)) = world.ledger.memory_turns_before.get(&event.app) else { continue };
        let Some(row) = step.before.get(previous).filter(|row| row.id != event.process) else { continue };
        if row.goal != Goal::Up
            || row.state.run().is_some_and(|run| world.ledger.asked.contains(&run) && run != *old)
        {
            continue;
        }
        let is_on_its_way = match &row.state {
            State::Stopping { run, .. } => run == old && world.ledger.over_memory.contains_key(run),
            State::Backoff { queued: true, .. } => row.latest_run == Some(*old),
            State::Starting { run, .. } => *run > *old && row.last_over_memory.is_some(),
            State::Running { run, vitals, .. } => {
                let unhealthy = vitals.as_ref().is_some_and(|v| matches!(v.health, Health::Unhealthy { .. }));
                let again = row.last_over_memory.is_some() && row.state.status() != Status::Online;
                *run == *old || (again && !unhealthy)
            }
            State::Backoff { queued: false, .. } | State::Waiting { .. } | State::Idle(_) => false,
        };
        ensure!(
            !is_on_its_way,
            "{} is restarted for its memory, and {previous} is {:?}",
            event.process,
            row.state
        );
    }
    Ok(())
}

pub fn too_much_memory_is_ended(world: &World, step: &Step<'_>) -> Holds {
    let Given::Input(Input::Fact(Fact::Sampled { run, memory })) = step.given else { return Ok(()) };
    let Some(before) = step.before.values().find(|process| process.state.run() == Some(*run)) else {
        return Ok(());
    };
    if !is_too_much(before, *memory, step, &world.brain) {
        ensure!(step.effects.is_empty(), "{run} uses {memory}, which is allowed, and {:?}", step.effects);
        return Ok(());
    }
    let signal = |effect: &Effect| matches!(effect, Effect::Signal { run: to, .. } if to == run);
    ensure!(step.effects.iter().any(signal), "{run} uses {memory} and goes on");
    let told = |effect: &Effect| match effect {
        Effect::Publish(event) => {
            matches!(event.kind, EventKind::OverMemory(over) if over.used == *memory && over.used > over.limit)
        }
        Effect::Launch { .. }
        | Effect::Signal { .. }
        | Effect::KillTree { .. }
        | Effect::CallOff { .. }
        | Effect::Forget { .. }
        | Effect::Release { .. }
        | Effect::Record(_)
        | Effect::Watch { .. }
        | Effect::Unwatch { .. }
        | Effect::Await { .. }
        | Effect::Unawait { .. }
        | Effect::KeepReady { .. } => false,
    };
    ensure!(step.effects.iter().any(told), "{run} uses {memory} and nobody is told");
    Ok(())
}
