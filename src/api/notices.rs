//! What a command did, or left, beside what it was about, because of dependencies: one sentence
//! each.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::daemon::view::{ProcessView, Snapshot};
use crate::model::{AppSpec, Goal, State};
use crate::wire::Action;

/// The sentences for an action on these processes.
pub fn of_action(
    action: Action,
    targets: &[Arc<ProcessView>],
    before: &Snapshot,
    now: &Snapshot,
) -> Vec<String> {
    match action {
        Action::Start | Action::Restart => {
            let specs: Vec<&AppSpec> = targets.iter().map(|target| &*target.spec).collect();
            let named: BTreeSet<_> = targets.iter().map(|target| target.id).collect();
            let mut told = started(&specs, before, now);
            told.retain(|(view, _)| !named.contains(&view.id));
            told.into_iter().map(|(_, sentence)| sentence).collect()
        }
        Action::Stop | Action::Delete => left_running(action, targets, before),
        Action::Reset => Vec::new(),
    }
}

/// The sentences for the definition of a new app, or another one, that was started.
pub fn of_definition(spec: &AppSpec, before: &Snapshot, now: &Snapshot) -> Vec<String> {
    started(&[spec], before, now).into_iter().map(|(_, sentence)| sentence).collect()
}

/// What was started because one of these depends on it.
fn started(specs: &[&AppSpec], before: &Snapshot, now: &Snapshot) -> Vec<(Arc<ProcessView>, String)> {
    let mut told = Vec::new();
    let mut seen = BTreeSet::new();
    let mut open: Vec<&AppSpec> = specs.to_vec();
    while let Some(spec) = open.pop() {
        for dependency in &spec.depends_on {
            let is_it = |view: &&Arc<ProcessView>| {
                view.spec.name == dependency.app && view.spec.namespace == dependency.namespace
            };
            for view in now.processes.values().filter(is_it) {
                if !seen.insert(view.id) {
                    continue;
                }
                let rested = before
                    .processes
                    .get(&view.id)
                    .is_some_and(|was| was.goal == Goal::Down || matches!(was.state, State::Idle(_)));
                let comes = matches!(view.state, State::Waiting { .. })
                    || view.latest_run > before.processes.get(&view.id).and_then(|was| was.latest_run);
                if rested && view.goal == Goal::Up && comes {
                    let (name, id, by) = (view.name(), view.id, &spec.name);
                    told.push((view.clone(), format!("{name} (id {id}) is started too: {by} depends on it")));
                }
                open.push(&view.spec);
            }
        }
    }
    told.sort_by_key(|(view, _)| view.id);
    told
}

/// What runs on although it depends on what is stopped or deleted.
fn left_running(action: Action, targets: &[Arc<ProcessView>], before: &Snapshot) -> Vec<String> {
    let named: BTreeSet<_> = targets.iter().map(|target| target.id).collect();
    let mut told = Vec::new();
    for view in before.processes.values().filter(|view| view.goal == Goal::Up && !named.contains(&view.id)) {
        let runs_on = view.state.run().is_some() || matches!(view.state, State::Waiting { .. });
        for dependency in view.spec.depends_on.iter().filter(|_| runs_on) {
            let of_it = |target: &&Arc<ProcessView>| {
                target.spec.name == dependency.app && target.spec.namespace == dependency.namespace
            };
            if targets.iter().any(|target| of_it(&target)) {
                let what = if action == Action::Delete { "deleted" } else { "stopped" };
                let on = dependency.name_in(&view.spec.namespace);
                told.push(format!(
                    "{} (id {}) is {} and depends on {on}, which is {what}",
                    view.name(),
                    view.id,
                    view.state.status()
                ));
            }
        }
    }
    told
}
