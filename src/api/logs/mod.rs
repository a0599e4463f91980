//! `GET /api/v1/apps/{ref}/logs`, `/processes/{id}/logs`, `/logs` and `/system/log`: lines that are
//! there, then what comes.

mod chosen;
mod form;
mod query;
mod stream;
pub mod system;

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;

use axum::body::{Body, BodyDataStream};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::access::{Auth, LogsRead};
use super::extract::{Path, Query};
use super::resolve::resolve;
use super::scope::Viewer;
use super::{ApiError, Shared};
use crate::auth::Principal;
use crate::daemon::handle::Handle;
use crate::daemon::view::ProcessView;
use crate::logs::{Item, Reading, Source, Start, Until};
use crate::model::{Namespaces, ProcessId};
use crate::wire;
use chosen::Chosen;
use form::Form;
use query::Wanted;
pub use query::Which;
pub(super) use query::time;
use stream::{Answer, Happened, Work};

/// So many events are merged into lines that were there before.
const EVENTS: usize = 1000;

/// Logs of an app
///
/// One JSON document per line (`application/x-ndjson`), server-sent events with
/// `Accept: text/event-stream`, or the bare text with `Accept: text/plain`. Between the records
/// `LogControl` documents say what else there is to know; while following, `{"ctl":"hb"}` shows every
/// 15 s that the stream lives. An event stream that breaks goes on exactly where it was, by
/// `Last-Event-ID`; others by `after` with the `c` of the last record.
#[utoipa::path(get, path = "/api/v1/apps/{ref}/logs", tag = "logs", operation_id = "app_logs",
    params(("ref" = String, Path, description = "id, name, instance or namespace:name", example = "web"), Which),
    responses(
        (status = 200, description = "lines, oldest first", content(
            (wire::LogRecord = "application/x-ndjson"), (wire::ServerSentEvent = "text/event-stream"), (String = "text/plain"))),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn of_app(
    auth: Auth<LogsRead>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    Query(which): Query<Which>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let views = resolve(&auth.snapshot(&api), &reference)?;
    let ids = (reference != "all").then(|| views.iter().map(|view| view.id).collect());
    answer(auth.viewer(&api), ids, which.wanted(&headers)?, &reference).await
}

/// Logs of a process
///
/// As for an app.
#[utoipa::path(get, path = "/api/v1/processes/{id}/logs", tag = "logs", operation_id = "process_logs",
    params(("id" = i64, Path, description = "its id", minimum = 0), Which),
    responses(
        (status = 200, description = "lines, oldest first", content(
            (wire::LogRecord = "application/x-ndjson"), (wire::ServerSentEvent = "text/event-stream"), (String = "text/plain"))),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn of_process(
    auth: Auth<LogsRead>,
    State(api): State<Shared>,
    Path(id): Path<u32>,
    Query(which): Query<Which>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let views = resolve(&auth.snapshot(&api), &id.to_string())?;
    let ids = views.iter().map(|view| view.id).collect();
    answer(auth.viewer(&api), Some(ids), which.wanted(&headers)?, &id.to_string()).await
}

/// Logs of all apps, merged
///
/// As for an app, in order of time; `refs` chooses some of them. Followers of all see apps that are
/// defined later, too.
#[utoipa::path(get, path = "/api/v1/logs", tag = "logs", operation_id = "all_logs", params(Which),
    responses(
        (status = 200, description = "lines, oldest first", content(
            (wire::LogRecord = "application/x-ndjson"), (wire::ServerSentEvent = "text/event-stream"), (String = "text/plain"))),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn of_all(
    auth: Auth<LogsRead>,
    State(api): State<Shared>,
    Query(which): Query<Which>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let snapshot = auth.snapshot(&api);
    let ids = match which.refs.as_deref().map(query::references) {
        None => None,
        Some(refs) if refs.contains(&"all") => None,
        Some(refs) => {
            let mut ids = BTreeSet::new();
            for reference in refs {
                ids.extend(resolve(&snapshot, reference)?.iter().map(|view| view.id));
            }
            Some(ids)
        }
    };
    answer(auth.viewer(&api), ids, which.wanted(&headers)?, "pmdaemon").await
}

/// The logs that a reference means, as documents, one a line, in pieces of whole lines; without end.
///
/// # Errors
/// As for the API.
pub async fn follow(
    viewer: Viewer,
    reference: &str,
    after: Option<String>,
) -> Result<BodyDataStream, ApiError> {
    let views = resolve(&viewer.snapshot(), reference)?;
    let ids = (reference != "all").then(|| views.iter().map(|view| view.id).collect());
    let wanted = Which::follow(after).wanted(&HeaderMap::new())?;
    Ok(answer(viewer, ids, wanted, reference).await?.into_body().into_data_stream())
}

/// The last lines of these processes, as records. For pages and the compatible route.
///
/// # Errors
/// When a file cannot be read.
pub async fn last_lines(
    handle: &Handle,
    views: &[Arc<ProcessView>],
    lines: usize,
    stream: Option<wire::Stream>,
) -> Result<Vec<wire::LogRecord>, ApiError> {
    let wanted = Which::last(lines as i64, stream).wanted(&HeaderMap::new())?;
    // They were resolved by somebody who sees them.
    let chosen =
        Chosen::of(handle, Namespaces::All, Some(views.iter().map(|view| view.id).collect()), &wanted)
            .await?;
    let sources = chosen.sources(&handle.snapshot());
    blocking(move || {
        let mut reading = Reading::open(sources, &wanted.start, wanted.filter, Until::Now)?;
        let mut records = Vec::new();
        while let Some(item) = reading.next_item()? {
            match item {
                Item::Line(line) => {
                    let cursor = reading.cursor_of(&line).encode();
                    records.push(form::record(&line, Some(cursor), false, None));
                }
                Item::Gone(_) | Item::Busy => {}
            }
        }
        Ok(records)
    })
    .await
}

/// Lines for a page, and where they end.
pub struct Page {
    /// Oldest first.
    pub lines: Vec<wire::LogRecord>,
    /// `after=` goes on there.
    pub end: String,
}

/// The lines that a page shows. `ids` absent: all processes.
///
/// # Errors
/// As for the API; when a file cannot be read.
pub async fn page(
    principal: &Principal,
    handle: &Handle,
    ids: Option<BTreeSet<ProcessId>>,
    which: Which,
) -> Result<Page, ApiError> {
    let wanted = which.wanted(&HeaderMap::new())?;
    let chosen = Chosen::of(handle, principal.namespaces.clone(), ids, &wanted).await?;
    let sources = chosen.sources(&handle.snapshot());
    blocking(move || {
        let marked = wanted.filter.grep.clone();
        let mut reading = Reading::open(sources, &wanted.start, wanted.filter, Until::Now)?;
        let mut lines = Vec::new();
        while let Some(item) = reading.next_item()? {
            match item {
                Item::Line(line) => {
                    let cursor = reading.cursor_of(&line).encode();
                    lines.push(form::record(&line, Some(cursor), true, marked.as_ref()));
                }
                Item::Gone(_) | Item::Busy => {}
            }
        }
        Ok(Page { lines, end: reading.cursor().encode() })
    })
    .await
}

/// The last lines of these processes as they were written.
///
/// # Errors
/// When a file cannot be read.
pub async fn last_text(
    viewer: &Viewer,
    views: &[Arc<ProcessView>],
    lines: usize,
    stream: Option<wire::Stream>,
) -> Result<Response, ApiError> {
    let mut wanted = Which::last(lines as i64, stream).wanted(&HeaderMap::new())?;
    wanted.form = Form::text();
    answer(viewer.clone(), Some(views.iter().map(|view| view.id).collect()), wanted, "").await
}

/// Does the client want the bare text?
pub fn plain(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|accept| accept.starts_with("text/plain"))
}

/// `ids` absent: all processes, also later ones.
async fn answer(
    viewer: Viewer,
    ids: Option<BTreeSet<ProcessId>>,
    wanted: Wanted,
    name: &str,
) -> Result<Response, ApiError> {
    let handle = &viewer.api.handle;
    // Asked for before the past is read, so that nothing lies between.
    let live = (wanted.events && wanted.follow).then(|| handle.events());
    let chosen = Chosen::of(handle, viewer.principal.namespaces.clone(), ids, &wanted).await?;
    let mut told = VecDeque::new();
    if wanted.events && !matches!(wanted.start, Start::After(_)) {
        for row in chosen::events(handle, None, EVENTS).await? {
            let at = row.at_ms * 1000;
            let in_time =
                wanted.since.is_none_or(|since| at >= since) && wanted.until.is_none_or(|until| at <= until);
            if chosen.tells(&row) && in_time {
                told.push_back((at, stream::told(&row)));
            }
        }
    }
    let snapshot = handle.snapshot();
    let begun = Begun { sources: chosen.sources(&snapshot), structure: snapshot.structure };
    respond(viewer, chosen, begun, wanted, Happened { told, live }, name).await
}

/// What is read first.
struct Begun {
    sources: Vec<Source>,
    /// As of that [`structure`](crate::daemon::view::Snapshot::structure).
    structure: u64,
}

async fn respond(
    viewer: Viewer,
    chosen: Chosen,
    begun: Begun,
    wanted: Wanted,
    happened: Happened,
    name: &str,
) -> Result<Response, ApiError> {
    let Begun { sources, structure } = begun;
    let Happened { mut told, live } = happened;
    let Wanted { start, filter, follow, form, limit, download, .. } = wanted;
    let last = match start {
        Start::Tail(lines) | Start::Before(_, lines) => Some(lines),
        Start::Beginning | Start::After(_) => None,
    };
    let until = if follow { Until::Ever } else { Until::Now };
    let (reading, earliest) = blocking(move || {
        let mut reading = Reading::open(sources, &start, filter, until)?;
        let earliest = if last.is_some() { reading.earliest()? } else { None };
        Ok((reading, earliest))
    })
    .await?;
    // Last lines begin with the first of them, not with what happened before.
    match (earliest, last) {
        (Some(earliest), _) => told.retain(|(at, _)| *at >= earliest),
        (None, Some(lines)) => drop(told.drain(..told.len().saturating_sub(lines))),
        (None, None) => {}
    }
    let content_type = form.content_type();
    let mut out = Vec::new();
    if follow {
        let cursor = Some(reading.cursor().encode());
        form.control(&wire::LogControl { ctl: "cursor".into(), c: cursor, ..Default::default() }, &mut out);
    }
    let work = Some(Work { reading, form, limit, told, out });
    let answer = Answer { viewer, chosen, work, structure, follow, events: live, over: false };
    let mut response =
        ([(header::CONTENT_TYPE, content_type)], Body::from_stream(answer.into_stream())).into_response();
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    if download {
        let safe: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' })
            .collect();
        let value = format!("attachment; filename=\"{safe}.log\"");
        let value = header::HeaderValue::from_str(&value).map_err(|e| ApiError::internal(&e))?;
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

async fn blocking<T: Send + 'static>(
    f: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ApiError> {
    match tokio::task::spawn_blocking(f).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(e)) => Err(ApiError::internal(&format!("a log file cannot be read: {e}"))),
        Err(e) => Err(ApiError::internal(&e)),
    }
}
