//! `GET /api/v1/sessions`

use axum::Json;
use axum::extract::State;

use super::{id, may_manage};
use crate::api::access::{Auth, View};
use crate::api::{Shared, convert};
use crate::daemon::clock;
use crate::wire;

/// List browser sessions
///
/// All of them for an admin, otherwise one's own.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "auth", operation_id = "list_sessions",
    responses((status = 200, description = "the oldest first", body = wire::SessionList)))]
pub async fn list(auth: Auth<View>, State(api): State<Shared>) -> Json<wire::SessionList> {
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
    let items = rows.iter().filter(|row| may_manage(&auth.principal, row)).map(show).collect();
    Json(wire::SessionList { items })
}
