//! `GET /api/v1/operations/{id}`

use axum::Json;
use axum::extract::State;

use super::find;
use crate::api::access::{Auth, View};
use crate::api::extract::Path;
use crate::api::{ApiError, Shared};
use crate::wire;

/// Show how far an operation is
///
/// For each of its processes. What was begun goes on when the daemon is replaced or dies, and its
/// operation with it; what was not begun is left undone then, and so is the rest of a reload.
#[utoipa::path(get, path = "/api/v1/operations/{id}", tag = "operations", operation_id = "show_operation",
    params(("id" = i64, Path, description = "its number", example = 7, minimum = 1)),
    responses(
        (status = 200, description = "the operation", body = wire::Operation),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn show(
    auth: Auth<View>,
    State(api): State<Shared>,
    Path(id): Path<i64>,
) -> Result<Json<wire::Operation>, ApiError> {
    Ok(Json(find(&api, &auth.principal, id)?))
}
