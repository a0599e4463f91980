//! `GET /api/v1/alerts/rules`

use axum::Json;
use axum::extract::State;

use super::super::convert;
use crate::api::access::{Admin, Auth};
use crate::api::{ApiError, Shared};
use crate::wire;

/// List rules
#[utoipa::path(get, path = "/api/v1/alerts/rules", tag = "alerts", operation_id = "list_alert_rules",
    responses(
        (status = 200, description = "by name", body = wire::AlertRuleList),
        (status = 403, description = "for admins of all namespaces only", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn list(
    auth: Auth<Admin>,
    State(api): State<Shared>,
) -> Result<Json<wire::AlertRuleList>, ApiError> {
    auth.must_see_all()?;
    Ok(Json(rules(&api)))
}

/// All of them, by name.
pub fn rules(api: &Shared) -> wire::AlertRuleList {
    wire::AlertRuleList {
        items: api.alerts.rules().into_iter().map(|(rule, firing)| convert::rule(&rule, firing)).collect(),
    }
}
