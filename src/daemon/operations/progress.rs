//! How far an operation is, by the picture of now.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::daemon::view::{ProcessView, Snapshot};
use crate::model::depends::waits_for;
use crate::model::{AppId, CutOff, Goal, Operation, Rest, State, Status, Step, Target, Task, Unmet};
use crate::supervisor::{Overtaken, Progress, Reload};

/// The reloads that an operation is made of, by their numbers.
pub type Reloads = BTreeMap<AppId, u64>;

/// Moves every target on. False: nothing has changed.
pub fn advance(operation: &mut Operation, now: &Snapshot, reloads: &Reloads, now_ms: u64) -> bool {
    let mut moved = false;
    let is_scale = operation.task == Task::Scale;
    for index in 0..operation.targets.len() {
        let target = &mut operation.targets[index];
        if target.step.is_over() {
            continue;
        }
        let view = now.processes.get(&target.process);
        let known = target.run;
        let leaves = now.leaving.contains_key(&target.process);
        let step = match target.task {
            // Its turn comes when its command is given.
            _ if target.step == Step::Waiting && target.task != Task::Reload => continue,
            Task::Start if is_scale && view.is_none_or(|view| view.goal == Goal::Gone) => {
                operation.cut_off.get_or_insert(CutOff::Cancelled);
                Step::Left(FEWER.to_owned())
            }
            Task::Start => up(target, view, false),
            Task::Restart => up(target, view, true),
            Task::Stop => match down(view) {
                // A run that was replaced may end after the present one.
                Step::Done if leaves => Step::Draining,
                step => step,
            },
            Task::Delete | Task::Scale if view.is_some() || leaves => Step::Draining,
            Task::Delete | Task::Scale | Task::Reset => Step::Done,
            Task::Reload => {
                let number = reloads.get(&target.app);
                let reload = now.reloads.get(&target.app).filter(|reload| Some(&reload.number) == number);
                turn(target, now, reload, operation.cut_off)
            }
        };
        moved |= target.run != known;
        moved |= operation.set(index, step, now_ms);
    }
    moved
}

const STOPPED: &str = "somebody stopped it meanwhile";
const FEWER: &str = "it was taken away again before it was ready";
const DELETED: &str = "somebody deleted it meanwhile";

/// On its way up. `anew`: by a life that it did not have before.
fn up(target: &mut Target, view: Option<&Arc<ProcessView>>, anew: bool) -> Step {
    let Some(view) = view.filter(|view| view.goal != Goal::Gone) else {
        return Step::Failed(DELETED.to_owned());
    };
    let fresh = !anew || view.latest_run > target.before;
    if let State::Starting { run, .. } | State::Running { run, .. } = view.state
        && fresh
    {
        target.run.get_or_insert(run);
    }
    let again = target.run.is_some() && view.latest_run > target.run;
    match &view.state {
        State::Idle(Rest::Errored(reason)) => Step::Failed(format!("it {}", is(&reason.to_string()))),
        State::Idle(Rest::Stopped | Rest::Finished(_)) | State::Stopping { .. }
            if view.goal == Goal::Down =>
        {
            Step::Failed(STOPPED.to_owned())
        }
        // A job that was done meanwhile.
        State::Idle(Rest::Finished(_)) if fresh => Step::Done,
        State::Idle(Rest::Stopped | Rest::Finished(_)) => Step::Starting,
        State::Waiting { unmet } if unmet.iter().any(Unmet::is_hopeless) => {
            Step::Failed(format!("it {}", waits_for(unmet)))
        }
        State::Waiting { .. } => Step::Starting,
        State::Backoff { .. } => Step::Failed(ended(view, "and is started again after a wait")),
        State::Starting { .. } | State::Running { .. } if again => {
            Step::Failed(ended(view, "and was started again"))
        }
        State::Starting { .. } => Step::Starting,
        State::Stopping { .. } => Step::Draining,
        State::Running { .. } if !fresh => Step::Draining,
        State::Running { .. } if view.state.status() == Status::Online => Step::Done,
        State::Running { .. } => Step::Starting,
    }
}

/// Some reasons are sentences about what happened, others a fault of the program.
fn is(reason: &str) -> String {
    match reason.starts_with("given up") {
        true => format!("was {reason}"),
        false => format!("is errored: {reason}"),
    }
}

fn ended(view: &ProcessView, then: &str) -> String {
    match view.last_end {
        Some(end) => format!("it ended with {end} {then}"),
        None => format!("it ended {then}"),
    }
}

fn down(view: Option<&Arc<ProcessView>>) -> Step {
    let Some(view) = view else { return Step::Done };
    match view.state {
        _ if view.goal == Goal::Up => Step::Failed("somebody started it meanwhile".to_owned()),
        State::Idle(_) => Step::Done,
        State::Waiting { .. }
        | State::Backoff { .. }
        | State::Starting { .. }
        | State::Running { .. }
        | State::Stopping { .. } => Step::Draining,
    }
}

/// In a reload: waiting for its turn, on its turn, or after it.
fn turn(target: &mut Target, now: &Snapshot, reload: Option<&Reload>, cut_off: Option<CutOff>) -> Step {
    let view = now.processes.get(&target.process);
    let id = target.process;
    // What was replaced answers what it has before it ends.
    let replaced = || if now.leaving.contains_key(&id) { Step::Draining } else { Step::Done };
    let Some(reload) = reload else { return broken_off(target, view, cut_off, None) };
    match &reload.progress {
        Progress::Done => replaced(),
        Progress::Rolling { waiting, .. } if waiting.contains(&id) => Step::Waiting,
        Progress::Rolling { turns, .. } => match turns.iter().find(|turn| turn.process == id) {
            Some(turn) if turn.new.is_some() && turn.stable_at.is_some() => Step::Ready,
            Some(turn) if turn.new.is_some() || view.is_some_and(|view| view.latest_run > turn.old) => {
                Step::Starting
            }
            Some(_) => Step::Draining,
            None if reload.processes.contains(&id) => replaced(),
            None => Step::Left(ELSE.to_owned()),
        },
        Progress::Failed { process, reason, .. } if *process == id => Step::Failed(reason.clone()),
        Progress::Failed { replaced: others, .. } if others.contains(&id) => match up(target, view, true) {
            Step::Done => replaced(),
            step => step,
        },
        Progress::Failed { .. } => Step::Left("the reload ended at another process".to_owned()),
        Progress::Interrupted { by } => broken_off(target, view, cut_off, *by),
    }
}

const ELSE: &str = "somebody wanted something else of the app meanwhile";

/// Its reload has ended early. `by`: what was wanted instead.
fn broken_off(
    target: &mut Target,
    view: Option<&Arc<ProcessView>>,
    cut_off: Option<CutOff>,
    by: Option<Overtaken>,
) -> Step {
    let why = match (cut_off, by) {
        (Some(CutOff::Cancelled), _) => "the reload was cancelled".to_owned(),
        (Some(CutOff::Interrupted), _) => "the daemon ended, and reloads are not taken up again".to_owned(),
        (None, Some(by)) => format!("the reload was overtaken by {by}"),
        (None, None) => ELSE.to_owned(),
    };
    if target.step == Step::Waiting {
        return Step::Left(why);
    }
    match view.map(|view| &view.state) {
        // The old one goes on.
        Some(State::Running { run, .. }) if Some(*run) <= target.before => Step::Left(why),
        Some(_) | None => up(target, view, true),
    }
}
