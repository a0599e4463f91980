//! `GET /api/v1/users`

use axum::Json;
use axum::extract::State;

use super::show;
use crate::api::access::{Auth, View};
use crate::api::cursor::Key;
use crate::api::extract::Query;
use crate::api::paging::{Page, Paging};
use crate::api::{ApiError, Shared};
use crate::auth::Right;
use crate::wire;

/// List users
///
/// All of them for an admin, otherwise oneself.
#[utoipa::path(get, path = "/api/v1/users", tag = "auth", operation_id = "list_users", params(Paging),
    responses(
        (status = 200, description = "by name", body = wire::UserList),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn list(
    auth: Auth<View>,
    State(api): State<Shared>,
    Query(paging): Query<Paging>,
) -> Result<Json<wire::UserList>, ApiError> {
    let all = auth.principal.may(Right::Admin);
    let users = api.accounts().users();
    let theirs = users.iter().filter(|row| all || row.name == auth.principal.subject).map(show).collect();
    let key = |user: &wire::User| Key::Text(user.name.clone());
    let Page { items, more } = paging.page("users", theirs, key)?;
    Ok(Json(wire::UserList { items, more }))
}
