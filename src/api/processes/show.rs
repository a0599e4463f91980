//! `GET /api/v1/processes/{id}`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::api::access::{Auth, View};
use crate::api::extract::Path;
use crate::api::{ApiError, Shared, convert, log_state};
use crate::model::ProcessId;
use crate::wire;

/// Show one process
#[utoipa::path(get, path = "/api/v1/processes/{id}", tag = "processes", operation_id = "show_process",
    params(("id" = i64, Path, description = "its id", minimum = 0)),
    responses(
        (status = 200, description = "the process", body = wire::Process),
        (status = 404, description = "there is none", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn show(
    auth: Auth<View>,
    State(api): State<Shared>,
    Path(id): Path<u32>,
) -> Result<Json<wire::Process>, ApiError> {
    let measured = api.handle.measured().await;
    match auth.snapshot(&api).processes.get(&ProcessId(id)) {
        Some(view) => {
            let mut shown = vec![convert::process(view, measured.as_deref())];
            log_state::add(&api, std::slice::from_ref(view), &mut shown).await?;
            shown.pop().map(Json).ok_or_else(ApiError::no_route)
        }
        None => Err(ApiError::new(
            StatusCode::NOT_FOUND,
            "process_not_found",
            format!("there is no process with id {id}"),
        )),
    }
}
