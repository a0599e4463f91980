//! `DELETE /api/v1/apps/{ref}/logs`, `/processes/{id}/logs` and `/logs` (acceptance row J25).
//!
//! The keeper closes what is there and goes on with an empty file, so nothing that comes meanwhile
//! is lost; then the closed files are removed.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::access::{Auth, LogsWrite};
use super::extract::Path;
use super::resolve::resolve;
use super::{ApiError, Shared};
use crate::daemon::log_disk;
use crate::daemon::view::ProcessView;
use crate::keeper::protocol::Tend;
use crate::wire;

/// Empty the logs of an app
///
/// Removes what its processes have written so far; files that they share with others are emptied,
/// too. What comes meanwhile is kept. The processes notice nothing.
#[utoipa::path(delete, path = "/api/v1/apps/{ref}/logs", tag = "logs", operation_id = "flush_app_logs",
    params(("ref" = String, Path, description = "id, name, instance or any other reference", example = "web")),
    responses(
        (status = 200, description = "emptied", body = wire::LogsTended),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn of_app(
    auth: Auth<LogsWrite>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
) -> Result<Json<wire::LogsTended>, ApiError> {
    flush(&api, resolve(&auth.snapshot(&api), &reference)?).await
}

/// Empty the logs of a process
///
/// As for an app.
#[utoipa::path(delete, path = "/api/v1/processes/{id}/logs", tag = "logs", operation_id = "flush_process_logs",
    params(("id" = i64, Path, description = "its id", minimum = 0)),
    responses(
        (status = 200, description = "emptied", body = wire::LogsTended),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn of_process(
    auth: Auth<LogsWrite>,
    State(api): State<Shared>,
    Path(id): Path<u32>,
) -> Result<Json<wire::LogsTended>, ApiError> {
    flush(&api, resolve(&auth.snapshot(&api), &format!("id:{id}"))?).await
}

/// Empty all logs
#[utoipa::path(delete, path = "/api/v1/logs", tag = "logs", operation_id = "flush_logs",
    responses(
        (status = 200, description = "emptied", body = wire::LogsTended),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn of_all(
    auth: Auth<LogsWrite>,
    State(api): State<Shared>,
) -> Result<Json<wire::LogsTended>, ApiError> {
    flush(&api, auth.snapshot(&api).processes.values().cloned().collect()).await
}

async fn flush(api: &Shared, views: Vec<Arc<ProcessView>>) -> Result<Json<wire::LogsTended>, ApiError> {
    let logs = logs_of(&views);
    let tended = api.handle.tend_logs(Tend::Close, logs.clone()).await?;
    let files = shown(&logs);
    let closed: Vec<_> = logs.into_iter().zip(tended.closed).collect();
    let remove = move || closed.iter().map(|(log, number)| log_disk::remove_up_to(log, *number)).sum();
    let removed: std::io::Result<u64> =
        tokio::task::spawn_blocking(remove).await.map_err(|e| ApiError::internal(&e))?;
    let freed = removed.map_err(|e| ApiError::internal(&format!("cannot remove logs: {e}")))?;
    problems(&tended.problems)?;
    Ok(Json(wire::LogsTended { files, freed_bytes: freed as i64 }))
}

/// The files of these processes, each once.
pub(super) fn logs_of(views: &[Arc<ProcessView>]) -> Vec<PathBuf> {
    let all: BTreeSet<PathBuf> = views.iter().flat_map(|view| view.logs.all()).collect();
    all.into_iter().collect()
}

pub(super) fn shown(logs: &[PathBuf]) -> Vec<String> {
    logs.iter().map(|log| log.display().to_string()).collect()
}

/// What the keeper could not do.
pub(super) fn problems(problems: &[String]) -> Result<(), ApiError> {
    match problems {
        [] => Ok(()),
        some => Err(ApiError::internal(&format!("not done with every log: {}", some.join("; ")))),
    }
}
