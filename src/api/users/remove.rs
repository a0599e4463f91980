//! `DELETE /api/v1/users/{name}`

use axum::extract::State;
use axum::http::StatusCode;

use super::not_found;
use crate::api::access::{Admin, Auth};
use crate::api::extract::Path;
use crate::api::{ApiError, Shared};
use crate::wire;

/// Remove a user
///
/// Their sessions and tokens, and those that they had made, end at once.
#[utoipa::path(delete, path = "/api/v1/users/{name}", tag = "auth", operation_id = "remove_user",
    params(("name" = String, Path, description = "the name of the user", example = "alice")),
    responses(
        (status = 204, description = "removed"),
        (status = 404, description = "there is no such user", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn remove(
    _auth: Auth<Admin>,
    State(api): State<Shared>,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    match api.change(|accounts| accounts.remove_user(&name)).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(not_found(&name)),
    }
}
