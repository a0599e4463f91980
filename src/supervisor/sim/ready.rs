//! Readiness, as invariants: who is awaited, who is online, and what follows when the sign does not
//! come. The observer knows the policies and the clock, and looks at rows only to see what became
//! of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::{Effect, Input, Living, Process, Scope, Supervisor};
use super::invariants::{Holds, ensure, events};
use super::schedule::scheduled;
use super::users::Dice;
use super::world::{Given, Step, World};
use crate::model::{
    EventKind, Fact, Goal, Moment, Port, ProcessId, ReadyBy, ReadyPolicy, RunId, Sign, State,
};

/// What the observer knows of readiness.
#[derive(Default)]
pub struct Waiter {
    /// By what a life is to become ready, as its app said when it was launched.
    policies: BTreeMap<RunId, ReadyPolicy>,
    /// Lives that are to become ready, and until when.
    pub promised: BTreeMap<RunId, Moment>,
    /// Lives that have shown the sign that was awaited of them, or one though none was.
    pub ready: BTreeSet<RunId>,
    /// Lives whose time was over in the latest step.
    pub late: BTreeSet<RunId>,
    /// All of them that this daemon has ended for that.
    pub never_ready: BTreeSet<RunId>,
    /// Lives that got the stop signal with their whole tree.
    pub asked_by_signal: BTreeSet<RunId>,
}

impl Waiter {
    /// Hears what was given.
    pub fn hear(&mut self, step: &Step<'_>, brain: &Supervisor, executed: &BTreeMap<RunId, Moment>) {
        self.late.clear();
        self.hear_launches(step.effects, brain);
        // What is to end anyway is not late.
        let stays = |process: &Process| process.goal == Goal::Up && !process.end_asked;
        let running = |run: RunId| {
            step.before.values().find(|process| {
                let tried = process.trial == Some(run) && executed.contains_key(&run);
                tried || matches!(process.state, State::Running { run: other, .. } if other == run)
            })
        };
        match step.given {
            Given::Input(Input::Fact(fact)) | Given::Repeated(fact) => match fact {
                Fact::Spawned { run, at, .. } => {
                    let tried = |process: &Process| process.trial == Some(*run);
                    let begins = |process: &&Process| {
                        tried(process)
                            || matches!(process.state, State::Starting { run: other, .. } if other == *run)
                    };
                    if step.before.values().any(|process| begins(&process))
                        && let Some(policy) = self.policies.get(run)
                        && !self.ready.contains(run)
                    {
                        self.promised.entry(*run).or_insert(*at + policy.limit);
                    }
                }
                Fact::Ready { run, sign, .. } => {
                    let Some(process) = running(*run) else { return };
                    let checked = brain.app(process.app).is_some_and(|spec| spec.health.is_some());
                    let right = match (self.policies.get(run).map(|policy| &policy.by), sign) {
                        (Some(ReadyBy::Notify), Sign::Notified) => true,
                        (Some(ReadyBy::Message), Sign::Message) => true,
                        (Some(ReadyBy::Port), Sign::Accepts) => true,
                        (Some(ReadyBy::Log(_)), Sign::Line) => true,
                        (None, Sign::Notified | Sign::Message) => !checked,
                        _ => false,
                    };
                    if right {
                        self.promised.remove(run);
                        self.ready.insert(*run);
                    }
                }
                _ => {}
            },
            Given::Input(Input::Tick) => {
                let due: Vec<RunId> = self
                    .promised
                    .iter()
                    .filter(|(run, until)| {
                        // Who is ended for its slot in the same step is not late.
                        let is_late = |process: &Process| stays(process) && !scheduled(step, process.id);
                        **until <= step.now && running(**run).is_some_and(is_late)
                    })
                    .map(|(run, _)| *run)
                    .collect();
                for run in due {
                    self.promised.remove(&run);
                    self.late.insert(run);
                    self.never_ready.insert(run);
                }
            }
            Given::Input(Input::Command(_)) | Given::Restored => {}
        }
    }

    /// Hears who is launched, and what its definition says then.
    pub fn hear_launches(&mut self, effects: &[Effect], brain: &Supervisor) {
        for effect in effects {
            let Effect::Launch { run, process, spec, port, .. } = effect else { continue };
            let tried = brain.process(*process).is_some_and(|row| row.trial == Some(*run));
            if spec.ready.by != ReadyBy::Auto {
                self.policies.insert(*run, spec.ready.clone());
            } else if tried && port.is_some_and(Port::is_shared) {
                self.policies.insert(*run, ReadyPolicy { by: ReadyBy::Port, ..spec.ready });
            }
        }
    }

    /// Hears who gets the stop signal. By message it reaches the main process alone, as long as it is
    /// there.
    pub fn hear_signals(&mut self, effects: &[Effect], has_ended: impl Fn(RunId) -> bool) {
        for effect in effects {
            match effect {
                Effect::Signal { run, scope: Scope::Tree, .. } => _ = self.asked_by_signal.insert(*run),
                Effect::Signal { run, scope: Scope::Message, .. } if has_ended(*run) => {
                    self.asked_by_signal.insert(*run);
                }
                _ => {}
            }
        }
    }

    /// A new daemon knows what was kept with the runs, and gives them time to show it again.
    pub fn restored(&mut self, now: Moment, living: &[Living]) {
        *self = Waiter::default();
        for life in living {
            self.policies.extend(life.awaits.clone().map(|policy| (life.run, policy)));
            match (life.ready, &life.awaits, life.spawned) {
                (Some(_), _, _) => _ = self.ready.insert(life.run),
                (None, Some(policy), Some((_, since))) => {
                    let until = (since + policy.limit).max(now + Duration::from_secs(3));
                    self.promised.insert(life.run, until);
                }
                (None, _, _) => {}
            }
        }
    }
}

/// How the runs of an app become ready; of most nothing is awaited.
pub fn any_policy(dice: &mut Dice) -> ReadyPolicy {
    let by = match dice.below(10) {
        0 => ReadyBy::Notify,
        1 => ReadyBy::Message,
        2 => ReadyBy::Port,
        3 => ReadyBy::Log("listening".to_owned()),
        _ => ReadyBy::Auto,
    };
    let limit = dice.pick(&[Duration::from_millis(300), Duration::from_secs(3), Duration::from_secs(60)]);
    ReadyPolicy { by, limit }
}

/// The sign that is awaited.
pub fn right_sign(by: &ReadyBy) -> Sign {
    match by {
        ReadyBy::Auto | ReadyBy::Notify => Sign::Notified,
        ReadyBy::Message => Sign::Message,
        ReadyBy::Port => Sign::Accepts,
        ReadyBy::Log(_) => Sign::Line,
    }
}

/// Every life that runs and has not shown the sign that was awaited at its launch, and no other.
pub fn awaited_exactly_while_it_is_not_ready(world: &World, step: &Step<'_>) -> Holds {
    let mut due = BTreeSet::new();
    for process in world.brain.processes() {
        if let State::Running { run, .. } = process.state
            && world.ledger.waiter.promised.contains_key(&run)
        {
            due.insert(run);
        }
        due.extend(process.trial.filter(|run| world.ledger.waiter.promised.contains_key(run)));
    }
    let awaited: BTreeSet<RunId> = world.awaited.keys().copied().collect();
    ensure!(due == awaited, "{awaited:?} are awaited, not {due:?}");
    let mut begun = BTreeSet::new();
    for effect in step.effects {
        if let Effect::Await { run, .. } = effect {
            ensure!(begun.insert(*run), "{run} is awaited twice");
        }
    }
    Ok(())
}

/// A life that is not ready when its time is over is told and ended, and no other is.
pub fn a_start_fails_exactly_at_its_limit(world: &World, step: &Step<'_>) -> Holds {
    let late = &world.ledger.waiter.late;
    let told: BTreeSet<RunId> = events(step)
        .filter(|(_, _, kind)| matches!(kind, EventKind::NotReady { .. }))
        .filter_map(|(_, run, _)| run)
        .collect();
    ensure!(told == *late, "{told:?} are told to be late, in truth {late:?}");
    for run in late {
        let ended = |effect: &Effect| matches!(effect, Effect::Signal { run: other, .. } if other == run);
        ensure!(step.effects.iter().any(ended), "{run} is late and is not asked to end");
    }
    Ok(())
}

/// Whoever is online because it became ready is kept as ready with its run, so that the next daemon
/// knows.
pub fn who_is_ready_is_kept_so(world: &World, _: &Step<'_>) -> Holds {
    for process in world.brain.processes() {
        let State::Running { run, .. } = process.state else { continue };
        let Some(life) = world.lives.get(&run) else { continue };
        let online = process.state.status() == crate::model::Status::Online;
        if online && life.awaits.is_some() {
            ensure!(life.ready.is_some(), "{run} of {} is online, and that is not kept", process.id);
        }
    }
    Ok(())
}

/// A sign that is not the one, or of a life that is not awaited, makes nobody ready.
pub fn other_signs_change_nothing(world: &World, step: &Step<'_>) -> Holds {
    let Given::Input(Input::Fact(Fact::Ready { run, .. })) = step.given else { return Ok(()) };
    let told = events(step).any(|(_, _, kind)| matches!(kind, EventKind::Ready { .. }));
    let ready = world.ledger.waiter.ready.contains(run);
    ensure!(!told || ready, "{run} is told to be ready, and has not shown the sign");
    Ok(())
}

/// When the main process is gone, what it leaves behind has got the stop signal.
pub fn what_is_left_gets_the_signal(world: &World, _: &Step<'_>) -> Holds {
    for process in world.brain.processes() {
        let State::Stopping { run, pid: None, .. } = process.state else { continue };
        if process.started.is_some() && !process.killed {
            let asked = world.ledger.waiter.asked_by_signal.contains(&run);
            ensure!(asked, "the rest of {run} of {} was never asked to end", process.id);
        }
    }
    Ok(())
}

/// Among what a daemon finds: who was ready is online.
pub fn who_was_ready_is_online(brain: &Supervisor, living: &[Living]) -> Holds {
    for life in living.iter().filter(|life| life.ready.is_some() && life.ended.is_none()) {
        let runs = |id: ProcessId| brain.process(id).map(|process| process.state.clone());
        if let Some(state @ State::Running { run, .. }) = runs(life.process)
            && run == life.run
        {
            let online = state.status() == crate::model::Status::Online;
            ensure!(online, "who_was_ready_is_online: {run} is {state:?}");
        }
    }
    Ok(())
}
