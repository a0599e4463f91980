//! What must hold of the verbs that are about several processes, or that leave goals alone.

use std::collections::BTreeSet;

use super::super::{Accepted, Command, Count, Effect, Input, Process, Scope, Then};
use super::invariants::{Holds, ensure, events};
use super::trials::promoted;
use super::world::{Given, Step, World};
use crate::model::{AppId, Cause, EventKind, Goal, ProcessId, State};

/// The command of that step, if it was carried out.
fn done<'a>(step: &Step<'a>) -> Option<&'a Command> {
    match (step.given, step.answer) {
        (Given::Input(Input::Command(command)), Ok(Accepted::Done)) => Some(command),
        _ => None,
    }
}

/// Whenever a process has its turn, the one before it is up by the life that the reload gave it,
/// and has been for long enough. Nothing else ends a life in the name of a reload.
pub fn reload_touches_one_instance_at_a_time(world: &World, step: &Step<'_>) -> Holds {
    let mut apps = BTreeSet::new();
    for (id, _, kind) in events(step) {
        let EventKind::Reloading { turn, of, .. } = kind else { continue };
        let Some(process) = world.brain.process(id) else { return Err(format!("{id} is gone")) };
        ensure!(apps.insert(process.app), "two processes of {:?} have their turn at once", process.app);
        ensure!(turn <= of, "turn {turn} of {of}");
        let previous = world.ledger.turns.get(&process.app);
        let Some((previous, old)) = previous.filter(|_| *turn > 1) else { continue };
        // As it is after the step: a new run may have replaced the old one in it.
        let Some(row) = world.brain.process(*previous) else { return Err(format!("{previous} is gone")) };
        let policy = world.brain.app(process.app).map(|spec| spec.restart.min_uptime).unwrap_or_default();
        let stable = policy.min(std::time::Duration::from_secs(1));
        match row.state {
            State::Running { run, since, .. } => {
                let online = row.state.status() == crate::model::Status::Online;
                ensure!(online, "{id} has its turn, and {previous} is not ready");
                ensure!(Some(run) > *old, "{id} has its turn, and {previous} has its old life");
                ensure!(
                    since + stable <= step.now,
                    "{id} has its turn, and {previous} is up since {since:?}"
                );
                let first = row.latest_run;
                ensure!(first == Some(run), "{previous} lives in {run}, knows {first:?}");
            }
            _ => return Err(format!("{id} has its turn, and {previous} is {:?}", row.state)),
        }
        // It has not died and come back on its own meanwhile.
        let lives = world.ledger.launched_since_turn.get(previous).copied().unwrap_or(0);
        ensure!(lives == 1, "{id} has its turn, and {previous} was launched {lives} times since its own");
    }
    for (id, run, kind) in events(step) {
        if matches!(kind, EventKind::StopAsked { cause: Cause::Reload }) {
            let has_turn = events(step).any(|(other, _, kind)| other == id && is_turn(kind));
            let rows = step.before.get(&id).zip(world.brain.process(id));
            let replaced = rows.is_some_and(|(before, after)| promoted(before, after).is_some());
            ensure!(has_turn || replaced, "{run:?} of {id} ends for a reload, and it is not its turn");
        }
    }
    Ok(())
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

fn is_turn(kind: &EventKind) -> bool {
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
