//! What must hold of the verbs that are about several processes, or that leave goals alone.

use std::collections::BTreeSet;

use super::super::{Accepted, Command, Count, Effect, Input, Process, Scope, Then};
use super::invariants::{Holds, ensure, events};
use super::world::{Given, Step, World};
use crate::model::{AppId, EventKind, Goal, ProcessId, State};

/// The command of that step, if it was carried out.
fn done<'a>(step: &Step<'a>) -> Option<&'a Command> {
    match (step.given, step.answer) {
        (Given::Input(Input::Command(command)), Ok(Accepted::Done)) => Some(command),
        _ => None,
    }
}

/// A reload that is broken off is over at once, nobody has a turn any more, and no other reload is
/// over because of it.
pub fn a_reload_ends_when_it_is_broken_off(world: &World, step: &Step<'_>) -> Holds {
    let Given::Input(Input::Command(Command::BreakOff { app, number })) = step.given else { return Ok(()) };
    let reload = world.brain.reloads().get(app);
    match step.answer {
        Ok(Accepted::Done) => {
            let is_it = reload.is_some_and(|reload| reload.number == *number);
            ensure!(is_it, "another reload of {app:?} than {number} was broken off: {reload:?}");
            ensure!(reload.is_some_and(|reload| reload.is_over()), "{app:?} is reloaded on: {reload:?}");
            let turn = events(step).any(|(_, _, kind)| is_turn(kind));
            ensure!(!turn, "somebody of {app:?} has a turn of a reload that is broken off");
        }
        _ => {
            let goes_on = reload.is_some_and(|reload| reload.number == *number && !reload.is_over());
            ensure!(!goes_on, "{app:?} is reloaded on, and nobody was told: {reload:?}");
        }
    }
    Ok(())
}

pub(super) fn is_turn(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Reloading { .. })
}

/// After a change of their number there are as many as were asked for, the lowest ones stayed, and
/// no two have the same number.
pub fn scale_leaves_the_lowest_numbers(world: &World, step: &Step<'_>) -> Holds {
    for app in world.brain.apps.keys() {
        let mut numbers = BTreeSet::new();
        for process in world.brain.processes().filter(|process| process.app == *app) {
            ensure!(numbers.insert(process.instance), "{app:?} has two of number {}", process.instance);
        }
    }
    let (app, wanted) = match done(step) {
        Some(Command::Scale { app, count: Count::Exactly(wanted) }) => (app, *wanted),
        Some(Command::Scale { app, count: Count::Change(delta) }) => {
            (app, numbers_before(step, *app).len() as i64 + delta)
        }
        Some(Command::Update { app, spec, .. }) if !step.was_shutting_down => {
            (app, i64::from(spec.instances))
        }
        _ => return Ok(()),
    };
    let before = numbers_before(step, *app);
    let after: BTreeSet<u32> = world
        .brain
        .processes()
        .filter(|process| process.app == *app && process.goal != Goal::Gone)
        .map(|process| process.instance)
        .collect();
    ensure!(after.len() as i64 == wanted, "{app:?} has {after:?}, wanted {wanted}");
    let right = match after.len() < before.len() {
        true => before.iter().take(after.len()).eq(after.iter()),
        false => before.is_subset(&after),
    };
    ensure!(right, "{app:?} had {before:?}, has {after:?}");
    let highest = after.iter().max().copied().unwrap_or(0);
    let used = |number| world.brain.processes().any(|p| p.app == *app && p.instance == number);
    let grown = after.len() > before.len() && before.iter().max().is_none_or(|old| highest > *old);
    ensure!(!grown || (0..highest).all(used), "{app:?} has {after:?} and lower numbers are free");
    Ok(())
}

fn numbers_before(step: &Step<'_>, app: AppId) -> BTreeSet<u32> {
    let members = step.before.values().filter(|process| process.app == app && process.goal != Goal::Gone);
    members.map(|process| process.instance).collect()
}

/// Only what is wholly down is changed and started in one go.
pub fn an_update_starts_nothing_beside_what_is_up(_: &World, step: &Step<'_>) -> Holds {
    if let Some(Command::Update { app, then: Then::Start, .. }) = done(step) {
        let members: Vec<&ProcessId> = step
            .before
            .iter()
            .filter(|(_, row)| row.app == *app && row.goal != Goal::Gone)
            .map(|(id, _)| id)
            .collect();
        for id in members {
            let state = &step.before[id].state;
            ensure!(matches!(state, State::Idle(_)), "{id} of {app:?} was {state:?}");
        }
    }
    Ok(())
}

/// What a restore point says is there afterwards, and what was there before still is, as it was.
pub fn a_completed_app_has_what_was_wanted_and_loses_nothing(world: &World, step: &Step<'_>) -> Holds {
    let Some(Command::Complete { spec, wanted }) = done(step) else { return Ok(()) };
    let of_app = |row: &&Process| world.brain.app(row.app).is_some_and(|known| known.name == spec.name);
    let now: Vec<&Process> = world.brain.processes().filter(of_app).collect();
    for (number, runs) in wanted {
        let there: Vec<&&Process> = now.iter().filter(|row| row.instance == *number).collect();
        ensure!(there.len() == 1, "number {number} of {} is there {} times", spec.name, there.len());
        let up = there[0].goal == Goal::Up;
        ensure!(up || !*runs, "number {number} of {} is to run, and is {:?}", spec.name, there[0].goal);
    }
    for before in step.before.values().filter(of_app) {
        let Some(row) = now.iter().find(|row| row.id == before.id) else {
            return Err(format!("{} is gone", before.id));
        };
        let started = before.goal == Goal::Down && row.goal == Goal::Up;
        ensure!(row.goal == before.goal || started, "{} was {:?}, is {:?}", row.id, before.goal, row.goal);
    }
    Ok(())
}

/// A signal of a user goes to a main process that runs, and to nothing else.
pub fn signals_reach_only_what_runs(_: &World, step: &Step<'_>) -> Holds {
    for effect in step.effects {
        let Effect::Signal { run, scope: Scope::Main, .. } = effect else { continue };
        let runs = step
            .before
            .values()
            .any(|row| matches!(row.state, State::Running { run: other, .. } if other == *run));
        ensure!(runs, "{run} gets a signal and does not run");
    }
    Ok(())
}
