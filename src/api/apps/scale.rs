//! `PUT /api/v1/apps/{ref}/scale`

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use super::update;
use crate::api::access::{AppOperate, Auth};
use crate::api::act::{self, Acted, Wait};
use crate::api::extract::{Json, Path, Query};
use crate::api::operations::begin;
use crate::api::resolve::resolve_app;
use crate::api::{Api, ApiError, Shared, convert};
use crate::daemon::revisions::Author;
use crate::daemon::view::ProcessView;
use crate::model::{AppId, Goal, RevisionCause, State as Doing, Task};
use crate::supervisor::{Accepted, Command, Count, Denied};
use crate::wire;

/// Change the number of instances
///
/// New ones take the lowest free numbers and run if anything of the app does; the highest numbers
/// go first, gracefully. An app that was defined with one process keeps its first one's name and
/// log files; the others get a number. When a new one cannot be executed, all are taken back.
#[utoipa::path(put, path = "/api/v1/apps/{ref}/scale", tag = "apps", operation_id = "scale_app",
    params(("ref" = String, Path, description = "id, name, instance or any other reference of one app", example = "web"), Wait),
    request_body(content = wire::ScaleOrder, example = json!({"instances": 4})),
    responses(
        (status = 200, description = "done, or so already; all processes of the app", body = wire::Outcome,
            headers(("location" = String, description = "path of the operation, if anything was done"))),
        (status = 202, description = "being done; the wait was too short to see the end", body = wire::Outcome,
            headers(("location" = String, description = "path of the operation"))),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn scale(
    auth: Auth<AppOperate>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    Query(wait): Query<Wait>,
    Json(order): Json<wire::ScaleOrder>,
) -> Result<Acted, ApiError> {
    let limit = wait.limit()?;
    let count = match (order.instances, order.delta) {
        (Some(wanted), None) => Count::Exactly(wanted),
        (None, Some(delta)) => Count::Change(delta),
        (Some(_), Some(_)) | (None, None) => {
            return Err(ApiError::member("", "say how many, in one way: {\"instances\":4} or {\"delta\":1}"));
        }
    };
    let before = resolve_app(&auth.snapshot(&api), &reference)?;
    let Some(app) = before.first().map(|view| view.app) else { return Err(ApiError::no_route()) };
    let present = i64::from(update::present(&before));
    if count.of(present) > present && before.iter().any(|view| view.goal == Goal::Up) {
        act::can_be_started(&api, act::specs(&before)).await?;
    }
    let author = Author::new(&auth.principal.subject, RevisionCause::Scaled);
    let answers = api.handle.command_by(author, vec![Command::Scale { app, count }]).await?;
    let member = if order.delta.is_some() { "/delta" } else { "/instances" };
    let refused = |denied: Denied| match matches!(denied, Denied::BadCount { .. }) {
        true => ApiError::member(member, denied.to_string()),
        false => denied.into(),
    };
    let changed = answers.into_iter().next().transpose().map_err(refused)? == Some(Accepted::Done);
    let operation = changed.then(|| followed(&api, &auth, &before, app));
    let settled = |now: &crate::daemon::view::Snapshot| {
        now.of_app(app).all(|view| view.goal != Goal::Gone && !matches!(view.state, Doing::Starting { .. }))
    };
    let (now, reached) =
        if changed { api.handle.wait(limit, settled).await } else { (api.handle.snapshot(), true) };
    let is_new = |id| !before.iter().any(|view| view.id == id);
    if let Err(cannot) = act::cannot_spawn(now.of_app(app).filter(|view| is_new(view.id))) {
        let number = before.iter().filter(|view| view.goal != Goal::Gone).count();
        let back = Command::Scale { app, count: Count::Exactly(number as i64) };
        api.handle
            .command_by(Author::new(&auth.principal.subject, RevisionCause::PutBack), vec![back])
            .await?;
        return Err(cannot.of(operation));
    }
    let measured = api.handle.measured().await;
    let processes = now.of_app(app).map(|view| convert::process(view, measured.as_deref())).collect();
    let status = if reached { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok(Acted { status, outcome: wire::Outcome { changed, processes, operation, ..wire::Outcome::default() } })
}

/// The operation for a change of number that was just commanded: on what came, and what goes.
fn followed(api: &Api, auth: &Auth<AppOperate>, before: &[Arc<ProcessView>], app: AppId) -> i64 {
    let now = api.handle.snapshot();
    let goes = |view: &&Arc<ProcessView>| {
        now.processes.get(&view.id).is_none_or(|now| now.goal == Goal::Gone) && view.goal != Goal::Gone
    };
    let comes =
        |view: &&Arc<ProcessView>| view.goal == Goal::Up && before.iter().all(|old| old.id != view.id);
    let ended = before.iter().filter(goes).map(|view| (view, Task::Delete));
    let begun = now.of_app(app).filter(comes).map(|view| (view, Task::Start));
    let targets = begun.chain(ended).map(|(view, task)| begin::target(view, task, begin::first_step(task)));
    begin::begin(api, &auth.principal, Task::Scale, targets.collect()).0 as i64
}
