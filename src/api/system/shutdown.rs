//! `POST /api/v1/system/shutdown`

use axum::extract::State;
use axum::http::StatusCode;

use crate::api::access::{Admin, Auth};
use crate::api::{ApiError, Shared, points};

/// Stop all services, then keeper and daemon
///
/// Services stay stopped when the daemon is started again. Those that ran are kept as the restore
/// point `last-kill`.
#[utoipa::path(post, path = "/api/v1/system/shutdown", tag = "system", operation_id = "shut_down",
    responses((status = 202, description = "it has begun")))]
pub async fn shutdown(_auth: Auth<Admin>, State(api): State<Shared>) -> Result<StatusCode, ApiError> {
    api.handle.may_save()?;
    points::save_before_kill(&api).await?;
    api.handle.end().await?;
    Ok(StatusCode::ACCEPTED)
}
