//! `POST /api/v1/apps`

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::definition;
use crate::api::access::{AppWrite, Auth};
use crate::api::act::{self, Wait};
use crate::api::audit::Note;
use crate::api::extract::{Json, Query};
use crate::api::ready::{self, Awaited, Ready};
use crate::api::{Api, ApiError, Shared, notices};
use crate::auth::Principal;
use crate::daemon::revisions::Author;
use crate::daemon::view::{ProcessView, Snapshot};
use crate::model::{AppId, RevisionCause, State as Doing};
use crate::supervisor::{Accepted, Command};
use crate::wire;

/// Whether a program can be executed is known within this, unless the machine is stuck.
pub(super) const SPAWN_LIMIT: Duration = Duration::from_secs(10);

/// Define an app and start it
///
/// The answer comes when the program has been executed. If it cannot be, nothing of the app
/// remains.
#[utoipa::path(post, path = "/api/v1/apps", tag = "apps", operation_id = "create_app", params(Wait, Ready),
    request_body(content = wire::NewApp, example = json!({"script": "server.js", "name": "api-server", "cwd": "/srv/api"})),
    responses(
        (status = 201, description = "defined and started", body = wire::App,
            headers(("location" = String, description = "path of the app"), ("etag" = String, description = "names the version of the definition"))),
        (status = "4XX", description = "refused, and nothing was changed; or `not_ready`: started, and ended", body = wire::Problem, content_type = "application/problem+json"),
        (status = 504, description = "defined, and not ready within the wait; it goes on", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn create(
    auth: Auth<AppWrite>,
    State(api): State<Shared>,
    note: Note,
    Query(wait): Query<Wait>,
    Query(ready): Query<Ready>,
    Json(new): Json<wire::NewApp>,
) -> Result<Response, ApiError> {
    let begin = Instant::now();
    let limit = wait.limit()?;
    let until_ready = ready.limit(limit);
    if until_ready.is_some() && new.autostart == Some(false) {
        let detail = "what is not started does not become ready: leave out ready, or autostart";
        return Err(ApiError::member("/autostart", detail));
    }
    let earlier = auth.snapshot(&api);
    let sent = serde_json::to_value(&new).map_err(|e| ApiError::internal(&e))?;
    let created = create_app(&api, &auth.principal, &note, new, limit).await;
    let mut views = created.map_err(|refused| refused.within(&sent))?;
    if let Some(limit) = until_ready {
        let awaited: Vec<Awaited> = views.iter().map(|view| (view.id, None)).collect();
        ready::all(&api, &awaited, begin.into(), limit).await?;
        let now = api.handle.snapshot();
        views.iter_mut().for_each(|view| *view = now.processes.get(&view.id).unwrap_or(view).clone());
    }
    let (tag, mut app) = definition::shown(&api, &views).await?;
    if let Some(view) = views.first() {
        app.notices = notices::of_definition(&view.spec, &earlier, &auth.snapshot(&api));
    }
    let location = [(header::LOCATION, format!("/api/v1/apps/{}:{}", app.namespace, app.name))];
    Ok((StatusCode::CREATED, tag, location, axum::Json(app)).into_response())
}

/// Defines the app and waits until its processes have been executed, or undoes it. What depends on
/// others may be executed much later: that is waited for only as long as `wait` says.
///
/// # Errors
/// Why there is no such app now.
pub async fn create_app(
    api: &Api,
    principal: &Principal,
    note: &Note,
    new: wire::NewApp,
    wait: Duration,
) -> Result<Vec<Arc<ProcessView>>, ApiError> {
    let begin = Instant::now();
    let spec = definition::resolved(api, new).await?;
    note.about(format!("{}:{}", spec.namespace, spec.name));
    definition::may_be(api, principal, &spec)?;
    let author = Author::new(&principal.subject, RevisionCause::Created);
    let answers = api.handle.command_by(author, vec![Command::Create { spec: Arc::new(spec) }]).await?;
    let Some(Accepted::Created { app, .. }) = answers.into_iter().next().transpose()? else {
        return Err(ApiError::internal(&"the supervisor did not say what it created"));
    };
    let executed = |now: &Snapshot| now.of_app(app).all(|view| !matches!(view.state, Doing::Starting { .. }));
    let settled = |now: &Snapshot| now.of_app(app).all(|view| act::is_settled(&view.state));
    let (mut now, _) = api.handle.wait(wait.max(SPAWN_LIMIT), executed).await;
    if !settled(&now) {
        (now, _) = api.handle.wait(wait.saturating_sub(begin.elapsed()), settled).await;
    }
    let views: Vec<Arc<ProcessView>> = now.of_app(app).cloned().collect();
    if let Err(cannot) = act::cannot_spawn(views.iter()) {
        undo(api, app, &views).await?;
        return Err(cannot);
    }
    Ok(views)
}

async fn undo(api: &Api, app: AppId, views: &[Arc<ProcessView>]) -> Result<(), ApiError> {
    api.handle.command(views.iter().map(|view| Command::Delete { process: view.id }).collect()).await?;
    api.handle.wait(SPAWN_LIMIT, |now| now.of_app(app).next().is_none()).await;
    Ok(())
}
