//! Dependencies, as invariants: who waits, who does not, and who goes first. The observer judges by
//! rows and definitions alone, and knows nothing of the supervisor's indexes.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Effect, Process, Scope, Supervisor};
use super::balance::may_drain_first;
use super::invariants::{Holds, ensure, events};
use super::users::Dice;
use super::world::{Given, Step, World};
use crate::model::{
    AppId, AppSpec, Condition, Dependency, End, EventKind, ExitCause, Goal, Health, Name, ProcessId, Rest,
    RunId, State, Status,
};

/// The apps, in an order in which dependencies never form a cycle.
const ORDER: [&str; 4] = ["db", "job", "api", "web"];

/// What an app of that name is to depend on: mostly apps that are there. Names that are not, itself
/// and cycles are asked for, too.
pub fn any_dependencies(dice: &mut Dice, name: &str, there: &[Name]) -> Vec<Dependency> {
    let before = ORDER.iter().take_while(|other| **other != name);
    let fitting: Vec<&str> =
        before.copied().filter(|other| there.iter().any(|app| app.as_str() == *other)).collect();
    let mut all: Vec<Dependency> = Vec::new();
    while all.len() < 2 && dice.chance(if fitting.is_empty() { 5 } else { 70 }) {
        let fits = !fitting.is_empty() && dice.chance(90);
        let app = dice.pick(if fits { &fitting } else { ORDER.as_slice() });
        let condition = dice.pick(&[
            Condition::Started,
            Condition::Started,
            Condition::Ready,
            Condition::Ready,
            Condition::Healthy,
            Condition::Completed,
        ]);
        if all.iter().all(|other| other.app.as_str() != app) {
            let app = Name::parse(app).expect("a name");
            all.push(Dependency { namespace: Name::default_namespace(), app, condition });
        }
    }
    all
}

/// The app of that dependency.
fn named(brain: &Supervisor, dependency: &Dependency) -> Option<AppId> {
    let is_it = |spec: &AppSpec| spec.name == dependency.app && spec.namespace == dependency.namespace;
    brain.apps.iter().find(|(_, spec)| is_it(spec)).map(|(id, _)| *id)
}

/// It is as the dependency wants it.
fn is_there(brain: &Supervisor, dependency: &Dependency) -> bool {
    let app = named(brain, dependency);
    let there = brain.processes().filter(|process| Some(process.app) == app && process.goal != Goal::Gone);
    let wanted =
        there.filter(|process| dependency.condition == Condition::Completed || process.goal == Goal::Up);
    let good = |process: &Process| match dependency.condition {
        Condition::Started => {
            matches!(process.state, State::Running { .. } | State::Idle(Rest::Finished(_)))
        }
        Condition::Ready => process.state.status() == Status::Online,
        Condition::Healthy => {
            matches!(&process.state, State::Running { vitals: Some(v), .. } if v.health == Health::Healthy)
        }
        Condition::Completed => {
            let ended_well = process.last_end == Some(End::Code(0));
            process.state == State::Idle(Rest::Finished(End::Code(0)))
                || (ended_well && process.goal == Goal::Down && process.state == State::Idle(Rest::Stopped))
        }
    };
    let states: Vec<bool> = wanted.map(good).collect();
    !states.is_empty() && states.into_iter().all(|good| good)
}

/// Everything that the app of that process depends on is there.
pub fn may_start(brain: &Supervisor, id: ProcessId) -> bool {
    let spec = brain.process(id).and_then(|process| brain.app(process.app));
    spec.is_none_or(|spec| spec.depends_on.iter().all(|dependency| is_there(brain, dependency)))
}

/// The processes of apps that need that app, through others, too.
fn above(brain: &Supervisor, app: AppId) -> Vec<&Process> {
    let mut apps = BTreeSet::from([app]);
    loop {
        let needs = |spec: &AppSpec| {
            let on = spec.depends_on.iter().filter_map(|dependency| named(brain, dependency));
            on.into_iter().any(|on| apps.contains(&on))
        };
        let more = brain.apps.iter().filter(|(_, spec)| needs(spec)).map(|(id, _)| *id);
        let more: BTreeSet<AppId> = more.filter(|id| !apps.contains(id)).collect();
        if more.is_empty() {
            break;
        }
        apps.extend(more);
    }
    brain.processes().filter(|process| process.app != app && apps.contains(&process.app)).collect()
}

/// It has a life, and is to have no other.
fn is_ending(brain: &Supervisor, process: &Process) -> bool {
    process.state.run().is_some() && (process.goal != Goal::Up || brain.is_shutting_down())
}

/// Something that needs it is to end, too, and lives.
pub fn is_needed_to_end_later(brain: &Supervisor, process: &Process) -> bool {
    is_ending(brain, process) && above(brain, process.app).into_iter().any(|other| is_ending(brain, other))
}

/// What rested or waited is launched only when everything that it depends on is there. Restarts
/// after an end do not wait. Of two whose slots come at once, one may be ended after the other began.
pub fn never_launched_before_its_dependencies(world: &World, step: &Step<'_>) -> Holds {
    // At the start of a daemon the world looks. In a reload one may be ended after another began.
    let reloads = events(step).any(|(_, _, kind)| matches!(kind, EventKind::Reloading { .. }));
    if matches!(step.given, Given::Restored) || reloads {
        return Ok(());
    }
    for effect in step.effects {
        let Effect::Launch { process: id, .. } = effect else { continue };
        let first = match step.before.get(id).map(|before| &before.state) {
            None | Some(State::Idle(_) | State::Waiting { .. }) => true,
            Some(
                State::Backoff { .. }
                | State::Starting { .. }
                | State::Running { .. }
                | State::Stopping { .. },
            ) => false,
        };
        ensure!(!first || could_start(world, step, *id), "{id} is launched, and lacks something");
    }
    Ok(())
}

/// Everything that it depends on is there, or was until its own slot came in this step.
fn could_start(world: &World, step: &Step<'_>, id: ProcessId) -> bool {
    let brain = &world.brain;
    let of_process = |id: ProcessId| brain.process(id).map(|process| process.app);
    let renewed: Vec<Option<AppId>> = events(step)
        .filter(|(_, _, kind)| matches!(kind, EventKind::Scheduled { .. }))
        .map(|(process, _, _)| of_process(process))
        .collect();
    let spec = of_process(id).and_then(|app| brain.app(app));
    spec.is_none_or(|spec| {
        let was_there = |dependency: &Dependency| {
            is_there(brain, dependency) || renewed.contains(&named(brain, dependency))
        };
        spec.depends_on.iter().all(was_there)
    })
}

/// Who waits is wanted up and lacks something, and says for what.
pub fn nobody_waits_in_vain(world: &World, _: &Step<'_>) -> Holds {
    for process in world.brain.processes() {
        let State::Waiting { unmet } = &process.state else { continue };
        let id = process.id;
        ensure!(process.goal == Goal::Up, "{id} waits and is wanted {:?}", process.goal);
        ensure!(!world.brain.is_shutting_down(), "{id} waits in a shutdown");
        ensure!(!may_start(&world.brain, id), "{id} waits for {unmet:?}, and all is there");
        let spec = world.brain.app(process.app).map(|spec| spec.depends_on.as_slice()).unwrap_or_default();
        let lacking = spec.iter().filter(|dependency| !is_there(&world.brain, dependency));
        let lacking: Vec<String> = lacking.map(|dependency| dependency.app.to_string()).collect();
        let told: Vec<&str> = unmet.iter().map(|unmet| unmet.app.as_str()).collect();
        ensure!(told == lacking, "{id} waits for {lacking:?}, and says {told:?}");
    }
    Ok(())
}

/// What is to end for good gets its stop signal when nothing that needs it ends as well and lives.
pub fn dependents_stop_first(world: &World, step: &Step<'_>) -> Holds {
    for effect in step.effects {
        let Effect::Signal { run, scope: Scope::Tree, .. } = effect else { continue };
        let brain = &world.brain;
        let Some(process) = brain.processes().find(|process| process.state.run() == Some(*run)) else {
            continue;
        };
        // Its order came earlier, or what remains of it is cleared away.
        let ran = |before: &Process| matches!(before.state, State::Running { .. } | State::Starting { .. });
        let is_first = step.before.get(&process.id).is_some_and(ran);
        if (is_first || matches!(step.given, Given::Restored)) && process.state.pid().is_some() {
            let later = is_needed_to_end_later(brain, process);
            ensure!(!later, "{run} of {} is told to end before what needs it", process.id);
        }
    }
    Ok(())
}

/// One request ended all of them: what was told to end meanwhile has nothing above it that lives.
pub fn nobody_is_told_too_early(brain: &Supervisor, before: &BTreeMap<ProcessId, Process>) -> Holds {
    for process in brain.processes() {
        let ran = before.get(&process.id).is_some_and(|row| {
            matches!(row.state, State::Starting { .. } | State::Running { .. }) && row.started.is_some()
        });
        let told = matches!(process.state, State::Stopping { .. });
        let early = ran && told && is_needed_to_end_later(brain, process);
        ensure!(
            !early,
            "dependents_stop_first: {} is told to end, of all that are ended at once",
            process.id
        );
    }
    Ok(())
}

/// Whose end is wanted is told so, unless it has to wait.
pub fn nobody_forgets_to_end(world: &World, _: &Step<'_>) -> Holds {
    for process in world.brain.processes() {
        let runs = matches!(process.state, State::Running { .. } | State::Starting { .. });
        if runs && (process.end_asked || is_ending(&world.brain, process)) {
            let later = is_needed_to_end_later(&world.brain, process) || may_drain_first(world, process);
            ensure!(later, "{} is to end, {:?}, and nothing keeps it", process.id, process.state);
        }
    }
    Ok(())
}

/// No app needs itself, and what is refused for that is right.
pub fn dependencies_form_no_cycle(world: &World, _: &Step<'_>) -> Holds {
    for (app, spec) in &world.brain.apps {
        let itself = Dependency {
            namespace: spec.namespace.clone(),
            app: spec.name.clone(),
            condition: Condition::Started,
        };
        let mut open: Vec<&Dependency> = spec.depends_on.iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(dependency) = open.pop() {
            let on = (&dependency.namespace, &dependency.app);
            ensure!(on != (&itself.namespace, &itself.app), "{app:?} needs itself");
            if let Some(other) = named(&world.brain, dependency).filter(|other| seen.insert(*other)) {
                open.extend(&world.brain.apps[&other].depends_on);
            }
        }
    }
    Ok(())
}

/// What is told of an exit is why it happened.
pub fn every_exit_tells_its_cause(world: &World, step: &Step<'_>) -> Holds {
    if matches!(step.given, Given::Restored) {
        return Ok(());
    }
    for (id, run, kind) in events(step) {
        let EventKind::Exited { cause, .. } = kind else { continue };
        let run = run.unwrap_or(RunId(0));
        let over = world.ledger.over_memory.contains_key(&run);
        let asked = world.ledger.asked.contains(&run);
        let unwell = world.ledger.nurse.unwell.contains_key(&run);
        let late = world.ledger.waiter.never_ready.contains(&run);
        let up = step.before.get(&id).is_some_and(|before| before.goal == Goal::Up);
        let right = match cause {
            ExitCause::OverMemory(_) => over,
            ExitCause::Asked(_) => asked && !(over && up),
            ExitCause::TakenBack | ExitCause::Rehearsed => {
                asked && step.before.values().all(|before| before.state.run() != Some(run))
            }
            ExitCause::Unhealthy { .. } => unwell && !asked,
            ExitCause::NotReady { .. } => late && !asked,
            ExitCause::Itself => !asked && !unwell && !late,
        };
        ensure!(right, "the end of {run} of {id} is told as {cause:?}: {over}, {asked}, {unwell}");
    }
    Ok(())
}
