//! `POST /api/v1/system/reload`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::api::access::{Admin, Auth};
use crate::api::{ApiError, Shared};
use crate::wire;

/// Read certificates again
///
/// As SIGHUP does; files that change are read within a second anyway. Where one is not usable, the one from
/// before stays in use. Settings are in effect as soon as they are set, and env files are read at each start.
#[utoipa::path(post, path = "/api/v1/system/reload", tag = "system", operation_id = "reload_system",
    responses(
        (status = 200, description = "they are in use", body = wire::ConfigReloaded),
        (status = 409, description = "one is not usable, and the one from before stays", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn reload(
    auth: Auth<Admin>,
    State(api): State<Shared>,
) -> Result<Json<wire::ConfigReloaded>, ApiError> {
    auth.must_see_all()?;
    // A disk may be slow.
    let read = tokio::task::spawn_blocking(move || api.listeners.reload_certificates()).await;
    let certificates = read.map_err(|e| ApiError::internal(&e))?.map_err(|e| {
        ApiError::new(
            StatusCode::CONFLICT,
            "certificate_unusable",
            format!("{e}; the one from before stays in use"),
        )
    })?;
    Ok(Json(wire::ConfigReloaded { certificates }))
}
