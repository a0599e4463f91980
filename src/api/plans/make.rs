//! `POST /api/v1/plans`

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json as JsonAnswer;
use axum::extract::State;
use sha2::{Digest, Sha256};

use super::differ;
use crate::api::access::{AppWrite, Auth};
use crate::api::apps::definition;
use crate::api::audit::Note;
use crate::api::extract::Json;
use crate::api::{Api, ApiError, Shared, conditional};
use crate::daemon::view::{ProcessView, Snapshot};
use crate::model::{AppSpec, Goal, Rest, State as Doing};
use crate::supervisor::Denied;
use crate::wire::{self, Plan, PlanAction, PlanOrder, PlanStep};

/// Compare apps with what is there
///
/// Says what would have to be done for these apps to be as they are given, and does nothing. Every
/// app is checked as if it were defined now, so the first mistake refuses the whole plan.
#[utoipa::path(post, path = "/api/v1/plans", tag = "apps", operation_id = "make_plan",
    request_body(content = PlanOrder, example = json!({"apps": [{"script": "server.js", "name": "web", "cwd": "/srv/web"}]})),
    responses(
        (status = 200, description = "what would be done", body = Plan),
        (status = "4XX", description = "an app cannot be defined so", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn make(
    auth: Auth<AppWrite>,
    State(api): State<Shared>,
    note: Note,
    Json(order): Json<PlanOrder>,
) -> Result<JsonAnswer<Plan>, ApiError> {
    note.changes_nothing();
    plan(&auth, &api, order).await.map(JsonAnswer)
}

/// What would have to be done.
///
/// # Errors
/// The first mistake, with the app that has it.
pub async fn plan(auth: &Auth<AppWrite>, api: &Api, order: PlanOrder) -> Result<Plan, ApiError> {
    let snapshot = auth.snapshot(api);
    let mut hash = Sha256::new();
    let mut steps = Vec::new();
    let mut specs: Vec<AppSpec> = Vec::new();
    for (at, mut new) in order.apps.into_iter().enumerate() {
        let shown = new.name.clone().unwrap_or_else(|| new.script.clone());
        let namespace = new.namespace.as_deref().unwrap_or("default");
        let same = new.name.as_deref().map(|name| present(&snapshot, name, namespace)).unwrap_or_default();
        if !same.is_empty() {
            new.instances.get_or_insert(same.len() as i64);
        }
        let spec = definition::resolved(api, new).await;
        let spec = spec.and_then(|spec| definition::may_be(api, &auth.principal, &spec).map(|()| spec));
        let spec = spec.map_err(|error| of_app(error, at, &shown))?;
        check_dependencies(&snapshot, &specs, &spec).map_err(|error| of_app(error, at, &shown))?;
        // By now even an app that was given none has a name.
        let present = present(&snapshot, spec.name.as_str(), spec.namespace.as_str());
        let step = step(&present, &spec, order.update_env);
        // Values of variables are in no other text.
        hash.update(format!("{}{:?}", differ::members(&spec), spec.env));
        steps.push(step);
        specs.push(spec);
    }
    if order.prune {
        steps.extend(left_over(&snapshot, &specs));
    }
    hash.update(format!("{steps:?}"));
    let digest = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Plan { digest, steps })
}

/// Which of the given apps it is about.
fn of_app(mut error: ApiError, at: usize, name: &str) -> ApiError {
    error.detail = format!("{name}: {}", error.detail);
    for field in &mut error.errors {
        field.pointer = format!("/apps/{at}{}", field.pointer);
    }
    error
}

/// The processes of the app of that name.
fn present(snapshot: &Snapshot, name: &str, namespace: &str) -> Vec<Arc<ProcessView>> {
    let is = |view: &&Arc<ProcessView>| {
        (view.spec.name.as_str(), view.spec.namespace.as_str()) == (name, namespace)
            && view.goal != Goal::Gone
    };
    snapshot.processes.values().filter(is).cloned().collect()
}

/// What it depends on is there, or comes before it.
fn check_dependencies(snapshot: &Snapshot, before: &[AppSpec], spec: &AppSpec) -> Result<(), ApiError> {
    for dependency in &spec.depends_on {
        let is =
            |other: &AppSpec| (&other.name, &other.namespace) == (&dependency.app, &dependency.namespace);
        let there = snapshot.processes.values().any(|view| is(&view.spec) && view.goal != Goal::Gone);
        if !there && !before.iter().any(is) && !is(spec) {
            let other = dependency.name_in(&spec.namespace);
            return Err(Denied::UnknownDependency { name: spec.name.to_string(), other }.into());
        }
    }
    Ok(())
}

fn step(present: &[Arc<ProcessView>], spec: &AppSpec, update_env: bool) -> PlanStep {
    let (app, namespace) = (spec.name.to_string(), spec.namespace.to_string());
    let Some(first) = present.first() else {
        let (action, changes) = (PlanAction::Create, Vec::new());
        return PlanStep { app, namespace, id: None, etag: None, action, changes };
    };
    let spec = differ::comparable(&first.spec, spec, update_env);
    let is_down = |view: &Arc<ProcessView>| matches!(view.state, Doing::Idle(_));
    // What ended as planned is as it is to be.
    let waits_to_start =
        |view: &Arc<ProcessView>| matches!(view.state, Doing::Idle(Rest::Stopped | Rest::Errored(_)));
    let all_down = present.iter().all(is_down);
    let starts = spec.autostart && present.iter().any(waits_to_start);
    let changed = *first.spec != spec;
    let action = match (changed, starts) {
        (false, false) => PlanAction::None,
        (false, true) => PlanAction::Start,
        (true, true) if all_down => PlanAction::Start,
        (true, true) => PlanAction::Restart,
        (true, false) if all_down => PlanAction::Live,
        (true, false) => differ::way(&first.spec, &spec),
    };
    let changes = if changed { differ::changes(&first.spec, &spec) } else { Vec::new() };
    let (id, etag) = (Some(i64::from(first.app.0)), Some(conditional::tag(first)));
    PlanStep { app, namespace, id, etag, action, changes }
}

/// Apps of the same namespaces that nobody named.
fn left_over(snapshot: &Snapshot, specs: &[AppSpec]) -> Vec<PlanStep> {
    let namespaces: BTreeSet<&str> = specs.iter().map(|spec| spec.namespace.as_str()).collect();
    let is_named = |view: &ProcessView| {
        specs.iter().any(|spec| (&spec.name, &spec.namespace) == (&view.spec.name, &view.spec.namespace))
    };
    let mut seen = BTreeSet::new();
    let mut steps = Vec::new();
    for view in snapshot.processes.values() {
        let ours = namespaces.contains(view.spec.namespace.as_str()) && view.goal != Goal::Gone;
        if ours && !is_named(view) && seen.insert(view.app) {
            steps.push(PlanStep {
                app: view.spec.name.to_string(),
                namespace: view.spec.namespace.to_string(),
                id: Some(i64::from(view.app.0)),
                etag: Some(conditional::tag(view)),
                action: PlanAction::Remove,
                changes: Vec::new(),
            });
        }
    }
    steps
}
