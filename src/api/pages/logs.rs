//! `GET /logs` and `GET /apps/{ref}/logs`: what was written.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::{Asked, asked, reader};
use crate::api::access::{LogsRead, PageAuth};
use crate::api::extract::Path;
use crate::api::logs::{self, Which};
use crate::api::resolve::{resolve, resolve_app};
use crate::api::{ApiError, Shared, convert};
use crate::daemon::view::Snapshot;
use crate::dashboard::{self, LogsAsked, LogsPage};
use crate::model::ProcessId;
use crate::wire::App;

/// Lines on a page.
const LINES: usize = 500;

/// Those of an app, or of one of its processes.
pub async fn of_app(
    auth: PageAuth<LogsRead>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    query: Asked,
) -> Result<Response, ApiError> {
    let snapshot = auth.snapshot(&api);
    if !asked(&query, "refs").is_empty() {
        return other(&snapshot, &query);
    }
    let all = resolve_app(&snapshot, &reference)?;
    let views = resolve(&snapshot, &reference)?;
    let app = convert::app(&all, None).ok_or_else(ApiError::no_route)?;
    let whole = dashboard::app_reference(&app);
    let reference = match views.as_slice() {
        [one] if all.len() > 1 => one.id.to_string(),
        _ => whole.clone(),
    };
    let mut choices = vec![(whole, "All instances".to_owned())];
    choices.extend(all.iter().map(|view| (view.id.to_string(), view.name())));
    if all.len() == 1 {
        choices.clear();
    }
    let ids = Some(views.iter().map(|view| view.id).collect());
    show(&auth, &api, &query, ids, Whose { app: Some(&app), reference: &reference, choices: &choices }).await
}

/// The page of whom `refs` names, with the same filters.
fn other(snapshot: &Snapshot, query: &Asked) -> Result<Response, ApiError> {
    let chosen = asked(query, "refs");
    resolve_app(snapshot, chosen)?;
    let mut rest = form_urlencoded::Serializer::new(String::new());
    rest.extend_pairs(query.0.iter().filter(|(name, value)| *name != "refs" && !value.is_empty()));
    let path: String = form_urlencoded::byte_serialize(chosen.as_bytes()).collect();
    let path = format!("/apps/{}/logs", path.replace('+', "%20").replace("%3A", ":"));
    let to = Some(rest.finish())
        .filter(|query| !query.is_empty())
        .map_or(path.clone(), |query| format!("{path}?{query}"));
    Ok(Redirect::to(&to).into_response())
}

/// Those of everybody, merged; `refs` chooses one app.
pub async fn of_all(
    auth: PageAuth<LogsRead>,
    State(api): State<Shared>,
    query: Asked,
) -> Result<Response, ApiError> {
    if !asked(&query, "refs").is_empty() {
        return other(&auth.snapshot(&api), &query);
    }
    let choices = apps(&auth.snapshot(&api));
    show(&auth, &api, &query, None, Whose { app: None, reference: "", choices: &choices }).await
}

/// Whose lines a page shows, and whose it could.
struct Whose<'a> {
    app: Option<&'a App>,
    reference: &'a str,
    choices: &'a [(String, String)],
}

/// The lines of these processes; of all, if none are named.
async fn show(
    auth: &PageAuth<LogsRead>,
    api: &Shared,
    query: &Asked,
    ids: Option<BTreeSet<ProcessId>>,
    Whose { app, reference, choices }: Whose<'_>,
) -> Result<Response, ApiError> {
    let page = logs::page(&auth.principal, &api.handle, ids, which(query)?).await?;
    Ok(Html(dashboard::logs_page(&LogsPage {
        app,
        reference,
        choices,
        lines: &page.lines,
        end: &page.end,
        asked: &of_query(query),
        limit: LINES,
        reader: &reader(&auth.principal, api),
    }))
    .into_response())
}

/// Every app, by name.
fn apps(snapshot: &Snapshot) -> Vec<(String, String)> {
    let specs = snapshot.processes.values().map(|view| &view.spec);
    let names: BTreeSet<(String, String)> =
        specs.map(|spec| (spec.name.to_string(), format!("{}:{}", spec.namespace, spec.name))).collect();
    let all = [(String::new(), "All apps".to_owned())];
    all.into_iter().chain(names.into_iter().map(|(name, reference)| (reference, name))).collect()
}

fn which(query: &Asked) -> Result<Which, ApiError> {
    let given = |name: &str| Some(asked(query, name).to_owned()).filter(|value| !value.is_empty());
    Which::page(LINES as i64, given)
}

fn of_query(query: &Asked) -> LogsAsked {
    let text = |name| asked(query, name).to_owned();
    LogsAsked {
        q: text("q"),
        level: text("level"),
        stream: text("stream"),
        previous: text("previous"),
        before: text("before"),
        since: text("since"),
        until: text("until"),
    }
}
