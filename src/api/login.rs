//! Logging in and out by browser: a password, a pasted token, or the code of a one-time link, for a session.

use axum::Form;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::access::{self, PageAuth, View};
use super::audit::Note;
use super::extract::Query;
use super::password::{self, Source};
use super::{Api, ApiError, Shared};
use crate::auth::{Accounts, Refused};
use crate::daemon::clock;
use crate::dashboard;
use crate::store::Change;

/// `?next=` of the login page.
#[derive(Deserialize)]
pub struct Back {
    #[serde(default)]
    next: String,
}

/// `GET /login`
pub async fn login(Query(back): Query<Back>) -> Html<String> {
    Html(dashboard::login_page(&local_path(&back.next), None))
}

/// A user with a password, or a pasted token.
#[derive(Deserialize)]
pub struct Said {
    #[serde(default)]
    user: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    token: String,
    #[serde(default)]
    next: String,
}

/// `POST /login`
pub async fn log_in(
    State(api): State<Shared>,
    origin: Origin,
    source: Source,
    note: Note,
    OurPage: OurPage,
    Form(said): Form<Said>,
) -> Response {
    let next = local_path(&said.next);
    let opened = match said.token.trim() {
        "" => by_password(&api, said.user.trim(), said.password, &origin.0, source, &note).await,
        token => by_token(&api, token, &origin.0, source, &note).await,
    };
    match opened {
        Ok(session) => logged_in(&origin.0, &session, &next),
        Err(error) => {
            let page = dashboard::login_page(&next, Some(&error.detail));
            let mut response = error.into_response();
            // The page is the answer, with the status and the headers of the refusal.
            response.headers_mut().remove(header::CONTENT_TYPE);
            let (parts, _) = response.into_parts();
            (parts, Html(page)).into_response()
        }
    }
}

async fn by_password(
    api: &Api,
    user: &str,
    password: String,
    origin: &str,
    source: Source,
    note: &Note,
) -> Result<String, ApiError> {
    let user = password::verify(api, user, password, source, note).await?;
    let open = |accounts: &mut Accounts| {
        let opened = accounts.open_session_of_user(&user, origin, clock::unix_ms());
        Ok(opened.ok_or(Refused::Revoked)?)
    };
    session(api, open).await
}

async fn by_token(
    api: &Api,
    token: &str,
    origin: &str,
    source: Source,
    note: &Note,
) -> Result<String, ApiError> {
    let now = clock::unix_ms();
    note.by_login(password::UNKNOWN, "token");
    api.throttle().attempt(None, source.0, now).map_err(password::too_many)?;
    let open = |accounts: &mut Accounts| {
        let principal = accounts.verify_token(token, now)?;
        note.by_login(&principal.subject, "token");
        api.throttle().right(None, source.0, now);
        Ok(accounts.open_session(&principal, origin, now))
    };
    session(api, open).await
}

/// The id of a new session. Recorded before answered: a browser that is logged in stays so when the
/// daemon dies.
async fn session(
    api: &Api,
    open: impl FnOnce(&mut Accounts) -> Result<(String, Change), ApiError>,
) -> Result<String, ApiError> {
    api.record(open, |accounts, session| drop(accounts.end_session(session))).await
}

/// The code of a one-time link.
#[derive(Deserialize)]
pub struct Code {
    #[serde(default)]
    code: String,
}

/// `GET /login/once`: a button. Looking does not use the code up, so a preview cannot.
pub async fn login_once(Query(code): Query<Code>) -> Html<String> {
    Html(dashboard::login_once_page(&code.code))
}

/// `POST /login/once`
pub async fn redeem(
    State(api): State<Shared>,
    origin: Origin,
    source: Source,
    note: Note,
    Form(code): Form<Code>,
) -> Response {
    let now = clock::unix_ms();
    note.by_login(password::UNKNOWN, "link");
    if let Err(wait) = api.throttle().attempt(None, source.0, now) {
        return password::too_many(wait).into_response();
    }
    let open = |accounts: &mut Accounts| {
        let opened = accounts.redeem_login_code(&code.code, &origin.0, now).ok_or(Refused::Unknown)?;
        api.throttle().right(None, source.0, now);
        if let Change::PutSession(row) = &opened.1 {
            note.by_login(&row.subject, "link");
        }
        Ok(opened)
    };
    match session(&api, open).await {
        Ok(session) => logged_in(&origin.0, &session, "/"),
        Err(error) if error.status == StatusCode::UNAUTHORIZED => {
            let sentence =
                "This link was used already or is older than 60 seconds: run `pmdaemon open` for a new one.";
            (StatusCode::UNAUTHORIZED, Html(dashboard::login_page("/", Some(sentence)))).into_response()
        }
        Err(error) => error.into_response(),
    }
}

/// `POST /logout`
pub async fn logout(
    _auth: PageAuth<View>,
    State(api): State<Shared>,
    origin: Origin,
    headers: HeaderMap,
) -> Response {
    if let Some(session) = access::cookie(&headers, access::cookie_name(Some(&origin.0)))
        && let Err(e) = api.change(|accounts| accounts.end_session(session).into_iter().collect()).await
    {
        return e.into_response();
    }
    let cookie = access::set_cookie(&origin.0, "");
    ([(header::SET_COOKIE, cookie)], Redirect::to("/login")).into_response()
}

fn logged_in(origin: &str, session: &str, next: &str) -> Response {
    let cookie = access::set_cookie(origin, session);
    ([(header::SET_COOKIE, cookie)], Redirect::to(next)).into_response()
}

/// A path of this server, or `/`: never a way out of it (web.md 4.3, row 40).
pub(super) fn local_path(next: &str) -> String {
    let plain = next.chars().all(|c| c.is_ascii_graphic() && c != '\\');
    if plain && next.starts_with('/') && !next.starts_with("//") { next.to_owned() } else { "/".to_owned() }
}

/// The origin under which the browser reached us. Empty over the unix socket.
pub struct Origin(String);

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Origin(access::own_origin(parts).unwrap_or_default()))
    }
}

/// The form was sent by our page, or by no browser: a page of others must not log somebody in as whom it
/// likes.
pub struct OurPage;

impl<S: Send + Sync> FromRequestParts<S> for OurPage {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        access::from_our_page(parts).map(|()| OurPage)
    }
}

#[cfg(test)]
mod tests {
    use super::local_path;

    /// Row 40 of the security checklist.
    #[test]
    fn after_login_one_stays_on_this_server() {
        for (next, path) in [
            ("/apps/web/logs", "/apps/web/logs"),
            ("/", "/"),
            ("", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/a\r\nSet-Cookie: x", "/"),
        ] {
            assert_eq!(local_path(next), path, "{next}");
        }
    }
}
