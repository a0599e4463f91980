//! `POST /api/v1/alerts/channels/{name}/test`

use axum::extract::State;
use axum::http::StatusCode;

use crate::api::access::{Admin, Auth};
use crate::api::audit::Note;
use crate::api::extract::Path;
use crate::api::{ApiError, Shared};
use crate::wire;

/// Send a test notification
///
/// One of pmdaemon's own, at once, beside what waits.
#[utoipa::path(post, path = "/api/v1/alerts/channels/{name}/test", tag = "alerts", operation_id = "test_alert_channel",
    params(("name" = String, Path, description = "its name", example = "ops")),
    responses(
        (status = 204, description = "the receiver has taken it"),
        (status = 404, description = "there is none", body = wire::Problem, content_type = "application/problem+json"),
        (status = 502, description = "the receiver has not taken it", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn test(
    auth: Auth<Admin>,
    State(api): State<Shared>,
    note: Note,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    note.about(name.as_str());
    auth.must_see_all()?;
    api.alerts.test(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}
