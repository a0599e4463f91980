//! The dashboard's routes: what the views in [`crate::dashboard`] are filled with.
//!
//! Every page works without script: actions are plain forms that come back to the list.

use axum::Form;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::access::{self, AppOperate, LogsRead, PageAuth, View};
use super::act::act;
use super::extract::{Path, Query};
use super::resolve::resolve;
use super::{ApiError, Shared, convert, logs, processes, system};
use crate::daemon::clock;
use crate::dashboard::{self, LogsPage, ProcessesPage};
use crate::wire::Action;

/// How long a form waits for the outcome before it shows the list.
const FORM_WAIT: std::time::Duration = std::time::Duration::from_secs(15);
/// Lines on a logs page.
const LOG_LINES: usize = 500;

/// `GET /`
pub async fn list(auth: PageAuth<View>, State(api): State<Shared>) -> Result<Html<String>, ApiError> {
    let processes = processes::list::all(&api).await;
    let system = system::show::system(&api).await?;
    let who = convert::whoami(&auth.principal);
    Ok(Html(dashboard::processes_page(&ProcessesPage {
        processes: &processes,
        system: &system,
        who: &who,
        notice: None,
    })))
}

/// `GET /fragments/processes`: the table's body, for a page whose rows have come or gone.
pub async fn table(auth: PageAuth<View>, State(api): State<Shared>) -> Html<String> {
    let processes = processes::list::all(&api).await;
    Html(dashboard::table_fragment(&processes, &convert::whoami(&auth.principal)))
}

/// `POST /apps/{ref}/{verb}`: the buttons, without script.
pub async fn act_by_form(
    _auth: PageAuth<AppOperate>,
    State(api): State<Shared>,
    Path((reference, verb)): Path<(String, String)>,
) -> Result<Redirect, ApiError> {
    let verb = match verb.as_str() {
        "start" => Action::Start,
        "stop" => Action::Stop,
        "restart" => Action::Restart,
        _ => return Err(ApiError::no_route()),
    };
    let targets = resolve(&api.handle.snapshot(), &reference)?;
    act(&api, verb, &targets, FORM_WAIT).await?;
    Ok(Redirect::to("/"))
}

/// `GET /apps/{ref}/logs`
pub async fn app_logs(
    auth: PageAuth<LogsRead>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
) -> Result<Html<String>, ApiError> {
    let views = resolve(&api.handle.snapshot(), &reference)?;
    let lines = logs::last_lines(&views, LOG_LINES, None).await?;
    let title = match views.as_slice() {
        [one] => one.name(),
        several => several.first().map_or_else(String::new, |view| view.spec.name.to_string()),
    };
    let who = convert::whoami(&auth.principal);
    Ok(Html(dashboard::logs_page(&LogsPage {
        title: &title,
        reference: &reference,
        lines: &lines,
        who: &who,
    })))
}

/// `GET /docs`
pub async fn docs(auth: PageAuth<View>) -> Html<String> {
    let who = convert::whoami(&auth.principal);
    Html(dashboard::docs_page(super::openapi::document(), &who))
}

/// `?next=` of the login page.
#[derive(Deserialize)]
pub struct Next {
    #[serde(default)]
    next: String,
}

/// `GET /login`
pub async fn login(Query(next): Query<Next>) -> Html<String> {
    Html(dashboard::login_page(&local_path(&next.next), None))
}

/// A pasted token.
#[derive(Deserialize)]
pub struct Pasted {
    token: String,
    #[serde(default)]
    next: String,
}

/// `POST /login`
pub async fn login_with_token(
    State(api): State<Shared>,
    origin: Origin,
    Form(pasted): Form<Pasted>,
) -> Response {
    let next = local_path(&pasted.next);
    let now = clock::unix_ms();
    let opened = {
        let mut accounts = api.accounts();
        accounts
            .verify_token(pasted.token.trim(), now)
            .map(|principal| accounts.open_session(&principal, &origin.0, now))
    };
    match opened {
        Ok((session, change)) => {
            api.handle.recorder().write(vec![change]);
            logged_in(&session, &next)
        }
        Err(refused) => {
            let page = dashboard::login_page(&next, Some(&refused.to_string()));
            (StatusCode::UNAUTHORIZED, Html(page)).into_response()
        }
    }
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
pub async fn redeem(State(api): State<Shared>, origin: Origin, Form(code): Form<Code>) -> Response {
    let redeemed = api.accounts().redeem_login_code(&code.code, &origin.0, clock::unix_ms());
    match redeemed {
        Some((session, change)) => {
            api.handle.recorder().write(vec![change]);
            logged_in(&session, "/")
        }
        None => {
            let sentence =
                "This link was used already or is older than 60 seconds: run `pmdaemon open` for a new one.";
            (StatusCode::UNAUTHORIZED, Html(dashboard::login_page("/", Some(sentence)))).into_response()
        }
    }
}

/// `POST /logout`
pub async fn logout(
    _auth: PageAuth<View>,
    State(api): State<Shared>,
    headers: axum::http::HeaderMap,
) -> Response {
    if let Some(session) = access::cookie(&headers) {
        let ended = api.accounts().end_session(session);
        api.handle.recorder().write(ended.into_iter().collect());
    }
    let cookie = format!("{}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0", access::COOKIE);
    ([(header::SET_COOKIE, cookie)], Redirect::to("/login")).into_response()
}

fn logged_in(session: &str, next: &str) -> Response {
    let cookie = format!("{}={session}; HttpOnly; SameSite=Strict; Path=/", access::COOKIE);
    ([(header::SET_COOKIE, cookie)], Redirect::to(next)).into_response()
}

/// A path of this server, or `/`: never a way out of it (web.md 4.3, row 40).
fn local_path(next: &str) -> String {
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

/// `GET /assets/{version}/{path}`: embedded files; the version is the hash of the whole set.
pub async fn asset(Path((version, path)): Path<(String, String)>) -> Result<Response, ApiError> {
    if version != dashboard::assets::version() {
        return Err(ApiError::no_route());
    }
    let asset = dashboard::assets::get(&path).ok_or_else(ApiError::no_route)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    Ok((headers, asset.bytes.into_owned()).into_response())
}

#[cfg(test)]
mod tests {
    use super::local_path;

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
