//! `GET /api/v1/ecosystem-schema`

use axum::Json;

use crate::api::access::{Auth, View};
use crate::ecosystem;

/// The JSON Schema of ecosystem files
///
/// For editors, which complete and check files by it.
#[utoipa::path(get, path = "/api/v1/ecosystem-schema", tag = "system", operation_id = "ecosystem_schema",
    responses((status = 200, description = "JSON Schema, draft 2020-12", body = serde_json::Value)))]
pub async fn schema(_auth: Auth<View>) -> Json<serde_json::Value> {
    Json(ecosystem::schema())
}
