//! `POST /api/v1/auth/logout`

use axum::extract::State;
use axum::http::StatusCode;

use crate::api::access::{Auth, View};
use crate::api::{ApiError, Shared};
use crate::auth::Via;
use crate::wire;

/// End the token or session that this request was made with
#[utoipa::path(post, path = "/api/v1/auth/logout", tag = "auth", operation_id = "logout",
    responses(
        (status = 204, description = "it is void"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn logout(auth: Auth<View>, State(api): State<Shared>) -> Result<StatusCode, ApiError> {
    let change = match &auth.principal.via {
        Via::Token { jti } => api.accounts().revoke(jti),
        Via::Session { id_hash } => api.accounts().end_session_of(id_hash),
        // There is nothing to end.
        Via::Open { .. } => None,
    };
    api.handle.keep(change.into_iter().collect()).await?;
    Ok(StatusCode::NO_CONTENT)
}
