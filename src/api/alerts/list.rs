//! `GET /api/v1/alerts`

use axum::Json;
use axum::extract::State;

use super::convert;
use crate::api::access::{Auth, View};
use crate::api::{Api, ApiError, Shared};
use crate::daemon::alert::firing::Alert;
use crate::model::Namespaces;
use crate::wire;

/// List alerts
///
/// What fires, and what has fired within a day. What is about no app is for whoever sees all namespaces.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "alerts", operation_id = "list_alerts",
    responses((status = 200, description = "those that fire first, then the newest", body = wire::AlertList)))]
pub async fn list(auth: Auth<View>, State(api): State<Shared>) -> Result<Json<wire::AlertList>, ApiError> {
    Ok(Json(alerts(&api, &auth.principal.namespaces)))
}

/// Those that may be seen by who sees these namespaces.
pub fn alerts(api: &Api, namespaces: &Namespaces) -> wire::AlertList {
    let seen = api.alerts.list().into_iter().filter(|alert| is_seen(alert, namespaces));
    wire::AlertList { items: seen.map(convert::alert).collect() }
}

/// So many of those fire.
pub fn firing(api: &Api, namespaces: &Namespaces) -> usize {
    api.alerts.firing(|alert| is_seen(alert, namespaces))
}

fn is_seen(alert: &Alert, namespaces: &Namespaces) -> bool {
    match &alert.subject.process {
        Some(whose) => namespaces.has(&whose.namespace),
        None => *namespaces == Namespaces::All,
    }
}
