//! Passwords are hashed and compared off the threads that serve others, a few at once, and nobody
//! may try as often as they like.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::arrival::Arrival;
use super::audit::Note;
use super::{Api, ApiError};
use crate::auth::{Wait, passwords};
use crate::daemon::clock;
use crate::store::{Change, UserRow};

/// Somebody whom nobody knows, in a record.
pub const UNKNOWN: &str = "unknown";

/// So many are hashed at once: 19 MiB and a core each.
pub const AT_ONCE: usize = 2;

/// From where a request came, as the connection tells: no header does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Source(pub Option<IpAddr>);

impl<S: Send + Sync> FromRequestParts<S> for Source {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Source::of(parts.extensions.get::<Arrival>().copied()))
    }
}

impl Source {
    /// Of a request that arrived so.
    pub fn of(arrival: Option<Arrival>) -> Source {
        match arrival {
            Some(Arrival::Tcp { peer, .. }) => Source(Some(peer.ip())),
            Some(Arrival::Unix) | None => Source(None),
        }
    }
}

/// The user whose password that is, as they are now, if they may try now. What is kept of it is
/// brought up to date.
///
/// # Errors
/// 401 when not, whoever does not exist; 429 after too many attempts.
pub async fn verify(
    api: &Api,
    user: &str,
    password: String,
    source: Source,
    note: &Note,
) -> Result<UserRow, ApiError> {
    let now = clock::unix_ms();
    let known = api.accounts().user(user).cloned();
    // What nobody is called may be a password that was typed into the wrong field.
    note.by_login(if known.is_some() { user } else { UNKNOWN }, "password");
    api.throttle().attempt(Some(user), source.0, now).map_err(too_many)?;
    let kept = known.as_ref().map(|row| row.password.clone());
    let (right, outdated) = hashing(api, move || {
        let right = passwords::verify(&password, kept.as_deref());
        let outdated = right && kept.is_some_and(|kept| passwords::is_outdated(&kept));
        (right, outdated.then(|| passwords::hash(&password)))
    })
    .await?;
    let Some(known) = known.filter(|_| right) else {
        return Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "login_failed",
            "the name or the password is wrong: try again, or ask an admin for pmdaemon user passwd",
        ));
    };
    api.throttle().right(Some(user), source.0, clock::unix_ms());
    let Some(hash) = outdated else { return Ok(known) };
    let newer = api.note(|accounts| {
        let newer = accounts.rehash(&known, hash);
        let changes = newer.iter().cloned().map(Change::PutUser).collect();
        (newer, changes)
    });
    Ok(newer.unwrap_or(known))
}

/// What to keep of a new password.
///
/// # Errors
/// 422 for one that may not be used.
pub async fn hash(api: &Api, password: String) -> Result<String, ApiError> {
    passwords::check(&password).map_err(|e| ApiError::member("/password", e))?;
    hashing(api, move || passwords::hash(&password)).await
}

async fn hashing<T: Send + 'static>(
    api: &Api,
    f: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    let _turn = api.hashing.acquire().await.map_err(|e| ApiError::internal(&e))?;
    tokio::task::spawn_blocking(f).await.map_err(|e| ApiError::internal(&e))
}

/// 429.
pub fn too_many(wait: Wait) -> ApiError {
    let detail = format!("there were too many attempts to log in: try again in {} s", wait.seconds);
    let error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", detail);
    ApiError { retry_after: u32::try_from(wait.seconds).ok(), ..error }
}
