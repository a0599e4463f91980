//! `GET /api/v1/apps`

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;

use crate::api::access::{Auth, View};
use crate::api::{Shared, convert};
use crate::wire;

/// List all apps with their processes
#[utoipa::path(get, path = "/api/v1/apps", tag = "apps", operation_id = "list_apps",
    responses((status = 200, description = "all apps, by id", body = wire::AppList)))]
pub async fn list(_auth: Auth<View>, State(api): State<Shared>) -> Json<wire::AppList> {
    let measured = api.handle.measured().await;
    let snapshot = api.handle.snapshot();
    let mut by_app = BTreeMap::<_, Vec<_>>::new();
    for view in snapshot.processes.values() {
        by_app.entry(view.app).or_default().push(view.clone());
    }
    let items = by_app.values().filter_map(|views| convert::app(views, measured.as_deref())).collect();
    Json(wire::AppList { items })
}
