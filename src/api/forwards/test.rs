//! `POST /api/v1/forwards/{name}/test`

use axum::extract::State;
use axum::http::StatusCode;

use crate::api::access::{Admin, Auth};
use crate::api::extract::Path;
use crate::api::{ApiError, Shared};
use crate::wire;

/// Send a test line
///
/// One line of pmdaemon's own, at once, beside what is being sent.
#[utoipa::path(post, path = "/api/v1/forwards/{name}/test", tag = "logs", operation_id = "test_forward",
    params(("name" = String, Path, description = "its name", example = "central")),
    responses(
        (status = 204, description = "the receiver has taken it"),
        (status = 404, description = "there is none", body = wire::Problem, content_type = "application/problem+json"),
        (status = 502, description = "the receiver has not taken it", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn test(
    auth: Auth<Admin>,
    State(api): State<Shared>,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    auth.must_see_all()?;
    api.forwards.test(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}
