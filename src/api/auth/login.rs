//! `POST /api/v1/auth/login`

use std::time::Duration;

use axum::Json as JsonAnswer;
use axum::extract::State;

use crate::api::audit::Note;
use crate::api::extract::Json;
use crate::api::password::{self, Source};
use crate::api::{ApiError, Shared, tokens};
use crate::auth::Grant;
use crate::daemon::clock;
use crate::store::Change;
use crate::wire;

/// How long a login on a command line lasts.
const LIFE: Duration = Duration::from_secs(30 * 86_400);

/// Log in with a password, for a token
///
/// The token speaks for the user, for 30 days. It ends with a new password, and with the user.
#[utoipa::path(post, path = "/api/v1/auth/login", tag = "auth", operation_id = "login", security(()),
    request_body(content = wire::Login, example = json!({"user": "alice", "password": "correct horse battery"})),
    responses(
        (status = 200, description = "logged in", body = wire::LoggedIn),
        (status = 401, description = "name or password is wrong", body = wire::Problem, content_type = "application/problem+json"),
        (status = 429, description = "too many attempts; `Retry-After` says how long to wait", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn login(
    State(api): State<Shared>,
    source: Source,
    note: Note,
    Json(said): Json<wire::Login>,
) -> Result<JsonAnswer<wire::LoggedIn>, ApiError> {
    password::verify(&api, &said.user, said.password, source, &note).await?;
    let (secret, change) = {
        let mut accounts = api.accounts();
        // Gone since it was verified: as if they had never been.
        let Some(user) = accounts.user(&said.user) else { return Err(crate::auth::Refused::Revoked.into()) };
        let grant =
            Grant { subject: user.name.clone(), role: user.role, namespaces: user.namespaces.clone() };
        accounts.mint(&grant, Some(&said.user), LIFE, clock::unix_ms())
    };
    let Change::PutToken(row) = &change else {
        return Err(ApiError::internal(&"what was made is no token"));
    };
    let token = tokens::show(row);
    if let Err(e) = api.handle.record(vec![change]).await {
        api.accounts().revoke(&token.id);
        return Err(e.into());
    }
    Ok(JsonAnswer(wire::LoggedIn { secret, token }))
}
