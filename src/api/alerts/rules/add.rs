//! `POST /api/v1/alerts/rules`

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;

use super::super::convert;
use super::known_apps;
use crate::api::access::{Admin, Auth};
use crate::api::audit::Note;
use crate::api::extract::Json;
use crate::api::{ApiError, Shared};
use crate::wire;

/// Make a rule
///
/// Each cause is told once when it begins, and once when it is over. What comes again within the cool-down
/// is counted, not told.
#[utoipa::path(post, path = "/api/v1/alerts/rules", tag = "alerts", operation_id = "add_alert_rule",
    request_body(content = wire::NewAlertRule, example = json!({"name": "crashes", "when": {"errored": {}}, "channels": []})),
    responses(
        (status = 201, description = "made", body = wire::AlertRule),
        (status = 409, description = "the name is in use", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused; nothing was made", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn add(
    auth: Auth<Admin>,
    State(api): State<Shared>,
    note: Note,
    Json(new): Json<wire::NewAlertRule>,
) -> Result<(StatusCode, JsonAnswer<wire::AlertRule>), ApiError> {
    note.about(new.name.as_str());
    auth.must_see_all()?;
    known_apps(&api, &new.apps)?;
    let name = new.name.clone();
    api.alerts.put_rule(convert::rule_wish(new)?, false).await?;
    let (rule, firing) = api.alerts.rule(&name)?;
    Ok((StatusCode::CREATED, JsonAnswer(convert::rule(&rule, firing))))
}
