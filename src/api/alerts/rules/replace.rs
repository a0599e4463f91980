//! `PUT /api/v1/alerts/rules/{name}`

use axum::Json as JsonAnswer;
use axum::extract::State;

use super::super::{convert, same_name};
use super::known_apps;
use crate::api::access::{Admin, Auth};
use crate::api::audit::Note;
use crate::api::extract::{Json, Path};
use crate::api::{ApiError, Shared};
use crate::wire;

/// Replace a rule
///
/// With all that it is to be. What fires of it goes on if its new condition holds, too.
#[utoipa::path(put, path = "/api/v1/alerts/rules/{name}", tag = "alerts", operation_id = "replace_alert_rule",
    params(("name" = String, Path, description = "its name", example = "crashes")),
    request_body(content = wire::NewAlertRule, example = json!({"name": "crashes", "when": {"errored": {}}, "channels": []})),
    responses(
        (status = 200, description = "replaced", body = wire::AlertRule),
        (status = 404, description = "there is none", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused; nothing was changed", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn replace(
    auth: Auth<Admin>,
    State(api): State<Shared>,
    note: Note,
    Path(name): Path<String>,
    Json(new): Json<wire::NewAlertRule>,
) -> Result<JsonAnswer<wire::AlertRule>, ApiError> {
    note.about(name.as_str());
    auth.must_see_all()?;
    api.alerts.rule(&name)?;
    same_name(&name, &new.name)?;
    known_apps(&api, &new.apps)?;
    api.alerts.put_rule(convert::rule_wish(new)?, true).await?;
    let (rule, firing) = api.alerts.rule(&name)?;
    Ok(JsonAnswer(convert::rule(&rule, firing)))
}
