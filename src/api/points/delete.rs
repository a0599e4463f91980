//! `DELETE /api/v1/restore-points/{name}`

use axum::extract::State;
use axum::http::StatusCode;

use super::{name, no_such_point, points, with_files};
use crate::api::access::{Admin, Auth};
use crate::api::extract::Path;
use crate::api::{ApiError, Shared};
use crate::wire;

/// Forget a restore point
///
/// Apps and processes are left as they are.
#[utoipa::path(delete, path = "/api/v1/restore-points/{name}", tag = "apps", operation_id = "delete_restore_point",
    params(("name" = String, Path, description = "its name", example = "default")),
    responses(
        (status = 204, description = "forgotten"),
        (status = 404, description = "there is none", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn delete(
    _auth: Auth<Admin>,
    State(api): State<Shared>,
    Path(text): Path<String>,
) -> Result<StatusCode, ApiError> {
    let (name, points) = (name(&text)?, points(&api));
    let of = name.clone();
    match with_files(move || points.remove(&of)).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(no_such_point(&name)),
    }
}
