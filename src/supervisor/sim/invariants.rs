//! What must hold after every step, each under its name.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Accepted, Command, Effect, Input, Process, Reload, Remembered};
use super::balance::*;
use super::depends::*;
use super::health::*;
use super::limits::*;
use super::policy::*;
use super::ports::*;
use super::ready::*;
use super::rolling::*;
use super::schedule::*;
use super::spread::*;
use super::trials::*;
use super::verbs::*;
use super::watch::*;
use super::world::{Given, Step, World};
use crate::model::{AppId, EventKind, ExitCause, Fact, Goal, ProcessId, Reason, RunId, State};

pub type Holds = Result<(), String>;

macro_rules! ensure {
    ($holds:expr, $($why:tt)*) => {
        if !$holds {
            return Err(format!($($why)*));
        }
    };
}

pub(super) use ensure;

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
    host_budget_is_kept,
    the_oldest_of_the_queue_goes_first,
    nobody_queues_while_there_is_budget,
    too_much_memory_is_ended,
    denied_changes_nothing,
    watched_exactly_while_it_runs,
    online_exactly_when_it_has_been_well,
    unhealthy_exactly_at_the_limit,
    verdicts_of_the_unwatched_change_nothing,
    awaited_exactly_while_it_is_not_ready,
    a_start_fails_exactly_at_its_limit,
    who_is_ready_is_kept_so,
    other_signs_change_nothing,
    what_is_left_gets_the_signal,
    a_reload_gives_no_more_turns_than_it_may,
    a_reload_lets_nobody_pause_whom_others_need,
    a_failed_reload_takes_its_definition_back,
    a_reload_ends_when_it_is_broken_off,
    a_reload_goes_on_when_a_run_is_done,
    a_reload_runs_no_job_that_rests,
    scale_leaves_the_lowest_numbers,
    an_update_starts_nothing_beside_what_is_up,
    a_completed_app_has_what_was_wanted_and_loses_nothing,
    signals_reach_only_what_runs,
    never_launched_before_its_dependencies,
    nobody_waits_in_vain,
    dependents_stop_first,
    nobody_forgets_to_end,
    dependencies_form_no_cycle,
    every_exit_tells_its_cause,
    memory_restarts_are_rolling,
    every_port_free_or_held_once,
    what_is_launched_has_a_free_port_of_its_plan,
    a_shared_socket_is_held_while_it_is_wanted,
    what_is_given_out_was_tried,
    what_rests_has_no_port,
    nobody_is_refused_a_port_that_is_free,
    a_crash_keeps_the_port,
    an_override_lasts_until_the_next_plain_restart,
    a_new_run_replaces_only_what_it_has_outlived,
    a_failed_trial_leaves_the_old_run,
    a_version_is_rehearsed_before_it_shares,
    who_is_in_service_is_online,
    a_reload_is_never_below_the_floor,
    connections_go_to_who_is_online,
    who_leaves_has_drained,
    no_drain_is_for_ever,
    what_is_on_trial_has_a_port_of_its_own,
    slots_are_considered_once,
    every_slot_is_answered,
    a_changed_file_restarts_what_is_wanted_up_and_nothing_else,
}

fn at_most_one_live_run(world: &World, _: &Step<'_>) -> Holds {
    let mut owners = BTreeSet::new();
    // But for what a reload has beside it, and what a new daemon found there.
    let brain = &world.brain;
    let apart = |run: &RunId| brain.is_beside(*run) || brain.strays.contains(run);
    for (run, life) in world.lives.iter().filter(|(run, life)| !life.is_over() && !apart(run)) {
        ensure!(owners.insert(life.process), "process {} has another life beside {run}", life.process);
    }
    Ok(())
}

fn run_id_never_reused(world: &World, step: &Step<'_>) -> Holds {
    let mut last = step.before.values().filter_map(|process| process.latest_run).max();
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
        let leaves = world.brain.leavers.contains_key(run);
        if !leaves && !world.brain.processes().any(|process| process.state.run() == Some(*run)) {
            continue;
        }
        let patience = world.ledger.signalled.get(run);
        ensure!(
            patience.is_some_and(|until| *until <= step.now),
            "{run} is killed, which has until {patience:?}"
        );
    }
    Ok(())
}

fn nothing_launched_that_is_not_wanted_up(world: &World, step: &Step<'_>) -> Holds {
    for effect in step.effects {
        let Effect::Launch { run, process, .. } = effect else { continue };
        let row = world.brain.process(*process);
        ensure!(row.is_some_and(|row| row.goal == Goal::Up), "{process} is launched, but {row:?}");
        let known = row.is_some_and(|row| row.latest_run == Some(*run) || row.trial == Some(*run));
        ensure!(known, "{process} does not know {run}");
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
        Fact::Checked { run, .. } | Fact::Sampled { run, .. } => *run,
        Fact::Ready { run, .. } | Fact::Remarked { run, .. } | Fact::Drained { run } => *run,
        Fact::HandsRenewed { .. } | Fact::PortsSeen { .. } => return Ok(()),
        Fact::FilesChanged { .. } | Fact::ClockSet { .. } => return Ok(()),
    };
    let present = step.before.values().any(|process| process.state.run() == Some(run));
    let present = present || step.beside.contains(&run);
    let about_it = |effect: &Effect| matches!(effect, Effect::Forget { run: other } | Effect::KillTree { run: other } if *other == run);
    let stray = step.effects.iter().any(about_it);
    if (present && !repeated) || (!present && stray) {
        return Ok(());
    }
    ensure!(step.effects.is_empty(), "{fact:?} leads to effects");
    ensure!(*step.before == world.brain.processes, "{fact:?} changes a row");
    Ok(())
}

fn asked_exit_is_not_a_crash(world: &World, step: &Step<'_>) -> Holds {
    for (id, run, kind) in events(step) {
        let run = run.unwrap_or(RunId(0));
        let was_asked = world.ledger.asked.contains(&run);
        if let EventKind::Exited { end, cause, uptime } = kind {
            let asked = matches!(
                cause,
                ExitCause::Asked(_) | ExitCause::TakenBack | ExitCause::Rehearsed | ExitCause::OverMemory(_)
            );
            let same = asked == was_asked || matches!(step.given, Given::Restored);
            ensure!(same, "the end of {run}: asked {asked}, in truth {was_asked}");
            let truth = world.ledger.exits.get(&run);
            let told = Some(&(*end, *uptime));
            ensure!(truth == told, "{run} ended with {end} after {uptime:?}, in truth {truth:?}");
        }
        // A port that is gone when the asked-for restart comes says nothing about the end before.
        if let EventKind::Errored { reason: Reason::NoPort(_) } = kind {
            continue;
        }
        // Nobody asked for one that is ended for its memory.
        let was_asked = was_asked && !world.ledger.over_memory.contains_key(&run);
        if let EventKind::BackingOff { .. } | EventKind::Errored { .. } = kind {
            ensure!(!was_asked, "the end of {run} of {id} was asked for, and has {kind:?}");
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
    ensure!(world.brain.apps == world.store.apps, "apps differ");
    let slots: BTreeMap<_, _> =
        world.brain.apps.keys().filter_map(|app| Some((*app, world.brain.considered(*app)?))).collect();
    let known = |app: &AppId| world.brain.app(*app).is_some_and(|spec| spec.schedule.is_some());
    let stored: BTreeMap<_, _> =
        world.store.slots.iter().filter(|(app, _)| known(app)).map(|(app, at)| (*app, *at)).collect();
    ensure!(slots == stored, "slots {slots:?}, stored {stored:?}");
    for app in world.brain.apps.keys() {
        ensure!(rows.values().any(|row| row.app == *app), "{app:?} has no process");
    }
    Ok(())
}

fn what_is_recorded_comes_before_what_relies_on_it(_: &World, step: &Step<'_>) -> Holds {
    for (index, effect) in step.effects.iter().enumerate() {
        let Effect::Launch { process: id, .. } = effect else { continue };
        let later = step.effects[index..].iter().any(
            |later| matches!(later, Effect::Record(super::super::Record::Process(other)) if other == id),
        );
        ensure!(!later, "the row of {id} is recorded after its launch");
    }
    Ok(())
}

fn no_deadline_is_missed(world: &World, step: &Step<'_>) -> Holds {
    let reloads = world.brain.reloads().values().filter_map(Reload::deadline);
    let leavers = world.brain.leavers.values().filter_map(super::super::leaving::Leaver::deadline);
    let turn = world.brain.queue.first().and(world.brain.next_turn());
    let first = world.brain.processes().filter_map(Process::deadline).chain(turn).chain(reloads);
    let trials = world.brain.trials.values().filter_map(|trial| trial.up.as_ref()?.deadline());
    let first = first.chain(leavers).chain(trials).chain(world.brain.next_slot_at()).min();
    ensure!(world.brain.next_deadline() == first, "{:?}, not {first:?}", world.brain.next_deadline());
    if matches!(step.given, Given::Input(Input::Tick)) {
        ensure!(first.is_none_or(|at| at > step.now), "a deadline at {first:?} was passed over");
    }
    for process in world.brain.processes() {
        let State::Backoff { until, queued } = process.state else { continue };
        ensure!(first.is_some() && (queued || first <= Some(until)), "{} is never woken", process.id);
        let in_queue = world.brain.queue.contains(&(until, process.id));
        ensure!(in_queue == queued, "{} is queued: {queued}, in the queue: {in_queue}", process.id);
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

fn launches(step: &Step<'_>) -> impl Iterator<Item = RunId> {
    step.effects.iter().filter_map(|effect| {
        let Effect::Launch { run, .. } = effect else { return None };
        Some(*run)
    })
}

pub fn launches_of(step: &Step<'_>, id: ProcessId) -> impl Iterator<Item = RunId> {
    step.effects.iter().filter_map(move |effect| {
        let Effect::Launch { run, process, .. } = effect else { return None };
        (*process == id).then_some(*run)
    })
}

/// The lives that are signalled or killed.
fn orders(step: &Step<'_>) -> impl Iterator<Item = RunId> {
    step.effects.iter().filter_map(|effect| {
        let (Effect::Signal { run, .. } | Effect::KillTree { run }) = effect else { return None };
        Some(*run)
    })
}

pub fn events<'a>(step: &Step<'a>) -> impl Iterator<Item = (ProcessId, Option<RunId>, &'a EventKind)> {
    step.effects.iter().filter_map(|effect| {
        let Effect::Publish(event) = effect else { return None };
        Some((event.process, event.run, &event.kind))
    })
}
