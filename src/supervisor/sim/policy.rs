//! The policy, stated as invariants: what follows the end of a life, how long it waits, when it is
//! given up, and what is counted. [`super::ledger`] says what is right.

use super::super::Effect;
use super::invariants::{Holds, ensure, launches_of};
use super::ledger::Expected;
use super::world::{Step, World};
use crate::model::{Goal, Reason, Rest, State};

pub fn every_end_is_followed_by_the_rule(world: &World, step: &Step<'_>) -> Holds {
    for (id, run, expected) in &world.ledger.ends {
        let state = world.brain.process(*id).map(|process| &process.state);
        let launched = || launches_of(step, *id).count() == 1;
        let tried = step.before.get(id).and_then(|before| before.trial);
        let right = match (expected, state) {
            // What is on trial takes over, if anything is to go on.
            (
                Expected::Restart | Expected::Wait(..) | Expected::GivenUp(_) | Expected::Errored,
                Some(state),
            ) if tried.is_some_and(|run| !world.ledger.gone.contains(&run)) => {
                // What was rehearsed has another socket: one more run takes over at once.
                match tried.is_some_and(|run| world.ledger.turns.rehearsed.contains(&run)) {
                    true => state.run() > tried && launched(),
                    false => state.run() == tried,
                }
            }
            // Unless there is no port, which has an invariant of its own.
            (Expected::Launch | Expected::Restart, Some(State::Idle(Rest::Errored(Reason::NoPort(_))))) => {
                true
            }
            (Expected::Launch | Expected::Restart, Some(State::Starting { .. })) => launched(),
            // Whether that is right, the budget's invariants say.
            (Expected::Restart, Some(State::Backoff { queued: true, .. })) => true,
            (Expected::Stopped, Some(State::Idle(Rest::Stopped))) | (Expected::Gone, None) => true,
            (Expected::Finished, Some(State::Idle(Rest::Finished(_)))) => true,
            (Expected::Errored, Some(State::Idle(Rest::Errored(_)))) => true,
            // These have an invariant of their own.
            (Expected::Wait(..), Some(State::Backoff { .. })) => true,
            (Expected::GivenUp(_), Some(State::Idle(Rest::Errored(_)))) => true,
            _ => false,
        };
        ensure!(right, "{run} of {id} is over; expected {expected:?}, is {state:?}");
    }
    for id in world.brain.processes.keys() {
        ensure!(launches_of(step, *id).count() <= 1, "{id} is launched twice in one step");
    }
    Ok(())
}

pub fn backoff_within_cap(world: &World, step: &Step<'_>) -> Holds {
    for (id, _, expected) in &world.ledger.ends {
        let Expected::Wait(least, most) = expected else { continue };
        let Some(State::Backoff { until, .. }) = world.brain.process(*id).map(|process| &process.state)
        else {
            continue;
        };
        let wait = until.since(step.now);
        ensure!((*least..=*most).contains(&wait), "{id} waits {wait:?}, not {least:?} to {most:?}");
    }
    Ok(())
}

pub fn gives_up_exactly_at_the_limit(world: &World, _: &Step<'_>) -> Holds {
    for (id, _, expected) in &world.ledger.ends {
        let Expected::GivenUp(limit) = expected else { continue };
        let state = world.brain.process(*id).map(|process| &process.state);
        if let Some(State::Idle(Rest::Errored(
            Reason::UnstableRuns { count, .. }
            | Reason::Unhealthy { count, .. }
            | Reason::OverMemory { count, .. },
        ))) = state
        {
            ensure!(count == limit, "{id} is given up after {count} of {limit}");
        }
    }
    for process in world.brain.processes() {
        let limit = world.brain.app(process.app).map_or(0, |spec| spec.restart.max_unstable.max(1));
        let id = process.id;
        // What is to go ends by no rule any more.
        let stays = process.goal != Goal::Gone;
        let alive =
            stays && (process.state.run().is_some() || matches!(process.state, State::Backoff { .. }));
        ensure!(!alive || process.unstable < limit, "{id} goes on after {} of {limit}", process.unstable);
        let counted = world.ledger.counts.get(&id).map_or(0, |counts| counts.unstable);
        ensure!(process.unstable == counted, "{id} has {} unstable runs, not {counted}", process.unstable);
    }
    Ok(())
}

pub fn restart_count_counts_relaunches(world: &World, step: &Step<'_>) -> Holds {
    for process in world.brain.processes() {
        let counted = world.ledger.counts.get(&process.id).map_or(0, |counts| counts.restarts);
        let id = process.id;
        ensure!(process.restarts == counted, "{id} counts {} restarts, not {counted}", process.restarts);
    }
    for effect in step.effects {
        let Effect::Launch { run, process, restarts, .. } = effect else { continue };
        // A life on trial counts when it is promoted.
        let Some(row) = world.brain.process(*process) else { continue };
        let counted = row.restarts + u32::from(row.trial == Some(*run));
        ensure!(counted == *restarts, "the launch of {process} says {restarts}, the row {row:?}");
    }
    Ok(())
}
