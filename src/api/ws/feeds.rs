//! Topics that are streams of their own: events, logs, operations. None is asked for more while the
//! client does not take what it has: events and logs are read from where they are kept, so a slow
//! client falls behind and misses nothing; of operations it gets the latest.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use serde_json::json;
use tokio::sync::{broadcast, watch};

use super::topic::Topic;
use crate::api::scope::Viewer;
use crate::api::{ApiError, convert, convert_operation, events, logs, operations};
use crate::auth::Right;
use crate::model::Standing;
use crate::store::{EventQuery, EventRow};
use crate::wire;

/// Frames, ready to be sent.
pub type Frames = Pin<Box<dyn Stream<Item = String> + Send>>;

/// So many events are read at once.
const PAGE: usize = 200;
/// What is told is on its way to the store: it is there after this.
const SETTLE: Duration = Duration::from_millis(20);
/// What could not be saved at once is there later.
const LOOK: Duration = Duration::from_secs(15);
/// Changes within this are told together.
const COALESCE: Duration = Duration::from_millis(50);

/// The stream of a topic that is one.
///
/// # Errors
/// When they may not see it, or there is no such thing.
pub async fn of(viewer: Viewer, id: i64, topic: &Topic) -> Result<Option<Frames>, ApiError> {
    Ok(match topic {
        Topic::Processes { .. } | Topic::System { .. } => None,
        Topic::Events { after } => Some(events(viewer, id, *after)),
        Topic::Logs { reference, after } => {
            viewer.principal.must(Right::LogsRead)?;
            Some(logs(viewer, id, reference, after.clone()).await?)
        }
        Topic::Operations(which) => {
            which.map(|which| operations::find(&viewer.api, &viewer.principal, which)).transpose()?;
            Some(operations(viewer, id, *which))
        }
    })
}

/// What happens, behind that `seq` or from now on.
fn events(viewer: Viewer, id: i64, after: Option<u64>) -> Frames {
    // Before the first look: what happens in between wakes it.
    let news = viewer.api.handle.events();
    let namespaces = viewer.namespaces();
    let query = EventQuery { after, namespaces, limit: PAGE, ..EventQuery::default() };
    let events = Events { viewer, id, query, news };
    Box::pin(stream::unfold(events, |mut events| async move { Some((events.next().await?, events)) }))
}

struct Events {
    viewer: Viewer,
    id: i64,
    query: EventQuery,
    news: broadcast::Receiver<Arc<EventRow>>,
}

impl Events {
    async fn next(&mut self) -> Option<String> {
        let id = self.id;
        loop {
            // Failures were logged; the client comes again with its last `seq`.
            let (rows, span) = events::read(&self.viewer.api, self.query.clone()).await.ok()?;
            let Some(after) = self.query.after else {
                self.query.after = Some(span.newest);
                return Some(json!({"t": "ev", "id": id, "seq": span.newest, "items": []}).to_string());
            };
            let told = self.viewer.api.handle.snapshot().events;
            if events::is_kept(Some(after), span, told).is_err() {
                self.query.after = Some(span.newest);
                let (seq, oldest) = (span.newest, span.oldest);
                return Some(json!({"t": "resync", "id": id, "seq": seq, "oldest_seq": oldest}).to_string());
            }
            self.query.after = Some(after.max(span.newest));
            if let Some(last) = rows.last() {
                if rows.len() == PAGE {
                    self.query.after = Some(last.seq);
                }
                let items: Vec<wire::Event> = rows.iter().map(convert::event).collect();
                return Some(
                    json!({"t": "ev", "id": id, "seq": self.query.after, "items": items}).to_string(),
                );
            }
            if tokio::time::timeout(LOOK, self.news.recv()).await.is_ok() {
                tokio::time::sleep(SETTLE).await;
            }
        }
    }
}

/// What is written, behind that cursor or from the last lines on.
async fn logs(viewer: Viewer, id: i64, reference: &str, after: Option<String>) -> Result<Frames, ApiError> {
    let documents = logs::follow(viewer, reference, after).await?;
    let frames = documents.map(move |piece| match piece {
        Ok(piece) => {
            let text = String::from_utf8_lossy(&piece);
            let items: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
            format!("{{\"t\":\"log\",\"id\":{id},\"items\":[{}]}}", items.join(","))
        }
        // Asked for anew with the last cursor it goes on.
        Err(_) => json!({"t": "resync", "id": id}).to_string(),
    });
    Ok(Box::pin(frames))
}

/// How far operations are: those that go on, then each that moves; or one alone.
fn operations(viewer: Viewer, id: i64, which: Option<i64>) -> Frames {
    let news = viewer.api.operations.watch();
    let followed = Followed { viewer, id, which, news, version: None, pending: VecDeque::new() };
    Box::pin(stream::unfold(followed, |mut followed| async move { Some((followed.next().await?, followed)) }))
}

struct Followed {
    viewer: Viewer,
    id: i64,
    which: Option<i64>,
    news: watch::Receiver<u64>,
    /// That was told.
    version: Option<u64>,
    pending: VecDeque<wire::Operation>,
}

impl Followed {
    async fn next(&mut self) -> Option<String> {
        let id = self.id;
        loop {
            if let Some(operation) = self.pending.pop_front() {
                return Some(json!({"t": "m", "id": id, "seq": self.version, "d": operation}).to_string());
            }
            let Some(version) = self.version else {
                let goes_on = Standing::Running.as_str();
                let mut items = self.moved_since(0);
                items.retain(|operation| self.which.is_some() || operation.state == goes_on);
                return Some(json!({"t": "snap", "id": id, "seq": self.version, "items": items}).to_string());
            };
            self.news.changed().await.ok()?;
            tokio::time::sleep(COALESCE).await;
            self.news.mark_unchanged();
            self.pending = self.moved_since(version).into();
        }
    }

    fn moved_since(&mut self, version: u64) -> Vec<wire::Operation> {
        let operations = &self.viewer.api.operations;
        let (moved, now) = match (version, self.which) {
            // Also one of an earlier daemon, which has not moved in this one.
            (0, Some(number)) => {
                let one = operations.get(crate::model::OperationId(number as u64));
                (one.into_iter().collect(), operations.since(u64::MAX).1)
            }
            (_, _) => operations.since(version),
        };
        self.version = Some(now);
        let wanted = moved.iter().filter(|one| self.which.is_none_or(|which| one.id.0 as i64 == which));
        let namespaces = &self.viewer.principal.namespaces;
        wanted.filter_map(|one| convert_operation::operation(one, namespaces)).collect()
    }
}
