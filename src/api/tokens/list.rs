//! `GET /api/v1/tokens`

use axum::Json;
use axum::extract::State;

use super::{may_manage, show};
use crate::api::access::{Auth, View};
use crate::api::cursor::Key;
use crate::api::extract::Query;
use crate::api::paging::{Page, Paging};
use crate::api::{ApiError, Shared};
use crate::daemon::clock;
use crate::wire;

/// List tokens
///
/// Those that count: of everybody for an admin, otherwise one's own and those that one had made.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "auth", operation_id = "list_tokens", params(Paging),
    responses(
        (status = 200, description = "by name, then the oldest first", body = wire::TokenList),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn list(
    auth: Auth<View>,
    State(api): State<Shared>,
    Query(paging): Query<Paging>,
) -> Result<Json<wire::TokenList>, ApiError> {
    let rows = api.accounts().tokens(clock::unix_ms());
    let theirs = rows.iter().filter(|row| may_manage(&auth.principal, row)).map(show).collect();
    let key = |token: &wire::Token| Key::Text(format!("{} {} {}", token.name, token.created_at, token.id));
    let Page { items, more } = paging.page("tokens", theirs, key)?;
    Ok(Json(wire::TokenList { items, more }))
}
