//! `PUT /api/v1/apps/{ref}/watch`

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use crate::api::access::{AppWrite, Auth};
use crate::api::extract::{Json, Path};
use crate::api::resolve::resolve;
use crate::api::{ApiError, Shared};
use crate::daemon::revisions::Author;
use crate::daemon::view::ProcessView;
use crate::model::watch::USUAL_DELAY;
use crate::model::{AppId, AppSpec, RevisionCause, WatchPolicy};
use crate::supervisor::{Command, Then};
use crate::wire;

/// Say whether changes of files restart an app
///
/// Changes its definition; nothing restarts. Which files, and what does not count, is said with the
/// definition.
#[utoipa::path(put, path = "/api/v1/apps/{ref}/watch", tag = "apps", operation_id = "watch_app",
    params(("ref" = String, Path, description = "id, name, instance or any other reference; every app that is meant", example = "web")),
    request_body(content = wire::WatchOrder, example = json!({"on": true})),
    responses(
        (status = 204, description = "noted"),
        (status = "4XX", description = "refused; nothing was changed", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn watch(
    auth: Auth<AppWrite>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    Json(order): Json<wire::WatchOrder>,
) -> Result<StatusCode, ApiError> {
    let targets = resolve(&auth.snapshot(&api), &reference)?;
    let apps: BTreeMap<AppId, &Arc<ProcessView>> = targets.iter().map(|view| (view.app, view)).collect();
    let changed = apps.into_iter().filter(|(_, view)| order.on != Some(view.spec.watch.is_some()));
    let commands = changed.map(|(app, view)| {
        let watch = match &view.spec.watch {
            Some(_) => None,
            None => Some(WatchPolicy {
                paths: vec![view.spec.cwd.clone()],
                ignore: Vec::new(),
                extensions: Vec::new(),
                delay: USUAL_DELAY,
            }),
        };
        let spec = AppSpec { watch, ..(*view.spec).clone() };
        Command::Update { app, spec: Arc::new(spec), then: Then::Keep }
    });
    let author = Author::new(&auth.principal.subject, RevisionCause::Updated);
    for answer in api.handle.command_by(author, commands.collect()).await? {
        answer?;
    }
    Ok(StatusCode::NO_CONTENT)
}
