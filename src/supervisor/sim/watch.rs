//! What a change of files does, stated as an invariant.

use super::super::{Input, Process};
use super::invariants::{Holds, ensure, events};
use super::world::{Given, Step, World};
use crate::model::{EventKind, Fact, Goal, State};

/// It starts anew at once, or as soon as it is over.
pub fn a_changed_file_restarts_what_is_wanted_up_and_nothing_else(world: &World, step: &Step<'_>) -> Holds {
    let Given::Input(Input::Fact(Fact::FilesChanged { app, .. })) = step.given else { return Ok(()) };
    for (id, before) in step.before {
        let told =
            events(step).any(|(of, _, kind)| of == *id && matches!(kind, EventKind::FilesChanged { .. }));
        let concerned = before.app == *app && before.goal == Goal::Up && !step.was_shutting_down;
        ensure!(concerned || !told, "{id} is restarted: {before:?}");
        let Some(after) = world.brain.process(*id) else { continue };
        if concerned && !matches!(before.state, State::Waiting { .. }) {
            // Only its port can be in the way, of which another may have taken hold.
            let by_plan = world.brain.app(*app).is_some_and(|spec| spec.port.is_some());
            let has_port = by_plan || after.ports.plan.is_some();
            ensure!(has_port || starts_anew(before, after), "{id} goes on: {after:?}");
        }
    }
    Ok(())
}

fn starts_anew(before: &Process, after: &Process) -> bool {
    match &after.state {
        State::Starting { run, .. } | State::Running { run, .. } if Some(*run) == before.state.run() => {
            after.end_asked
        }
        State::Starting { .. } | State::Running { .. } | State::Waiting { .. } => true,
        State::Stopping { .. } => after.restart_asked || after.over_memory.is_some(),
        State::Idle(_) | State::Backoff { .. } => false,
    }
}
