//! `GET /api/v1/tokens`

use axum::Json;
use axum::extract::State;

use super::{may_manage, show};
use crate::api::Shared;
use crate::api::access::{Auth, View};
use crate::daemon::clock;
use crate::wire;

/// List tokens
///
/// Those that count: of everybody for an admin, otherwise one's own and those that one had made.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "auth", operation_id = "list_tokens",
    responses((status = 200, description = "by name", body = wire::TokenList)))]
pub async fn list(auth: Auth<View>, State(api): State<Shared>) -> Json<wire::TokenList> {
    let rows = api.accounts().tokens(clock::unix_ms());
    let items = rows.iter().filter(|row| may_manage(&auth.principal, row)).map(show).collect();
    Json(wire::TokenList { items })
}
