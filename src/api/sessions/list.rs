//! `GET /api/v1/sessions`

use axum::Json;
use axum::extract::State;

use super::{id, may_manage};
use crate::api::access::{Auth, View};
use crate::api::cursor::Key;
use crate::api::extract::Query;
use crate::api::paging::{Page, Paging};
use crate::api::{ApiError, Shared, convert};
use crate::daemon::clock;
use crate::wire;

/// List browser sessions
///
/// All of them for an admin, otherwise one's own.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "auth", operation_id = "list_sessions", params(Paging),
    responses(
        (status = 200, description = "the oldest first", body = wire::SessionList),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn list(
    auth: Auth<View>,
    State(api): State<Shared>,
    Query(paging): Query<Paging>,
) -> Result<Json<wire::SessionList>, ApiError> {
    let now = clock::unix_ms();
    let (rows, tokens) = {
        let accounts = api.accounts();
        (accounts.sessions(now), accounts.tokens(now))
    };
    let from = |jti: &String| match tokens.iter().find(|token| token.jti == *jti) {
        Some(token) => token.subject.clone(),
        None => "a token".to_owned(),
    };
    let show = |row: &crate::store::SessionRow| wire::Session {
        id: id(row).to_owned(),
        subject: row.subject.clone(),
        role: convert::role(row.role),
        namespaces: row.namespaces.words(),
        from: row.parent_jti.as_ref().map_or_else(|| "password".to_owned(), from),
        origin: row.origin.clone(),
        created_at: convert::time(row.created_at_ms),
        last_seen_at: convert::time(row.last_seen_ms),
        expires_at: convert::time(row.expires_at_ms),
    };
    let theirs = rows.iter().filter(|row| may_manage(&auth.principal, row)).map(show).collect();
    let key = |session: &wire::Session| Key::Text(format!("{} {}", session.created_at, session.id));
    let Page { items, more } = paging.page("sessions", theirs, key)?;
    Ok(Json(wire::SessionList { items, more }))
}
