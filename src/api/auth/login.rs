//! `POST /api/v1/auth/login`

use std::time::Duration;

use axum::Json as JsonAnswer;
use axum::extract::State;

use crate::api::audit::Note;
use crate::api::extract::Json;
use crate::api::parameters::OnlyDescribed;
use crate::api::password::{self, Source};
use crate::api::{ApiError, Shared, tokens};
use crate::auth::{Accounts, Grant, Refused};
use crate::daemon::clock;
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
    _: OnlyDescribed,
    State(api): State<Shared>,
    source: Source,
    note: Note,
    Json(said): Json<wire::Login>,
) -> Result<JsonAnswer<wire::LoggedIn>, ApiError> {
    let user = password::verify(&api, &said.user, said.password, source, &note).await?;
    let grant = Grant { subject: user.name.clone(), role: user.role, namespaces: user.namespaces.clone() };
    let mint = |accounts: &mut Accounts| match accounts.is_still(&user) {
        true => Ok(accounts.mint(&grant, Some(&user.name), LIFE, clock::unix_ms())),
        false => Err(Refused::Revoked.into()),
    };
    let (secret, token) = tokens::made(&api, mint).await?;
    Ok(JsonAnswer(wire::LoggedIn { secret, token }))
}
