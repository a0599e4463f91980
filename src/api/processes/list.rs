//! `GET /api/v1/processes`

use axum::Json;
use axum::extract::State;

use crate::api::access::{Auth, View};
use crate::api::{Api, Shared, convert, scope};
use crate::auth::Principal;
use crate::wire;

/// List all processes
#[utoipa::path(get, path = "/api/v1/processes", tag = "processes", operation_id = "list_processes",
    responses((status = 200, description = "all processes, by id", body = wire::ProcessList)))]
pub async fn list(auth: Auth<View>, State(api): State<Shared>) -> Json<wire::ProcessList> {
    Json(wire::ProcessList { items: all(&api, &auth.principal).await })
}

/// Every process that `principal` sees, with figures that are at most a second old.
pub async fn all(api: &Api, principal: &Principal) -> Vec<wire::Process> {
    let measured = api.handle.measured().await;
    let snapshot = scope::snapshot(api, principal);
    snapshot.processes.values().map(|view| convert::process(view, measured.as_deref())).collect()
}
