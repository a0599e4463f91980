//! `GET /api/v1/system`

use axum::Json;
use axum::extract::State;

use super::upgrade;
use crate::api::access::{Auth, View};
use crate::api::{Api, ApiError, Shared, alerts, convert, convert_store, convert_usage};
use crate::auth::Principal;
use crate::wire;

/// Show host and daemon
#[utoipa::path(get, path = "/api/v1/system", tag = "system", operation_id = "show_system",
    responses((status = 200, description = "figures at most a second old", body = wire::System)))]
pub async fn show(auth: Auth<View>, State(api): State<Shared>) -> Result<Json<wire::System>, ApiError> {
    system(&api, &auth.principal).await.map(Json)
}

/// Host and daemon, now, as they are told to whoever that is.
///
/// # Errors
/// When the daemon ends.
pub async fn system(api: &Api, principal: &Principal) -> Result<wire::System, ApiError> {
    let measured = api.handle.measured().await;
    let measured = measured.ok_or_else(|| ApiError::internal(&"the sampling thread is gone"))?;
    Ok(wire::System {
        host: convert_usage::host(&measured),
        daemon: wire::Daemon {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: i64::from(std::process::id()),
            uptime_ms: convert::millis_since(api.started),
            keeper_pid: api.handle.keeper_pid().map(i64::from),
            home: api.handle.home().path().display().to_string(),
            listeners: api.listeners.list(),
            upgrade: upgrade::latest(api.handle.change().borrow().as_ref()),
        },
        store: convert_store::store(api),
        logs: api
            .log_space
            .borrow()
            .map(|space| wire::LogSpace { used_bytes: space.used as i64, budget_bytes: space.budget as i64 }),
        alerts_firing: alerts::list::firing(api, &principal.namespaces) as i64,
    })
}
