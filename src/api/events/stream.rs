//! Events as they happen: read from the store, where they are in order and without a gap; the
//! daemon's news only say when to look. A reader that is slow looks less often.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::Event;
use futures_util::{Stream, stream};
use tokio::sync::broadcast;

use super::{HEARTBEAT, read};
use crate::api::convert;
use crate::api::scope::Viewer;
use crate::store::{EventQuery, EventRow};

/// So many are read at once.
const PAGE: usize = 200;
/// What is told is on its way to the store: it is there after this.
const SETTLE: Duration = Duration::from_millis(20);

/// What is to be told, and to whom.
pub(super) struct Events {
    viewer: Viewer,
    query: EventQuery,
    news: broadcast::Receiver<Arc<EventRow>>,
    pending: VecDeque<EventRow>,
}

impl Events {
    pub fn new(viewer: Viewer, query: EventQuery, news: broadcast::Receiver<Arc<EventRow>>) -> Events {
        let query = EventQuery { limit: PAGE, ..query };
        Events { viewer, query, news, pending: VecDeque::new() }
    }

    /// One after the other; it ends when the daemon does, or when the viewer may not look any more.
    pub fn into_stream(self) -> impl Stream<Item = Event> {
        stream::unfold(self, |mut events| async move {
            let row = events.next().await?;
            Some((sent(&row), events))
        })
    }

    async fn next(&mut self) -> Option<EventRow> {
        loop {
            if !self.viewer.may_still() || self.viewer.api.handle.is_leaving() {
                return None;
            }
            if let Some(row) = self.pending.pop_front() {
                self.query.after = Some(row.seq);
                return Some(row);
            }
            // Failures were logged; the client comes again with its last id.
            let (rows, _) = read(&self.viewer.api, self.query.clone()).await.ok()?;
            self.pending.extend(rows);
            if self.pending.is_empty() {
                self.wait().await;
            }
        }
    }

    /// Until something has happened, or for a heartbeat: what could not be saved at once is there
    /// later.
    async fn wait(&mut self) {
        let handle = self.viewer.api.handle.clone();
        tokio::select! {
            news = tokio::time::timeout(HEARTBEAT, self.news.recv()) => {
                if news.is_ok() {
                    tokio::time::sleep(SETTLE).await;
                }
            }
            () = handle.leaving() => {}
            () = self.viewer.barred() => {}
        }
    }
}

fn sent(row: &EventRow) -> Event {
    let shown = convert::event(row);
    let event = Event::default().id(row.seq.to_string()).event(shown.kind.clone());
    event.json_data(&shown).unwrap_or_default()
}
