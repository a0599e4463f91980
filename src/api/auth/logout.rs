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
        Via::Token { jti } => {
            let mut accounts = api.accounts();
            if accounts.is_of_the_command_line(jti) {
                let detail = "this is the token of the command line on this host: it is renewed by itself, and \
                              pmdaemon token revoke with its id ends it";
                return Err(ApiError::new(StatusCode::CONFLICT, "local_token", detail));
            }
            accounts.revoke(jti)
        }
        Via::Session { id_hash } => api.accounts().end_session_of(id_hash),
        // There is nothing to end.
        Via::Open { .. } => None,
    };
    api.handle.keep(change.into_iter().collect()).await?;
    Ok(StatusCode::NO_CONTENT)
}
