//! `POST /api/v1/restore-points/{name}/resurrect`

use std::time::Duration;

use axum::Json;
use axum::extract::State;

use super::{name, no_such_point, points, with_files};
use crate::api::access::{Admin, Auth};
use crate::api::extract::Path;
use crate::api::{ApiError, Shared, convert};
use crate::daemon::revisions::Author;
use crate::daemon::view::Snapshot;
use crate::model::{AppSpec, RevisionCause, State as Doing};
use crate::supervisor::{Accepted, Command};
use crate::wire;

/// Whether a program can be executed is known within this, unless the machine is stuck.
const SPAWN_LIMIT: Duration = Duration::from_secs(10);

/// Bring a restore point back
///
/// Apps and processes that are missing are made again, and those that ran then and are stopped are
/// started. Nothing is doubled, stopped or redefined. Each app comes back by itself: one that
/// cannot, because its port is another's for example, keeps no other from it.
#[utoipa::path(post, path = "/api/v1/restore-points/{name}/resurrect", tag = "apps", operation_id = "resurrect",
    params(("name" = String, Path, description = "its name", example = "default")),
    responses(
        (status = 200, description = "what came of each app", body = wire::Resurrected),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn resurrect(
    auth: Auth<Admin>,
    State(api): State<Shared>,
    Path(text): Path<String>,
) -> Result<Json<wire::Resurrected>, ApiError> {
    let (name, points) = (name(&text)?, points(&api));
    let of = name.clone();
    let point = with_files(move || points.load(&of)).await?.ok_or_else(|| no_such_point(&name))?;
    let author = Author::new(&auth.principal.subject, RevisionCause::Restored);
    let mut results = Vec::new();
    for app in &point.apps {
        let command = Command::Complete { spec: app.spec.clone(), wanted: app.instances.clone() };
        let answer = api.handle.command_by(author.clone(), vec![command]).await?.into_iter().next();
        results.push(answer.unwrap_or(Ok(Accepted::AlreadySo)));
    }
    let of_point = |now: &Snapshot| {
        let starting = |view: &&std::sync::Arc<crate::daemon::view::ProcessView>| {
            matches!(view.state, Doing::Starting { .. })
        };
        now.processes
            .values()
            .filter(starting)
            .any(|view| point.apps.iter().any(|app| is_same(&app.spec, &view.spec)))
    };
    let (now, _) = api.handle.wait(SPAWN_LIMIT, |now| !of_point(now)).await;
    let measured = api.handle.measured().await;
    let apps = point.apps.iter().zip(results).map(|(app, result)| wire::ResurrectedApp {
        name: app.spec.name.to_string(),
        namespace: app.spec.namespace.to_string(),
        changed: result == Ok(Accepted::Done),
        error: result.err().map(|denied| denied.to_string()),
        processes: now
            .processes
            .values()
            .filter(|view| is_same(&app.spec, &view.spec))
            .map(|view| convert::process(view, measured.as_deref()))
            .collect(),
    });
    Ok(Json(wire::Resurrected { apps: apps.collect() }))
}

fn is_same(one: &AppSpec, other: &AppSpec) -> bool {
    one.name == other.name && one.namespace == other.namespace
}
