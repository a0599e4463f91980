//! `GET /api/v1/alerts/rules/{name}`

use axum::Json;
use axum::extract::State;

use super::super::convert;
use crate::api::access::{Admin, Auth};
use crate::api::extract::Path;
use crate::api::{ApiError, Shared};
use crate::wire;

/// Show a rule
#[utoipa::path(get, path = "/api/v1/alerts/rules/{name}", tag = "alerts", operation_id = "show_alert_rule",
    params(("name" = String, Path, description = "its name", example = "crashes")),
    responses(
        (status = 200, description = "as it is now", body = wire::AlertRule),
        (status = 404, description = "there is none", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn show(
    auth: Auth<Admin>,
    State(api): State<Shared>,
    Path(name): Path<String>,
) -> Result<Json<wire::AlertRule>, ApiError> {
    auth.must_see_all()?;
    let (rule, firing) = api.alerts.rule(&name)?;
    Ok(Json(convert::rule(&rule, firing)))
}
