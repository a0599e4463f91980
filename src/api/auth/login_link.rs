//! `POST /api/v1/auth/login-link`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::api::access::{Auth, View};
use crate::api::{ApiError, Shared};
use crate::auth::Via;
use crate::daemon::clock;
use crate::wire;

/// Make a link that logs a browser in, once
///
/// For oneself, with one's own rights. It is void after 60 s, and after its first use.
#[utoipa::path(post, path = "/api/v1/auth/login-link", tag = "auth", operation_id = "make_login_link",
    responses(
        (status = 200, description = "the link", body = wire::LoginLink),
        (status = 409, description = "no login is needed here", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn login_link(
    auth: Auth<View>,
    State(api): State<Shared>,
) -> Result<Json<wire::LoginLink>, ApiError> {
    if let Via::Open { .. } = auth.principal.via {
        let detail = "nobody has to log in at this address: its authentication is off";
        return Err(ApiError::new(StatusCode::CONFLICT, "no_login_needed", detail));
    }
    let code = api.accounts().make_login_code(&auth.principal, clock::unix_ms());
    Ok(Json(wire::LoginLink { path: format!("/login/once?code={code}"), expires_in_ms: 60_000 }))
}
