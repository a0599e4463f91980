//! `GET /api/system`

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::api::access::{Auth, View};
use crate::api::{ApiError, Shared};

/// System metrics
#[utoipa::path(get, path = "/api/system", tag = "compat", operation_id = "compat_system",
    responses((status = 200, description = "`cpu` %, `memory` {used, total, percentage}, `load_average`, `uptime` s", body = Object)))]
pub async fn system(auth: Auth<View>, State(api): State<Shared>) -> Result<Json<Value>, ApiError> {
    let host = crate::api::system::show::system(&api, &auth.principal).await?.host;
    let share = 100.0 * host.memory_used_bytes as f64 / (host.memory_total_bytes.max(1)) as f64;
    Ok(Json(json!({
        "cpu": host.cpu_percent,
        "memory": {
            "used": host.memory_used_bytes,
            "total": host.memory_total_bytes,
            "percentage": (share * 10.0).round() / 10.0,
        },
        "load_average": host.load_average,
        "uptime": host.uptime_ms / 1000,
    })))
}
