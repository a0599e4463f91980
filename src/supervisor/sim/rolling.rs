//! What must hold of reloads: how many have their turn at a time, and that nobody pauses whom others
//! would miss.

use super::super::{Accepted, Command, Input, Process};
use super::invariants::{Holds, ensure, events};
use super::trials::promoted;
use super::verbs::is_turn;
use super::world::{Given, Step, World};
use crate::model::{AppId, Cause, End, EventKind, Goal, ProcessId, Rest, RollLimits, State, Status};

fn limits(world: &World, app: AppId) -> RollLimits {
    let members = world.brain.processes().filter(|row| row.app == app && row.goal != Goal::Gone);
    let members = members.count() as u32;
    world.brain.app(app).map(|spec| spec.roll.clone()).unwrap_or_default().limits(members)
}

/// Whenever a process has its turn, as many of those before it have proven themselves as leaves no
/// more open than the definition allows. Nothing else ends a life in the name of a reload.
pub fn a_reload_gives_no_more_turns_than_it_may(world: &World, step: &Step<'_>) -> Holds {
    for (id, _, kind) in events(step) {
        let EventKind::Reloading { turn, of, .. } = kind else { continue };
        let Some(process) = world.brain.process(id) else { return Err(format!("{id} is gone")) };
        ensure!(turn <= of, "turn {turn} of {of}");
        let RollLimits { surge, unavailable } = limits(world, process.app);
        let open: Vec<_> = world.ledger.turns.of(process.app).collect();
        let often = open.iter().find(|turn| turn.beside && turn.lives > 4);
        ensure!(often.is_none(), "a new run is tried without end: {often:?}");
        let tried = open.iter().filter(|turn| turn.beside).count() as u32;
        ensure!(tried <= surge, "{tried} are tried beside others, {surge} may be: {open:?}");
        let most = (surge + unavailable).max(1);
        ensure!(open.len() as u32 <= most, "more than {most} have their turn at a time: {open:?}");
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

/// A run that ends as planned, with exit code 0, has proven itself.
pub fn a_reload_goes_on_when_a_run_is_done(world: &World, step: &Step<'_>) -> Holds {
    for (id, run, kind) in events(step) {
        let EventKind::ReloadFailed { reason } = kind else { continue };
        let Some(row) = world.brain.process(id) else { continue };
        let done = matches!(row.state, State::Idle(Rest::Finished(End::Code(0)))) && run == row.latest_run;
        ensure!(!done, "{run:?} of {id} is done, and the reload fails for it: {reason}");
    }
    Ok(())
}

/// Who rests between slots is not among those that are reloaded.
pub fn a_reload_runs_no_job_that_rests(world: &World, step: &Step<'_>) -> Holds {
    let Given::Input(Input::Command(Command::Reload { processes, .. })) = step.given else { return Ok(()) };
    let Ok(Accepted::Reloading { number }) = step.answer else { return Ok(()) };
    for id in processes {
        let Some(before) = step.before.get(id).filter(|row| matches!(row.state, State::Idle(_))) else {
            continue;
        };
        let Some(spec) = world.brain.app(before.app).filter(|spec| spec.schedule.is_some()) else { continue };
        let reload = world.brain.reloads().get(&before.app).filter(|reload| reload.number == *number);
        let is_among = reload.is_some_and(|reload| reload.processes.contains(id));
        let is_restarted = spec.autostart && spec.restart.auto;
        ensure!(!is_among || is_restarted, "{id} rests until its next slot, and a reload runs it");
    }
    Ok(())
}

/// What runs next of an app is what went on when a reload failed.
pub fn a_failed_reload_takes_its_definition_back(world: &World, step: &Step<'_>) -> Holds {
    for (id, _, kind) in events(step) {
        let EventKind::ReloadFailed { .. } = kind else { continue };
        let Some(row) = world.brain.process(id) else { continue };
        let Some(wanted) = world.brain.reloads().get(&row.app).and_then(|reload| reload.how.back_to.get(&id))
        else {
            continue;
        };
        let is = world.brain.app(row.app).map(|spec| &spec.env);
        ensure!(is == Some(&wanted.env), "{} is defined with {is:?}, its run has {:?}", row.app, wanted.env);
    }
    Ok(())
}

/// It is in service.
fn serves(row: &Process) -> bool {
    row.state.status() == Status::Online && row.goal == Goal::Up && !row.end_asked
}

/// It is to be in service, and is not.
fn is_missed(row: &Process) -> bool {
    let rests = matches!(row.state, State::Idle(Rest::Stopped | Rest::Finished(_)) | State::Waiting { .. });
    row.goal == Goal::Up && !rests && !serves(row)
}

/// Who is in service and has no run beside it while it is replaced is missed, and so many others at
/// most are missed as the definition allows. Who can have a run beside it pauses only where that
/// allows any.
pub fn a_reload_lets_nobody_pause_whom_others_need(world: &World, step: &Step<'_>) -> Holds {
    let pauses: Vec<ProcessId> = events(step)
        .filter(|(_, _, kind)| matches!(kind, EventKind::Reloading { beside: false, .. }))
        .map(|(id, _, _)| id)
        .filter(|id| step.before.get(id).is_some_and(serves))
        .collect();
    for id in &pauses {
        let before = &step.before[id];
        let app = before.app;
        let RollLimits { unavailable, .. } = limits(world, app);
        let portless = before.ports == Default::default()
            && world.brain.app(app).is_some_and(|spec| spec.port.is_none());
        let could = portless && before.trial.is_none() && world.ledger.turns.may_be_beside(app, *id);
        ensure!(unavailable > 0 || !could, "{id} pauses, and could have had a run beside it");
        let Some(reload) = world.brain.reloads().get(&app) else { continue };
        let others = reload.processes.iter().filter(|other| *other != id);
        let missed = |other: &&ProcessId| {
            let stays = step.before.get(other).is_some_and(is_missed);
            let is = world.brain.process(**other).is_some_and(is_missed);
            (stays && is) || pauses.contains(other)
        };
        let missed: Vec<&ProcessId> = others.filter(missed).collect();
        let most = unavailable.max(1);
        ensure!((missed.len() as u32) < most, "{id} pauses while {missed:?} are missed: {most} may be");
    }
    Ok(())
}
