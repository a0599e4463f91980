//! `GET /api/v1/audit/verdict`

use axum::Json;
use axum::extract::State;

use crate::api::access::{Admin, Auth};
use crate::api::{ApiError, Shared};
use crate::wire;

/// Verify the audit
///
/// Follows the chain of hashes from the oldest record to the newest, and names the first that is not
/// what was written.
#[utoipa::path(get, path = "/api/v1/audit/verdict", tag = "auth", operation_id = "verify_audit",
    responses((status = 200, description = "what came of it", body = wire::AuditVerdict)))]
pub async fn verify(
    _auth: Auth<Admin>,
    State(api): State<Shared>,
) -> Result<Json<wire::AuditVerdict>, ApiError> {
    let verdict = api.handle.recorder().read(|store| store.verify_audit()).await;
    let verdict = verdict.map_err(|e| ApiError::internal(&e))?.map_err(|e| ApiError::internal(&e))?;
    let broken = verdict.broken.map(|(seq, why)| wire::BrokenRecord { seq: seq as i64, why });
    Ok(Json(wire::AuditVerdict {
        intact: verdict.intact as i64,
        seq: verdict.head.next.saturating_sub(1) as i64,
        hash: verdict.head.hash,
        broken,
    }))
}
