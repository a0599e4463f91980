//! `GET /api/v1/alerts/rules`

use axum::Json;
use axum::extract::State;

use super::super::convert;
use crate::api::access::{Admin, Auth};
use crate::api::cursor::Key;
use crate::api::extract::Query;
use crate::api::paging::{Page, Paging};
use crate::api::{ApiError, Shared};
use crate::wire;

/// List rules
#[utoipa::path(get, path = "/api/v1/alerts/rules", tag = "alerts", operation_id = "list_alert_rules", params(Paging),
    responses(
        (status = 200, description = "by name", body = wire::AlertRuleList),
        (status = 403, description = "for admins of all namespaces only", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn list(
    auth: Auth<Admin>,
    State(api): State<Shared>,
    Query(paging): Query<Paging>,
) -> Result<Json<wire::AlertRuleList>, ApiError> {
    auth.must_see_all()?;
    let all = api.alerts.rules().into_iter().map(|(rule, firing)| convert::rule(&rule, firing)).collect();
    let key = |rule: &wire::AlertRule| Key::Text(rule.name.clone());
    let Page { items, more } = paging.page("alert-rules", all, key)?;
    Ok(Json(wire::AlertRuleList { items, more }))
}
