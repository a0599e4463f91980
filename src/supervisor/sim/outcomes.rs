//! What must hold at certain moments: when a daemon has taken over, when all is calm, when all was
//! shut down.

use std::collections::BTreeSet;

use super::super::{Effect, Living, Remembered, Supervisor};
use super::depends::{is_needed_to_end_later, may_start};
use super::invariants::{Holds, ensure};
use super::ledger::Ledger;
use super::schedule::is_job;
use super::world::World;
use crate::model::{Goal, Reason, Rest, RunId, State, Status};

/// At the start of a daemon: what the last one had begun to end, or had on trial, is asked to end or
/// drains, and is not killed.
pub fn who_leaves_goes_on_leaving(brain: &Supervisor, rows: &[Remembered], living: &[Living]) -> Holds {
    let left = |life: &&Living| !(life.tree_empty && life.ended.is_some());
    for life in living.iter().filter(left).filter(|life| brain.process(life.process).is_some()) {
        let apart = rows.iter().any(|row| row.apart.contains_key(&life.run));
        let leaves = brain.leavers.contains_key(&life.run);
        ensure!(apart == leaves, "{} was apart: {apart}, and leaves: {leaves}", life.run);
    }
    Ok(())
}

/// At the start of a daemon: goals, ids and counts are as they were, what was given up stays so.
pub fn restored_as_remembered(brain: &Supervisor, rows: &[Remembered], living: &[Living]) -> Holds {
    for row in rows.iter().filter(|row| brain.app(row.app).is_some()) {
        let proven = |life: &&Living| life.process == row.id && !row.apart.contains_key(&life.run);
        let life = living.iter().filter(proven).max_by_key(|life| life.run);
        let id = row.id;
        let Some(process) = brain.process(id) else {
            ensure!(row.goal == Goal::Gone, "wanted_is_never_lost: {id} is not there");
            continue;
        };
        ensure!(process.goal == row.goal, "facts_never_change_goals: {id} {:?}", process.goal);
        // A life from before the count was set to zero has an older one.
        let told = life.filter(|life| row.reset_at < Some(life.run)).map_or(0, |life| life.restarts);
        let known = row.restarts.max(told);
        let counted = (known..=known + 1).contains(&process.restarts);
        ensure!(counted, "restart_count_survives: {id} had {known}, has {}", process.restarts);
        let lives = life.is_some_and(|life| life.ended.is_none());
        if lives {
            let adopted = process.state.run() == life.map(|life| life.run);
            ensure!(adopted, "what_lives_is_adopted: {id} is {:?}", process.state);
            let (counts, row) = ((process.unstable, process.waits), (row.unstable, row.waits));
            ensure!(counts == row, "unstable_runs_survive: {id} has {counts:?}, had {row:?}");
        } else if row.goal == Goal::Up && life.is_none() {
            let right = match row.rest {
                Rest::Stopped
                    if is_job(brain, process)
                        && row.waits_until.is_none()
                        && !row.queued
                        && !row.asked.is_some_and(|asked| asked.restart) =>
                {
                    process.state == State::Idle(Rest::Stopped)
                }
                Rest::Stopped if row.waits_until.is_some() => matches!(process.state, State::Backoff { .. }),
                Rest::Stopped => matches!(
                    process.state,
                    // That it waits for good reason is an invariant.
                    State::Starting { .. }
                        | State::Waiting { .. }
                        | State::Idle(Rest::Errored(Reason::NoPort(_)))
                ),
                Rest::Errored(_) | Rest::Finished(_) => process.state == State::Idle(row.rest.clone()),
            };
            ensure!(right, "what_was_given_up_stays_so: {id} was {:?}, is {:?}", row.rest, process.state);
        }
    }
    Ok(())
}

/// At the start of a daemon: what has no life yet is not launched before what it depends on.
pub fn launched_in_order(brain: &Supervisor, living: &[Living], effects: &[Effect]) -> Holds {
    for effect in effects {
        let Effect::Launch { process: id, .. } = effect else { continue };
        let first = !living.iter().any(|life| life.process == *id);
        ensure!(!first || may_start(brain, *id), "never_launched_before_its_dependencies: {id} at restore");
    }
    Ok(())
}

/// At the start of a daemon: the end that somebody asked for is asked for again, as long as it did
/// not come.
pub fn what_was_asked_goes_on(brain: &Supervisor, ledger: &Ledger, living: &[Living]) -> Holds {
    for process in brain.processes() {
        // What was on trial, or replaced, is ended in another way.
        let present = |run: &RunId| !brain.strays.contains(run) && !brain.leavers.contains_key(run);
        let its = |life: &&Living| life.process == process.id && present(&life.run);
        let life = living.iter().filter(its).max_by_key(|life| life.run);
        let Some(life) = life.filter(|life| life.ended.is_none()) else { continue };
        if ledger.asked.contains(&life.run) {
            let ends =
                matches!(process.state, State::Stopping { .. }) || is_needed_to_end_later(brain, process);
            ensure!(ends, "what_was_asked_goes_on: {} is {:?}", process.id, process.state);
        }
    }
    Ok(())
}

/// In calm, what is wanted has become so, and nothing else is left.
pub fn wanted_becomes_actual_in_calm(world: &World) -> Holds {
    let mut lives: BTreeSet<RunId> = world.lives.keys().copied().collect();
    for process in world.brain.processes() {
        let right = match (process.goal, &process.state) {
            (Goal::Up, State::Running { run, .. }) => {
                let online = process.state.status() == Status::Online;
                online && lives.remove(run) && world.lives.get(run).is_some_and(|life| life.ended.is_none())
            }
            (Goal::Up, State::Idle(Rest::Errored(_) | Rest::Finished(_))) => true,
            (Goal::Up, State::Idle(Rest::Stopped)) => is_job(&world.brain, process),
            (Goal::Up, State::Waiting { .. }) => !may_start(&world.brain, process.id),
            (Goal::Down, State::Idle(Rest::Stopped)) => true,
            _ => false,
        };
        ensure!(right, "wanted_becomes_actual_in_calm: {process:?}");
    }
    ensure!(lives.is_empty(), "wanted_becomes_actual_in_calm: {lives:?} are left");
    Ok(())
}

/// After a shutdown nothing lives, and nothing that was wanted is forgotten.
pub fn shutdown_leaves_nothing_alive(world: &World) -> Holds {
    ensure!(world.lives.is_empty(), "shutdown_leaves_nothing_alive: {:?}", world.lives);
    ensure!(world.brain.all_idle(), "shutdown_leaves_nothing_alive: not all idle");
    Ok(())
}
