//! `GET /api/v1/alerts/channels`

use axum::Json;
use axum::extract::State;

use super::super::convert;
use crate::api::access::{Admin, Auth};
use crate::api::cursor::Key;
use crate::api::extract::Query;
use crate::api::paging::{Page, Paging};
use crate::api::{ApiError, Shared};
use crate::wire;

/// List channels
///
/// And how each does. Secrets are not shown.
#[utoipa::path(get, path = "/api/v1/alerts/channels", tag = "alerts", operation_id = "list_alert_channels", params(Paging),
    responses(
        (status = 200, description = "by name", body = wire::AlertChannelList),
        (status = 403, description = "for admins of all namespaces only", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn list(
    auth: Auth<Admin>,
    State(api): State<Shared>,
    Query(paging): Query<Paging>,
) -> Result<Json<wire::AlertChannelList>, ApiError> {
    auth.must_see_all()?;
    let all = api.alerts.channels().into_iter().map(convert::channel).collect();
    let key = |channel: &wire::AlertChannel| Key::Text(channel.name.clone());
    let Page { items, more } = paging.page("alert-channels", all, key)?;
    Ok(Json(wire::AlertChannelList { items, more }))
}
