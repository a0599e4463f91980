//! `DELETE /api/v1/forwards/{name}`

use axum::extract::State;
use axum::http::StatusCode;

use crate::api::access::{Admin, Auth};
use crate::api::extract::Path;
use crate::api::{ApiError, Shared};
use crate::wire;

/// End a forward
///
/// What it has not sent yet stays in the logs. Its place is forgotten.
#[utoipa::path(delete, path = "/api/v1/forwards/{name}", tag = "logs", operation_id = "remove_forward",
    params(("name" = String, Path, description = "its name", example = "central")),
    responses(
        (status = 204, description = "ended"),
        (status = 404, description = "there is none", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn remove(
    auth: Auth<Admin>,
    State(api): State<Shared>,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    auth.must_see_all()?;
    api.forwards.remove(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}
