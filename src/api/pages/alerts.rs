//! `GET /alerts`: what fires; for admins rules and channels, too. What its forms ask for is done by the
//! API's own routes.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::{Asked, Fields, asked, reader, wrong};
use crate::api::access::{Admin, Needs, PageAuth, View, wants_html};
use crate::api::alerts::{channels, list, rules};
use crate::api::audit::Note;
use crate::api::extract::{Json, Path, Query};
use crate::api::paging::Paging;
use crate::api::{ApiError, Shared};
use crate::daemon::clock;
use crate::dashboard::{self, AlertSetup, AlertsPage, Reader, Typed};
use crate::wire::{Alert, AlertChannel, AlertRule, FieldError, NewAlertRule};

/// The page.
pub async fn page(auth: PageAuth<View>, State(api): State<Shared>) -> Result<Html<String>, ApiError> {
    show(&auth, &api, &Came::default()).await
}

/// `GET /fragments/alerts`: what of it changes by itself.
pub async fn fragment(auth: PageAuth<View>, State(api): State<Shared>) -> Result<Html<String>, ApiError> {
    let seen = Seen::now(&auth, &api).await?;
    Ok(Html(dashboard::alerts_fragment(&seen.page(&Came::default()))))
}

/// `GET /alerts/{what}/remove?name=…`: the question before it. It changes nothing.
pub async fn ask(
    auth: PageAuth<Admin>,
    State(api): State<Shared>,
    Path((what, verb)): Path<(String, String)>,
    query: Asked,
) -> Result<Html<String>, ApiError> {
    let what = match (what.as_str(), verb.as_str()) {
        ("rules", "remove") => "rule",
        ("channels", "remove") => "channel",
        (_, _) => return Err(ApiError::no_route()),
    };
    let reader = reader(&auth.principal, &api);
    Ok(Html(dashboard::alert_removal_page(what, asked(&query, "name"), &reader)))
}

/// `POST /alerts/{what}/{verb}`: does it and shows the page again, or what was wrong.
pub async fn change(
    auth: PageAuth<Admin>,
    State(api): State<Shared>,
    Path((what, verb)): Path<(String, String)>,
    note: Note,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, ApiError> {
    let added = match (what.as_str(), verb.as_str()) {
        ("rules", "add") => {
            let errors = add_rule(&auth, &api, note, &fields).await?;
            Came { rule: Wrong { values: fields.0, errors }, ..Came::default() }
        }
        ("channels", "add") => {
            let errors = add_channel(&auth, &api, note, &fields).await?;
            Came { channel: Wrong { values: fields.0, errors }, ..Came::default() }
        }
        (what, verb) => {
            let name = fields.get("name").unwrap_or_default();
            return match act(&auth, &api, &note, what, verb, name).await {
                Ok(None) => Ok(Redirect::to("/alerts").into_response()),
                Ok(Some(sentence)) => {
                    let came = Came { outcome: Some((true, sentence)), ..Came::default() };
                    Ok(show(&auth, &api, &came).await?.into_response())
                }
                // Sent in place, or no such thing.
                Err(refused) if !wants_html(&headers) || refused.code == "route_not_found" => Err(refused),
                Err(refused) => {
                    let came = Came { outcome: Some((false, refused.detail)), ..Came::default() };
                    Ok((refused.status, show(&auth, &api, &came).await?).into_response())
                }
            };
        }
    };
    if added.rule.errors.is_empty() && added.channel.errors.is_empty() {
        return Ok(Redirect::to("/alerts").into_response());
    }
    Ok((StatusCode::UNPROCESSABLE_ENTITY, show(&auth, &api, &added).await?).into_response())
}

/// Adds the rule of a form; answers what is wrong with it.
async fn add_rule(
    auth: &PageAuth<Admin>,
    api: &Shared,
    note: Note,
    fields: &Fields,
) -> Result<Vec<FieldError>, ApiError> {
    let (new, mut errors) = dashboard::alert_rule(&fields.0);
    if errors.is_empty() {
        let added = rules::add::add(auth.with()?, State(api.clone()), note, Json(new)).await;
        errors.extend(added.err().into_iter().flat_map(wrong));
    }
    Ok(errors)
}

/// Adds the channel of a form; answers what is wrong with it.
async fn add_channel(
    auth: &PageAuth<Admin>,
    api: &Shared,
    note: Note,
    fields: &Fields,
) -> Result<Vec<FieldError>, ApiError> {
    let (new, mut errors) = dashboard::alert_channel(&fields.0);
    if errors.is_empty() {
        let added = channels::add::add(auth.with()?, State(api.clone()), note, Json(new)).await;
        errors.extend(added.err().into_iter().flat_map(wrong));
    }
    Ok(errors)
}

/// What a button of a rule or channel does; answers what is to be said of it.
async fn act(
    auth: &PageAuth<Admin>,
    api: &Shared,
    note: &Note,
    what: &str,
    verb: &str,
    name: &str,
) -> Result<Option<String>, ApiError> {
    note.about(name);
    let (state, path) = (State(api.clone()), Path(name.to_owned()));
    match (what, verb) {
        ("rules", "pause" | "resume") => {
            let rule = rules::show::show(auth.with()?, State(api.clone()), Path(name.to_owned())).await?.0;
            let wanted = NewAlertRule { paused: verb == "pause", ..rule.into() };
            drop(rules::replace::replace(auth.with()?, state, note.clone(), path, Json(wanted)).await?);
        }
        ("rules", "remove") => {
            rules::remove::remove(auth.with()?, state, note.clone(), path).await?;
        }
        ("channels", "remove") => {
            channels::remove::remove(auth.with()?, state, note.clone(), path).await?;
        }
        ("channels", "test") => {
            channels::test::test(auth.with()?, state, note.clone(), path).await?;
            return Ok(Some(format!("{name} has taken a test alert.")));
        }
        (_, _) => return Err(ApiError::no_route()),
    }
    Ok(None)
}

/// What came of a form that was sent.
#[derive(Default)]
struct Came {
    /// What was typed into the form of a rule, and what is wrong with it.
    rule: Wrong,
    /// Of a channel.
    channel: Wrong,
    /// Whether it was done, and a sentence.
    outcome: Option<(bool, String)>,
}

#[derive(Default)]
struct Wrong {
    values: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

impl Wrong {
    fn typed(&self) -> Typed<'_> {
        Typed { values: &self.values, errors: &self.errors }
    }
}

async fn show<N: Needs>(auth: &PageAuth<N>, api: &Shared, came: &Came) -> Result<Html<String>, ApiError> {
    let seen = Seen::now(auth, api).await?;
    Ok(Html(dashboard::alerts_page(&seen.page(came))))
}

/// What the reader sees.
struct Seen {
    alerts: Vec<Alert>,
    /// For who may change them.
    setup: Option<(Vec<AlertRule>, Vec<AlertChannel>)>,
    reader: Reader,
}

impl Seen {
    async fn now<N: Needs>(auth: &PageAuth<N>, api: &Shared) -> Result<Seen, ApiError> {
        let api = || State(api.clone());
        let whole = || Query(Paging::default());
        let mut setup = None;
        if auth.with::<Admin>().is_ok() {
            let rules = rules::list::list(auth.with()?, api(), whole()).await?.0.items;
            setup = Some((rules, channels::list::list(auth.with()?, api(), whole()).await?.0.items));
        }
        let alerts = list::list(auth.with()?, api()).await?.0.items;
        Ok(Seen { alerts, setup, reader: reader(&auth.principal, &api().0) })
    }

    fn page<'a>(&'a self, came: &'a Came) -> AlertsPage<'a> {
        AlertsPage {
            alerts: &self.alerts,
            setup: self.setup.as_ref().map(|(rules, channels)| AlertSetup {
                rules,
                channels,
                rule: came.rule.typed(),
                channel: came.channel.typed(),
            }),
            outcome: came.outcome.as_ref().map(|(done, sentence)| (*done, sentence.as_str())),
            now_ms: clock::unix_ms() as i64,
            reader: &self.reader,
        }
    }
}
