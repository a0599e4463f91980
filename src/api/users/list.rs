//! `GET /api/v1/users`

use axum::Json;
use axum::extract::State;

use super::show;
use crate::api::Shared;
use crate::api::access::{Auth, View};
use crate::auth::Right;
use crate::wire;

/// List users
///
/// All of them for an admin, otherwise oneself.
#[utoipa::path(get, path = "/api/v1/users", tag = "auth", operation_id = "list_users",
    responses((status = 200, description = "by name", body = wire::UserList)))]
pub async fn list(auth: Auth<View>, State(api): State<Shared>) -> Json<wire::UserList> {
    let all = auth.principal.may(Right::Admin);
    let users = api.accounts().users();
    let items = users.iter().filter(|row| all || row.name == auth.principal.subject).map(show).collect();
    Json(wire::UserList { items })
}
