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
    let local = |jti: &String| api.accounts().is_of_the_command_line(jti);
    match &auth.principal.via {
        Via::Token { jti } if local(jti) => {
            let detail = "this is the token of the command line on this host: it is renewed by itself, and \
                          pmdaemon token revoke with its id ends it";
            return Err(ApiError::new(StatusCode::CONFLICT, "local_token", detail));
        }
        Via::Token { jti } => api.change(|accounts| accounts.revoke(jti).into_iter().collect()).await?,
        Via::Session { id_hash } => {
            api.change(|accounts| accounts.end_session_of(id_hash).into_iter().collect()).await?
        }
        // There is nothing to end.
        Via::Open { .. } => false,
    };
    Ok(StatusCode::NO_CONTENT)
}
