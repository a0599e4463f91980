//! What must hold of lives that a reload has on trial beside the present ones.

use super::super::{Effect, Input, Process};
use super::invariants::{Holds, ensure};
use super::world::{Given, Step, World};
use crate::model::{Fact, HealthCheck, Port, RunId, State};

/// The life that was on trial for that process and is its present one since this step.
pub fn promoted(before: &Process, after: &Process) -> Option<RunId> {
    before.trial.filter(|trial| after.state.run() == Some(*trial))
}

/// What replaces another that runs has been up for long enough, and well if it is checked.
pub fn a_new_run_replaces_only_what_it_has_outlived(world: &World, step: &Step<'_>) -> Holds {
    for (id, before) in step.before {
        let Some(after) = world.brain.process(*id) else { continue };
        let Some(run) = promoted(before, after) else { continue };
        if before.state.run().is_some_and(|old| world.ledger.gone.contains(&old)) {
            continue;
        }
        let Some(spec) = world.brain.app(after.app) else { continue };
        let soak = world.ledger.turns.soak(&world.brain, after.app);
        let since = world.ledger.spawned.get(&run);
        let stayed = since.is_some_and(|since| *since + soak <= step.now);
        let awaited = world.ledger.waiter.promised.contains_key(&run);
        ensure!(!awaited, "{run} replaces another and has not shown its sign");
        ensure!(stayed, "{run} replaces another and is up since {since:?}");
        let well = spec.health.is_none() || world.ledger.nurse.well.contains(&run);
        ensure!(well, "{run} replaces another and was never well");
        ensure!(!world.ledger.nurse.fails(run), "{run} replaces another while its check fails");
        ensure!(matches!(before.state, State::Running { .. }), "{run} replaces {:?}", before.state);
    }
    Ok(())
}

/// News about a life on trial never touches the present one.
pub fn a_failed_trial_leaves_the_old_run(world: &World, step: &Step<'_>) -> Holds {
    let Given::Input(Input::Fact(fact)) = step.given else { return Ok(()) };
    // A new keeper tells of all at once: both may be gone.
    if matches!(fact, Fact::HandsRenewed { .. }) {
        return Ok(());
    }
    for (id, before) in step.before {
        let Some(after) = world.brain.process(*id) else { continue };
        let failed = before.trial.filter(|_| after.trial.is_none() && promoted(before, after).is_none());
        let Some(run) = failed.filter(|run| world.ledger.exits.contains_key(run)) else { continue };
        let State::Running { run: old, .. } = before.state else { continue };
        ensure!(after.state.run() == Some(old), "{run} failed, and {old} is {:?}", after.state);
    }
    Ok(())
}

/// What shares a socket, and is asked how it is, has been rehearsed apart from the others before; and
/// what was rehearsed has another socket and replaces nobody.
pub fn a_version_is_rehearsed_before_it_shares(world: &World, step: &Step<'_>) -> Holds {
    for effect in step.effects {
        let Effect::Launch { run, process, port: Some(Port::Shared(port)), told: None, spec, .. } = effect
        else {
            continue;
        };
        let row = world.brain.process(*process).filter(|row| row.trial == Some(*run));
        let Some(row) = row.filter(|row| row.ports.held == Some(Port::Shared(*port))) else { continue };
        let asked = spec.health.as_ref().is_some_and(|policy| match policy.check {
            HealthCheck::Http { .. } | HealthCheck::Script { .. } => true,
            HealthCheck::Tcp { .. } => false,
        });
        let rehearsed = world.ledger.turns.has_rehearsed(row.app);
        ensure!(!asked || rehearsed, "{run} is tried with the socket of others, and its version never was");
    }
    for (id, before) in step.before {
        let Some(after) = world.brain.process(*id) else { continue };
        let Some(run) = promoted(before, after) else { continue };
        ensure!(!world.ledger.turns.rehearsed.contains(&run), "{run} was rehearsed, and replaces another");
    }
    Ok(())
}
