//! `POST /api/v1/tokens`

use std::time::Duration;

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;

use super::{RESERVED, grantable, made};
use crate::api::access::{Auth, View};
use crate::api::audit::Note;
use crate::api::extract::Json;
use crate::api::{ApiError, Shared};
use crate::auth::{Accounts, Grant, Right};
use crate::daemon::clock;
use crate::model::Name;
use crate::wire;

/// How long a token lives unless somebody says otherwise: 90 days.
const USUAL_LIFE_MS: i64 = 90 * 86_400_000;
/// The shortest life, and the longest: a year.
const LIFE_MS: std::ops::RangeInclusive<i64> = 60_000..=365 * 86_400_000;

/// Make a token
///
/// For admins, and for users who log in with a password. It allows no more than whoever asks has,
/// and ends when a user who had it made is removed or gets another role. The answer has the token itself, this once.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "auth", operation_id = "create_token",
    request_body(content = wire::NewToken, example = json!({"name": "ci", "role": "deployer", "namespaces": ["shop"]})),
    responses(
        (status = 201, description = "made", body = wire::MadeToken),
        (status = 409, description = "somebody has that name", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused; nothing was made", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn create(
    auth: Auth<View>,
    State(api): State<Shared>,
    note: Note,
    Json(new): Json<wire::NewToken>,
) -> Result<(StatusCode, JsonAnswer<wire::MadeToken>), ApiError> {
    // A token of a program makes no more: one that leaked would live on in them.
    if api.accounts().user(&auth.principal.subject).is_none() {
        auth.principal.must(Right::Admin)?;
    }
    let name = Name::parse(&new.name).map_err(|bad| ApiError::member("/name", bad.to_string()))?;
    note.about(name.as_str());
    let (role, namespaces) = grantable(&auth.principal, new.role, new.namespaces.as_deref())?;
    let life_ms = new.expires_in_ms.unwrap_or(USUAL_LIFE_MS);
    if !LIFE_MS.contains(&life_ms) {
        let detail =
            format!("expires_in_ms is {life_ms}: a token lives a minute at least and a year at most");
        return Err(ApiError::member("/expires_in_ms", detail));
    }
    let life = Duration::from_millis(life_ms as u64);
    let grant = Grant { subject: name.to_string(), role, namespaces };
    let now = clock::unix_ms();
    let mint = |accounts: &mut Accounts| {
        if RESERVED.contains(&name.as_str()) || accounts.knows(name.as_str(), now) {
            let detail = format!(
                "{name} is the name of somebody else, so the audit could not tell them apart: use another one, \
                 or run pmdaemon token revoke {name} first"
            );
            return Err(ApiError::new(StatusCode::CONFLICT, "name_taken", detail));
        }
        Ok(accounts.mint(&grant, Some(&auth.principal.subject), life, now))
    };
    let (secret, token) = made(&api, mint).await?;
    Ok((StatusCode::CREATED, JsonAnswer(wire::MadeToken { secret, token })))
}
