//! What must hold after every step, each under its name.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Accepted, Command, Effect, Input, Living, Process, Remembered, Supervisor};
use super::ledger::Expected;
use super::world::{Given, Step, World};
use crate::model::{EventKind, Fact, Goal, Moment, ProcessId, Reason, Rest, RunId, State};

type Holds = Result<(), String>;

macro_rules! invariants {
    ($($name:ident),* $(,)?) => {
        /// Looks at everything. The first invariant that does not hold is named.
        pub fn check(world: &mut World, step: &Step<'_>) -> Holds {
            touched_is_what_changed(world, step).map_err(|why| format!("touched_is_what_changed: {why}"))?;
            $($name(world, step).map_err(|why| format!(concat!(stringify!($name), ": {}"), why))?;)*
            Ok(())
        }
    };
}

invariants! {
    at_most_one_live_run,
    run_id_never_reused,
    no_signal_before_spawn_or_after_exit,
    nobody_is_killed_before_the_timeout,
    nothing_launched_that_is_not_wanted_up,
    nothing_launched_in_a_shutdown,
    old_news_changes_nothing,
    asked_exit_is_not_a_crash,
    gone_is_final,
    facts_never_change_goals,
    every_end_is_followed_by_the_rule,
    backoff_within_cap,
    gives_up_exactly_at_the_limit,
    restart_count_counts_relaunches,
    every_run_forgotten_once,
    what_changed_is_recorded,
    what_is_recorded_comes_before_what_relies_on_it,
    no_deadline_is_missed,
    the_newest_ends_first,
    denied_changes_nothing,
}

macro_rules! ensure {
    ($holds:expr, $($why:tt)*) => {
        if !$holds {
            return Err(format!($($why)*));
        }
    };
}

fn at_most_one_live_run(world: &World, _: &Step<'_>) -> Holds {
    let mut owners = BTreeSet::new();
    for (run, life) in world.lives.iter().filter(|(_, life)| !life.is_over()) {
        ensure!(owners.insert(life.process), "process {} has another life beside {run}", life.process);
    }
    Ok(())
}

fn run_id_never_reused(world: &World, step: &Step<'_>) -> Holds {
    let mut before: BTreeSet<RunId> = world.lives.keys().copied().collect();
    before.extend(&world.ledger.forgotten);
    before.extend(&world.ledger.gone);
    let newest_before = step.before.values().filter_map(|process| process.latest_run).max();
    let mut last = newest_before;
    for run in launches(step) {
        ensure!(last < Some(run), "{run} is not newer than {last:?}");
        last = Some(run);
    }
    let next = world.brain.next_run();
    ensure!(world.ledger.newest < Some(next), "{next} is to be the next, but was given out");
    Ok(())
}

fn no_signal_before_spawn_or_after_exit(world: &World, step: &Step<'_>) -> Holds {
    let ledger = &world.ledger;
    for run in orders(step) {
        let known = ledger.spawned.contains_key(&run)
            || ledger.seen.contains(&run)
            || ledger.exits.contains_key(&run);
        ensure!(known, "{run} is not known to be executed");
        ensure!(!ledger.gone.contains(&run), "{run} is gone");
        ensure!(!ledger.forgotten.contains(&run), "{run} is forgotten");
    }
    Ok(())
}

fn nobody_is_killed_before_the_timeout(world: &World, step: &Step<'_>) -> Holds {
    for effect in step.effects {
        let Effect::KillTree { run } = effect else { continue };
        let Some(process) = world.brain.processes().find(|process| process.state.run() == Some(*run)) else {
            continue;
        };
        let timeout = world.brain.app(process.app).map(|spec| spec.stop.timeout).unwrap_or_default();
        let asked = world.ledger.signalled.get(run);
        ensure!(
            asked.is_some_and(|asked| *asked + timeout <= step.now),
            "{run} is killed, asked at {asked:?}, timeout {timeout:?}"
        );
    }
    Ok(())
}

fn nothing_launched_that_is_not_wanted_up(world: &World, step: &Step<'_>) -> Holds {
    for effect in step.effects {
        let Effect::Launch { run, process, .. } = effect else { continue };
        let row = world.brain.process(*process);
        ensure!(row.is_some_and(|row| row.goal == Goal::Up), "{process} is launched, but {row:?}");
        ensure!(row.is_some_and(|row| row.latest_run == Some(*run)), "{process} does not know {run}");
    }
    Ok(())
}

fn nothing_launched_in_a_shutdown(_: &World, step: &Step<'_>) -> Holds {
    ensure!(!step.was_shutting_down || launches(step).next().is_none(), "launched");
    Ok(())
}

fn old_news_changes_nothing(world: &World, step: &Step<'_>) -> Holds {
    let (fact, repeated) = match step.given {
        Given::Input(Input::Fact(fact)) => (fact, false),
        Given::Repeated(fact) => (fact, true),
        Given::Input(Input::Command(_) | Input::Tick) | Given::Restored => return Ok(()),
    };
    let run = match fact {
        Fact::Spawned { run, .. } | Fact::SpawnFailed { run, .. } => *run,
        Fact::Exited { run, .. } | Fact::TreeGone { run } => *run,
        Fact::HandsRenewed { .. } => return Ok(()),
    };
    let present = step.before.values().any(|process| process.state.run() == Some(run));
    let stray = step.effects.iter().any(|effect| match effect {
        Effect::Forget { run: other } | Effect::KillTree { run: other } => *other == run,
        _ => false,
    });
    if (present && !repeated) || (!present && stray) {
        return Ok(());
    }
    ensure!(step.effects.is_empty(), "{fact:?} leads to effects");
    ensure!(*step.before == world.brain.processes, "{fact:?} changes a row");
    Ok(())
}

fn asked_exit_is_not_a_crash(world: &World, step: &Step<'_>) -> Holds {
    for (id, run, kind) in events(step) {
        match kind {
            EventKind::Exited { end, asked, uptime } => {
                let run = run.unwrap_or(RunId(0));
                if !matches!(step.given, Given::Restored) {
                    let was_asked = world.ledger.asked.contains(&run);
                    ensure!(*asked == was_asked, "the end of {run}: asked {asked}, in truth {was_asked}");
                }
                let truth = world.ledger.exits.get(&run);
                ensure!(
                    truth == Some(&(*end, *uptime)),
                    "{run} ended with {end} after {uptime:?}, in truth {truth:?}"
                );
            }
            EventKind::BackingOff { .. } | EventKind::Errored { .. } => {
                let asked = run.is_some_and(|run| world.ledger.asked.contains(&run));
                ensure!(!asked, "the end of {run:?} of {id} was asked for, and has {kind:?}");
            }
            _ => {}
        }
    }
    Ok(())
}

fn gone_is_final(world: &World, step: &Step<'_>) -> Holds {
    for id in &world.ledger.dead {
        ensure!(world.brain.process(*id).is_none(), "{id} is back");
    }
    for (id, before) in step.before.iter().filter(|(_, before)| before.goal == Goal::Gone) {
        let goal = world.brain.process(*id).map(|process| process.goal);
        ensure!(goal.is_none_or(|goal| goal == Goal::Gone), "{id} was to go and is wanted {goal:?}");
        ensure!(before.state.run().is_some(), "{id} is to go and has no life to wait for");
    }
    Ok(())
}

fn facts_never_change_goals(world: &World, step: &Step<'_>) -> Holds {
    match step.given {
        Given::Input(Input::Command(_)) | Given::Restored => return Ok(()),
        Given::Input(Input::Fact(_) | Input::Tick) | Given::Repeated(_) => {}
    }
    for (id, before) in step.before {
        let goal = world.brain.process(*id).map_or(Goal::Gone, |process| process.goal);
        ensure!(goal == before.goal, "{id} was wanted {:?} and is wanted {goal:?}", before.goal);
    }
    ensure!(world.brain.processes.len() <= step.before.len(), "a process appears");
    Ok(())
}

fn every_end_is_followed_by_the_rule(world: &World, step: &Step<'_>) -> Holds {
    for (id, run, expected) in &world.ledger.ends {
        let state = world.brain.process(*id).map(|process| &process.state);
        let launched = || launches_of(step, *id).count() == 1;
        let right = match (expected, state) {
            (Expected::Launch, Some(State::Starting { .. })) => launched(),
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

fn backoff_within_cap(world: &World, step: &Step<'_>) -> Holds {
    for (id, _, expected) in &world.ledger.ends {
        let Expected::Wait(least, most) = expected else { continue };
        let Some(State::Backoff { until }) = world.brain.process(*id).map(|process| &process.state) else {
            continue;
        };
        let wait = until.since(step.now);
        ensure!((*least..=*most).contains(&wait), "{id} waits {wait:?}, not {least:?} to {most:?}");
    }
    Ok(())
}

fn gives_up_exactly_at_the_limit(world: &World, _: &Step<'_>) -> Holds {
    for process in world.brain.processes() {
        let limit = world.brain.app(process.app).map_or(0, |spec| spec.restart.max_unstable.max(1));
        let given_up = match &process.state {
            State::Idle(Rest::Errored(Reason::UnstableRuns { count, .. })) => Some(*count),
            _ => None,
        };
        let id = process.id;
        ensure!(
            given_up.is_none_or(|count| count == limit),
            "{id} is given up after {given_up:?} of {limit}"
        );
        let alive = process.state.run().is_some() || matches!(process.state, State::Backoff { .. });
        ensure!(!alive || process.unstable < limit, "{id} goes on after {} of {limit}", process.unstable);
        let counted = world.ledger.counts.get(&id).map_or(0, |counts| counts.unstable);
        ensure!(process.unstable == counted, "{id} has {} unstable runs, not {counted}", process.unstable);
    }
    Ok(())
}

fn restart_count_counts_relaunches(world: &World, step: &Step<'_>) -> Holds {
    for process in world.brain.processes() {
        let counted = world.ledger.counts.get(&process.id).map_or(0, |counts| counts.restarts);
        let id = process.id;
        ensure!(process.restarts == counted, "{id} counts {} restarts, not {counted}", process.restarts);
    }
    for effect in step.effects {
        let Effect::Launch { process, restarts, .. } = effect else { continue };
        let row = world.brain.process(*process).map(|row| row.restarts);
        ensure!(row == Some(*restarts), "the launch of {process} says {restarts}, the row {row:?}");
    }
    Ok(())
}

fn every_run_forgotten_once(world: &World, step: &Step<'_>) -> Holds {
    let mut forgotten = BTreeSet::new();
    for effect in step.effects {
        let Effect::Forget { run } = effect else { continue };
        ensure!(forgotten.insert(*run), "{run} is forgotten twice");
        ensure!(!world.ledger.forgotten_before.contains(run), "{run} was forgotten before");
        let gone = world.ledger.gone.contains(run)
            || matches!(step.given, Given::Input(Input::Fact(Fact::HandsRenewed { .. })));
        ensure!(gone, "{run} is forgotten and not gone");
    }
    for run in world.lives.keys() {
        ensure!(!world.ledger.gone.contains(run), "{run} is gone and the keeper has it still");
    }
    Ok(())
}

fn what_changed_is_recorded(world: &World, _: &Step<'_>) -> Holds {
    let rows: BTreeMap<ProcessId, Remembered> =
        world.brain.processes().map(|process| (process.id, process.to_remember())).collect();
    ensure!(rows == world.store.rows, "rows {rows:?}, stored {:?}", world.store.rows);
    ensure!(world.brain.apps.keys().eq(world.store.apps.keys()), "apps differ");
    for app in world.brain.apps.keys() {
        ensure!(rows.values().any(|row| row.app == *app), "{app:?} has no process");
    }
    Ok(())
}

fn what_is_recorded_comes_before_what_relies_on_it(_: &World, step: &Step<'_>) -> Holds {
    for (index, effect) in step.effects.iter().enumerate() {
        let id = match effect {
            Effect::Launch { process, .. } => process,
            _ => continue,
        };
        let later = step.effects[index..].iter().any(
            |later| matches!(later, Effect::Record(super::super::Record::Process(other)) if other == id),
        );
        ensure!(!later, "the row of {id} is recorded after its launch");
    }
    Ok(())
}

fn no_deadline_is_missed(world: &World, step: &Step<'_>) -> Holds {
    let first = world.brain.processes().filter_map(Process::deadline).min();
    ensure!(world.brain.next_deadline() == first, "{:?}, not {first:?}", world.brain.next_deadline());
    if matches!(step.given, Given::Input(Input::Tick)) {
        ensure!(first.is_none_or(|at| at > step.now), "a deadline at {first:?} was passed over");
    }
    for process in world.brain.processes() {
        let waits: Option<Moment> = match process.state {
            State::Backoff { until } => Some(until),
            _ => None,
        };
        ensure!(waits.is_none_or(|until| first <= Some(until)), "{} is never woken", process.id);
    }
    Ok(())
}

fn touched_is_what_changed(world: &mut World, step: &Step<'_>) -> Holds {
    let touched = world.brain.take_touched();
    let after = &world.brain.processes;
    let ids: BTreeSet<ProcessId> = step.before.keys().chain(after.keys()).copied().collect();
    for id in ids.into_iter().filter(|id| step.before.get(id) != after.get(id)) {
        ensure!(touched.contains(&id), "{id} changed and was not touched");
    }
    Ok(())
}

fn the_newest_ends_first(_: &World, step: &Step<'_>) -> Holds {
    if matches!(step.given, Given::Input(Input::Command(Command::Shutdown))) {
        let order: Vec<RunId> = orders(step).collect();
        ensure!(order.is_sorted_by(|earlier, later| earlier > later), "{order:?}");
    }
    Ok(())
}

fn denied_changes_nothing(world: &World, step: &Step<'_>) -> Holds {
    if matches!(step.answer, Err(_) | Ok(Accepted::AlreadySo)) {
        ensure!(step.effects.is_empty(), "effects in spite of {:?}", step.answer);
        ensure!(*step.before == world.brain.processes, "a change in spite of {:?}", step.answer);
    }
    Ok(())
}

/// At the start of a daemon: goals, ids and counts are as they were, what was given up stays so.
pub fn restored_as_remembered(brain: &Supervisor, rows: &[Remembered], living: &[Living]) -> Holds {
    for row in rows.iter().filter(|row| brain.app(row.app).is_some()) {
        let life = living.iter().filter(|life| life.process == row.id).max_by_key(|life| life.run);
        let id = row.id;
        let Some(process) = brain.process(id) else {
            ensure!(row.goal == Goal::Gone, "wanted_is_never_lost: {id} is not there");
            continue;
        };
        ensure!(process.goal == row.goal, "facts_never_change_goals: {id} {:?}", process.goal);
        let known = row.restarts.max(life.map_or(0, |life| life.restarts));
        let counted = (known..=known + 1).contains(&process.restarts);
        ensure!(counted, "restart_count_survives: {id} had {known}, has {}", process.restarts);
        let lives = life.is_some_and(|life| life.ended.is_none());
        if lives {
            let adopted = process.state.run() == life.map(|life| life.run);
            ensure!(adopted, "what_lives_is_adopted: {id} is {:?}", process.state);
        } else if row.goal == Goal::Up && life.is_none() {
            let right = match row.rest {
                Rest::Stopped => matches!(process.state, State::Starting { .. }),
                Rest::Errored(_) | Rest::Finished(_) => process.state == State::Idle(row.rest.clone()),
            };
            ensure!(right, "what_was_given_up_stays_so: {id} was {:?}, is {:?}", row.rest, process.state);
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
                lives.remove(run) && world.lives.get(run).is_some_and(|life| life.ended.is_none())
            }
            (Goal::Up, State::Idle(Rest::Errored(_) | Rest::Finished(_))) => true,
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

fn launches(step: &Step<'_>) -> impl Iterator<Item = RunId> {
    step.effects.iter().filter_map(|effect| match effect {
        Effect::Launch { run, .. } => Some(*run),
        _ => None,
    })
}

fn launches_of(step: &Step<'_>, id: ProcessId) -> impl Iterator<Item = RunId> {
    step.effects.iter().filter_map(move |effect| match effect {
        Effect::Launch { run, process, .. } if *process == id => Some(*run),
        _ => None,
    })
}

/// The lives that are signalled or killed.
fn orders(step: &Step<'_>) -> impl Iterator<Item = RunId> {
    step.effects.iter().filter_map(|effect| match effect {
        Effect::Signal { run, .. } | Effect::KillTree { run } => Some(*run),
        _ => None,
    })
}

fn events<'a>(step: &Step<'a>) -> impl Iterator<Item = (ProcessId, Option<RunId>, &'a EventKind)> {
    step.effects.iter().filter_map(|effect| match effect {
        Effect::Publish(event) => Some((event.process, event.run, &event.kind)),
        _ => None,
    })
}
