//! `GET /api/v1/auth/whoami`

use axum::Json;

use crate::api::access::{Auth, View};
use crate::api::convert;
use crate::wire;

/// Show who is asking
#[utoipa::path(get, path = "/api/v1/auth/whoami", tag = "auth", operation_id = "whoami",
    responses((status = 200, description = "the principal of this request", body = wire::Whoami)))]
pub async fn whoami(auth: Auth<View>) -> Json<wire::Whoami> {
    Json(convert::whoami(&auth.principal))
}
