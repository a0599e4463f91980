//! `GET /api/v1/alerts/channels/{name}`

use axum::Json;
use axum::extract::State;

use super::super::convert;
use crate::api::access::{Admin, Auth};
use crate::api::extract::Path;
use crate::api::{ApiError, Shared};
use crate::wire;

/// Show a channel
#[utoipa::path(get, path = "/api/v1/alerts/channels/{name}", tag = "alerts", operation_id = "show_alert_channel",
    params(("name" = String, Path, description = "its name", example = "ops")),
    responses(
        (status = 200, description = "as it is now", body = wire::AlertChannel),
        (status = 404, description = "there is none", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn show(
    auth: Auth<Admin>,
    State(api): State<Shared>,
    Path(name): Path<String>,
) -> Result<Json<wire::AlertChannel>, ApiError> {
    auth.must_see_all()?;
    let status = api.alerts.channel(&name)?;
    Ok(Json(convert::channel(status)))
}
