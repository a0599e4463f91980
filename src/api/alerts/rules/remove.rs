//! `DELETE /api/v1/alerts/rules/{name}`

use axum::extract::State;
use axum::http::StatusCode;

use crate::api::access::{Admin, Auth};
use crate::api::audit::Note;
use crate::api::extract::Path;
use crate::api::{ApiError, Shared};
use crate::wire;

/// Remove a rule
///
/// What fires of it is over, and that is told.
#[utoipa::path(delete, path = "/api/v1/alerts/rules/{name}", tag = "alerts", operation_id = "remove_alert_rule",
    params(("name" = String, Path, description = "its name", example = "crashes")),
    responses(
        (status = 204, description = "removed"),
        (status = 404, description = "there is none", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn remove(
    auth: Auth<Admin>,
    State(api): State<Shared>,
    note: Note,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    note.about(name.as_str());
    auth.must_see_all()?;
    api.alerts.remove_rule(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}
