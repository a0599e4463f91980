//! `POST /api/v1/auth/login-link`

use axum::Json;
use axum::extract::State;

use crate::api::Shared;
use crate::api::access::{Auth, View};
use crate::daemon::clock;
use crate::wire;

/// Make a link that logs a browser in, once
///
/// For oneself, with one's own rights. It is void after 60 s, and after its first use.
#[utoipa::path(post, path = "/api/v1/auth/login-link", tag = "auth", operation_id = "make_login_link",
    responses((status = 200, description = "the link", body = wire::LoginLink)))]
pub async fn login_link(auth: Auth<View>, State(api): State<Shared>) -> Json<wire::LoginLink> {
    let code = api.accounts().make_login_code(&auth.principal, clock::unix_ms());
    Json(wire::LoginLink { path: format!("/login/once?code={code}"), expires_in_ms: 60_000 })
}
