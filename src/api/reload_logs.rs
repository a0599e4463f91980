//! `POST /api/v1/apps/{ref}/logs/reopen` and `/logs/reopen`.
//!
//! Before each output the keeper looks by itself whether its file is still the one at its path.
//! This is for scripts that move logs away and want the new file to be there at once.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::access::{Auth, LogsWrite};
use super::extract::Path;
use super::flush::{logs_of, problems, shown};
use super::resolve::resolve;
use super::{ApiError, Shared};
use crate::daemon::view::ProcessView;
use crate::keeper::protocol::Tend;
use crate::wire;

/// Open the logs of an app again
///
/// For scripts that have moved them away.
#[utoipa::path(post, path = "/api/v1/apps/{ref}/logs/reopen", tag = "logs", operation_id = "reopen_app_logs",
    params(("ref" = String, Path, description = "id, name, instance or any other reference", example = "web")),
    responses(
        (status = 200, description = "opened", body = wire::LogsTended),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn of_app(
    auth: Auth<LogsWrite>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
) -> Result<Json<wire::LogsTended>, ApiError> {
    reopen(&api, resolve(&auth.snapshot(&api), &reference)?).await
}

/// Open all logs again
#[utoipa::path(post, path = "/api/v1/logs/reopen", tag = "logs", operation_id = "reopen_logs",
    responses(
        (status = 200, description = "opened", body = wire::LogsTended),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn of_all(
    auth: Auth<LogsWrite>,
    State(api): State<Shared>,
) -> Result<Json<wire::LogsTended>, ApiError> {
    reopen(&api, auth.snapshot(&api).processes.values().cloned().collect()).await
}

async fn reopen(api: &Shared, views: Vec<Arc<ProcessView>>) -> Result<Json<wire::LogsTended>, ApiError> {
    let logs = logs_of(&views);
    let tended = api.handle.tend_logs(Tend::Reopen, logs.clone()).await?;
    problems(&tended.problems)?;
    Ok(Json(wire::LogsTended { files: shown(&logs), freed_bytes: 0 }))
}
