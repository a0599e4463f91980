//! `GET /settings`: tokens, users and sessions. What its forms ask for is done by the API's own
//! routes, which know who may.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::{Fields, reader};
use crate::api::access::{PageAuth, View};
use crate::api::audit::Note;
use crate::api::extract::{Json, Path, Query};
use crate::api::paging::Paging;
use crate::api::{ApiError, Shared, sessions, system, tokens, users};
use crate::dashboard::{self, SettingsPage};
use crate::wire::{NewToken, NewUser, Role};

const DAY_MS: i64 = 86_400_000;

/// The page.
pub async fn page(auth: PageAuth<View>, State(api): State<Shared>) -> Result<Html<String>, ApiError> {
    show(&auth, &api, None, None).await.map(Html)
}

/// `POST /settings/{what}/{verb}`: does it and shows the page again, with a new token if one was
/// made, or with what was wrong.
pub async fn change(
    auth: PageAuth<View>,
    State(api): State<Shared>,
    Path((what, verb)): Path<(String, String)>,
    note: Note,
    fields: Fields,
) -> Result<Response, ApiError> {
    match carry_out(&auth, &api, &note, &what, &verb, &fields).await {
        Ok(None) => Ok(Redirect::to("/settings").into_response()),
        Ok(Some((name, secret))) => {
            Ok(Html(show(&auth, &api, Some((&name, &secret)), None).await?).into_response())
        }
        Err(refused)
            if refused.status == StatusCode::UNPROCESSABLE_ENTITY
                || refused.status == StatusCode::CONFLICT =>
        {
            let page = show(&auth, &api, None, Some(&refused.detail)).await?;
            Ok((refused.status, Html(page)).into_response())
        }
        Err(refused) => Err(refused),
    }
}

/// A token that was made: its name and itself.
type Made = Option<(String, String)>;

async fn carry_out(
    auth: &PageAuth<View>,
    api: &Shared,
    note: &Note,
    what: &str,
    verb: &str,
    fields: &Fields,
) -> Result<Made, ApiError> {
    let text = |name: &str| fields.get(name).unwrap_or_default().to_owned();
    note.about(fields.get("id").or_else(|| fields.get("name")).unwrap_or_default());
    let api = State(api.clone());
    match (what, verb) {
        ("tokens", "create") => {
            let days: i64 = match fields.get("days") {
                None => 90,
                Some(said) => said.parse().map_err(|_| {
                    ApiError::member("/days", format!("{said:?} is not a number of days: use 1 to 365"))
                })?,
            };
            let new = NewToken {
                name: text("name"),
                role: role(fields)?,
                namespaces: namespaces(fields),
                expires_in_ms: Some(days.saturating_mul(DAY_MS)),
            };
            let (_, axum::Json(made)) =
                tokens::create::create(auth.with()?, api, note.clone(), Json(new)).await?;
            Ok(Some((made.token.name, made.secret)))
        }
        ("tokens", "revoke") => {
            tokens::revoke::revoke(auth.with()?, api, Path(text("id"))).await?;
            Ok(None)
        }
        ("users", "add") => {
            let new = NewUser {
                name: text("name"),
                // Not without the blanks at its ends.
                password: fields.all("password").next().unwrap_or_default().to_owned(),
                role: role(fields)?,
                namespaces: namespaces(fields),
            };
            drop(users::add::add(auth.with()?, api, note.clone(), Json(new)).await?);
            Ok(None)
        }
        ("users", "remove") => {
            users::remove::remove(auth.with()?, api, Path(text("name"))).await?;
            Ok(None)
        }
        ("sessions", "end") => {
            sessions::end::end(auth.with()?, api, Path(text("id"))).await?;
            Ok(None)
        }
        (_, _) => Err(ApiError::no_route()),
    }
}

fn role(fields: &Fields) -> Result<Role, ApiError> {
    let word = fields.get("role").unwrap_or_default();
    serde_json::from_value(word.into()).map_err(|_| {
        ApiError::member("/role", format!("{word:?} is not a role: use viewer, operator, deployer or admin"))
    })
}

/// Absent: all of them.
fn namespaces(fields: &Fields) -> Option<Vec<String>> {
    let words = fields.get("namespaces")?.split([',', ' ']);
    Some(words.filter(|word| !word.is_empty()).map(str::to_owned).collect())
}

async fn show(
    auth: &PageAuth<View>,
    api: &Shared,
    secret: Option<(&str, &str)>,
    error: Option<&str>,
) -> Result<String, ApiError> {
    let api = || State(api.clone());
    let whole = || Query(Paging::default());
    let axum::Json(tokens) = tokens::list::list(auth.with()?, api(), whole()).await?;
    let axum::Json(users) = users::list::list(auth.with()?, api(), whole()).await?;
    let axum::Json(sessions) = sessions::list::list(auth.with()?, api(), whole()).await?;
    let system = system::show::system(&api().0, &auth.principal).await?;
    Ok(dashboard::settings_page(&SettingsPage {
        daemon: &system.daemon,
        tokens: &tokens.items,
        users: &users.items,
        sessions: &sessions.items,
        secret,
        error,
        reader: &reader(&auth.principal, &api().0),
    }))
}
