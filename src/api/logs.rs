//! `GET /api/v1/apps/{ref}/logs`, `/processes/{id}/logs` and `/logs`: the last lines, then what comes.
//!
//! Files are read in blocking tasks, a few hundred kilobytes at a time; a follower looks ten times
//! a second whether a file has grown, which costs one `fstat` each.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use utoipa::IntoParams;

use super::access::{Auth, LogsRead};
use super::extract::{Path, Query};
use super::resolve::resolve;
use super::{ApiError, Shared, convert};
use crate::daemon::handle::Handle;
use crate::daemon::view::{ProcessView, Snapshot};
use crate::logs::{Follower, Line, Source, Start, Stream, clean, tail};
use crate::model::ProcessId;
use crate::wire;

/// How often a follower looks.
const LOOK: Duration = Duration::from_millis(100);
/// A follower that has nothing to say shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The most lines of one answer.
const MAX_LINES: i64 = 100_000;

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// The last so many lines. Default 20.
    #[param(nullable = false, minimum = 0, maximum = 100_000)]
    tail: Option<i64>,
    /// Only one stream: `out` or `err`.
    #[param(nullable = false, inline)]
    stream: Option<wire::Stream>,
    /// Go on with new lines as they come, until the processes are deleted. Default false.
    #[param(nullable = false)]
    follow: Option<bool>,
}

/// Logs of an app
///
/// One JSON document per line (`application/x-ndjson`), or the bare text with
/// `Accept: text/plain`. While following, `{"ctl":"hb"}` shows every 15 s that the stream lives.
#[utoipa::path(get, path = "/api/v1/apps/{ref}/logs", tag = "logs", operation_id = "app_logs",
    params(("ref" = String, Path, description = "id, name, instance or namespace:name", example = "web"), Which),
    responses(
        (status = 200, description = "lines, oldest first", content(
            (wire::LogRecord = "application/x-ndjson"), (String = "text/plain"))),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn of_app(
    _auth: Auth<LogsRead>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    Query(which): Query<Which>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let views = resolve(&api.handle.snapshot(), &reference)?;
    let ids = views.iter().map(|view| view.id).collect();
    answer(&api.handle, Some(ids), which, plain(&headers)).await
}

/// Logs of a process
///
/// As for an app.
#[utoipa::path(get, path = "/api/v1/processes/{id}/logs", tag = "logs", operation_id = "process_logs",
    params(("id" = i64, Path, description = "its id", minimum = 0), Which),
    responses(
        (status = 200, description = "lines, oldest first", content(
            (wire::LogRecord = "application/x-ndjson"), (String = "text/plain"))),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn of_process(
    _auth: Auth<LogsRead>,
    State(api): State<Shared>,
    Path(id): Path<u32>,
    Query(which): Query<Which>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let views = resolve(&api.handle.snapshot(), &id.to_string())?;
    answer(&api.handle, Some(views.iter().map(|view| view.id).collect()), which, plain(&headers)).await
}

/// Logs of all apps, merged
///
/// As for an app. Followers see apps that are defined later, too.
#[utoipa::path(get, path = "/api/v1/logs", tag = "logs", operation_id = "all_logs", params(Which),
    responses(
        (status = 200, description = "lines, oldest first", content(
            (wire::LogRecord = "application/x-ndjson"), (String = "text/plain"))),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn of_all(
    _auth: Auth<LogsRead>,
    State(api): State<Shared>,
    Query(which): Query<Which>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    answer(&api.handle, None, which, plain(&headers)).await
}

/// The last lines of these processes, as records. For pages and the compatible route.
///
/// # Errors
/// When a file cannot be read.
pub async fn last_lines(
    views: &[Arc<ProcessView>],
    lines: usize,
    stream: Option<wire::Stream>,
) -> Result<Vec<wire::LogRecord>, ApiError> {
    let sources = sources(views.iter(), stream);
    let (lines, _) = read(move || tail(&sources, lines)).await?;
    Ok(lines.iter().map(record).collect())
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
    handle: &Handle,
    ids: Option<BTreeSet<ProcessId>>,
    which: Which,
    plain: bool,
) -> Result<Response, ApiError> {
    let lines = which.tail.unwrap_or(20);
    if !(0..=MAX_LINES).contains(&lines) {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "invalid_query",
            format!("tail is {lines}: 0 to {MAX_LINES} is allowed"),
        ));
    }
    let chosen = Chosen { ids, stream: which.stream };
    let sources = chosen.sources(&handle.snapshot());
    let (first, follower) = read(move || tail(&sources, lines as usize)).await?;
    let form = Form { plain };
    let first = form.lines(&first);
    let body = match which.follow.unwrap_or(false) {
        false => Body::from(first),
        true => Body::from_stream(follow(handle.clone(), chosen, follower, form, first)),
    };
    let kind = if plain { "text/plain; charset=utf-8" } else { "application/x-ndjson" };
    Ok(([(header::CONTENT_TYPE, kind)], body).into_response())
}

/// What a reader wants to see.
struct Chosen {
    ids: Option<BTreeSet<ProcessId>>,
    stream: Option<wire::Stream>,
}

impl Chosen {
    fn sources(&self, snapshot: &Snapshot) -> Vec<Source> {
        let wanted = |view: &&Arc<ProcessView>| self.ids.as_ref().is_none_or(|ids| ids.contains(&view.id));
        sources(snapshot.processes.values().filter(wanted), self.stream)
    }

    /// Everything that was asked for is deleted. Never so for "all".
    fn gone(&self, snapshot: &Snapshot) -> bool {
        self.ids.as_ref().is_some_and(|ids| !ids.iter().any(|id| snapshot.processes.contains_key(id)))
    }
}

fn sources<'a>(
    views: impl Iterator<Item = &'a Arc<ProcessView>>,
    stream: Option<wire::Stream>,
) -> Vec<Source> {
    let mut sources = Vec::new();
    for view in views {
        let files = [
            (wire::Stream::Out, Stream::Out, &view.logs.out),
            (wire::Stream::Err, Stream::Err, &view.logs.err),
        ];
        for (word, of, path) in files {
            if stream.is_none_or(|wanted| wanted == word) {
                sources.push(Source { process: view.id, name: view.name(), stream: of, path: path.clone() });
            }
        }
    }
    sources
}

fn follow(
    handle: Handle,
    chosen: Chosen,
    follower: Follower,
    form: Form,
    first: Bytes,
) -> impl futures_util::Stream<Item = Result<Bytes, io::Error>> {
    let structure = handle.snapshot().structure;
    let state = Following { handle, chosen, follower: Some(follower), form, first: Some(first), structure };
    futures_util::stream::unfold(state, |mut state| async move {
        let piece = state.next().await?;
        Some((piece, state))
    })
}

struct Following {
    handle: Handle,
    chosen: Chosen,
    /// Absent only while a blocking task has it.
    follower: Option<Follower>,
    form: Form,
    first: Option<Bytes>,
    structure: u64,
}

impl Following {
    /// Takes up what was defined since. What is deleted stays until its last line is told.
    fn watch_new(&self, follower: &mut Follower, snapshot: &Snapshot) {
        for source in self.chosen.sources(snapshot) {
            let path = source.path.clone();
            if let Err(e) = follower.add(source, Start::Beginning) {
                tracing::warn!("cannot follow {}: {e}", path.display());
            }
        }
    }

    async fn next(&mut self) -> Option<Result<Bytes, io::Error>> {
        if let Some(first) = self.first.take().filter(|first| !first.is_empty()) {
            return Some(Ok(first));
        }
        let mut silent = Duration::ZERO;
        loop {
            if self.handle.is_leaving() {
                // Broken off, not ended: the reader asks the next daemon for the rest.
                return Some(Err(io::Error::other("the daemon is being replaced")));
            }
            let snapshot = self.handle.snapshot();
            let mut follower = self.follower.take()?;
            if snapshot.structure != self.structure {
                self.structure = snapshot.structure;
                self.watch_new(&mut follower, &snapshot);
            }
            // Asked before the last look: what is written until then is still told.
            let gone = self.chosen.gone(&snapshot);
            if follower.changed() {
                let (lines, follower) =
                    match read(move || follower.poll().map(|lines| (lines, follower))).await {
                        Ok(done) => done,
                        Err(e) => return Some(Err(io::Error::other(e.detail))),
                    };
                self.follower = Some(follower);
                if !lines.is_empty() {
                    return Some(Ok(self.form.lines(&lines)));
                }
            } else {
                self.follower = Some(follower);
            }
            if gone {
                return None;
            }
            tokio::time::sleep(LOOK).await;
            silent += LOOK;
            if silent >= HEARTBEAT && !self.form.plain {
                return Some(Ok(Bytes::from_static(b"{\"ctl\":\"hb\"}\n")));
            }
        }
    }
}

/// How lines travel.
#[derive(Clone, Copy)]
struct Form {
    plain: bool,
}

impl Form {
    fn lines(self, lines: &[Line]) -> Bytes {
        let mut bytes = Vec::new();
        for line in lines {
            if self.plain {
                bytes.extend_from_slice(&line.text);
            } else {
                serde_json::to_writer(&mut bytes, &record(line)).expect("a record is plain data");
            }
            bytes.push(b'\n');
        }
        Bytes::from(bytes)
    }
}

fn record(line: &Line) -> wire::LogRecord {
    wire::LogRecord {
        ts: line.at.map(convert::time_us),
        id: i64::from(line.process.0),
        name: line.name.to_string(),
        stream: match line.stream {
            Stream::Out => wire::Stream::Out,
            Stream::Err => wire::Stream::Err,
        },
        text: clean(&line.text),
    }
}

async fn read<T: Send + 'static>(f: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, ApiError> {
    match tokio::task::spawn_blocking(f).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(e)) => Err(ApiError::internal(&format!("a log file cannot be read: {e}"))),
        Err(e) => Err(ApiError::internal(&e)),
    }
}
