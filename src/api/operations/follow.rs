//! `GET /api/v1/operations/{id}/events`: how far it is, whenever that changes, until it is over.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::watch;

use super::find;
use crate::api::access::{Auth, View};
use crate::api::extract::Path;
use crate::api::scope::Viewer;
use crate::api::{ApiError, Shared};
use crate::wire;

/// A stream that has nothing to tell shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Changes within this are told together.
const COALESCE: Duration = Duration::from_millis(50);

/// Follow an operation
///
/// As server-sent events: the whole operation at once and whenever something of it moves, each as an
/// `operation` event. The stream ends when the operation is over. A reader that is slow misses steps
/// in between, never the latest.
#[utoipa::path(get, path = "/api/v1/operations/{id}/events", tag = "operations", operation_id = "follow_operation",
    params(("id" = i64, Path, description = "its number", example = 7, minimum = 1)),
    responses(
        (status = 200, description = "the operation, again and again", body = wire::ServerSentEvent, content_type = "text/event-stream"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn follow(
    auth: Auth<View>,
    State(api): State<Shared>,
    Path(id): Path<i64>,
) -> Result<Response, ApiError> {
    // Before the first look: what changes in between wakes it.
    let mut news = api.operations.watch();
    news.mark_changed();
    find(&api, &auth.principal, id)?;
    let followed = Followed { viewer: auth.viewer(&api), id, news, told: None };
    let events = stream::unfold(followed, |mut followed| async move {
        let operation = followed.next().await?;
        let event = Event::default().event("operation").json_data(&operation).unwrap_or_default();
        Some((Ok::<_, Infallible>(event), followed))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("still here")).into_response())
}

struct Followed {
    viewer: Viewer,
    id: i64,
    news: watch::Receiver<u64>,
    told: Option<wire::Operation>,
}

impl Followed {
    async fn next(&mut self) -> Option<wire::Operation> {
        let handle = self.viewer.api.handle.clone();
        loop {
            if self.told.as_ref().is_some_and(|told| told.ended_at.is_some()) {
                return None;
            }
            tokio::select! {
                // Nobody may come to look for as long as nothing moves.
                changed = tokio::time::timeout(HEARTBEAT, self.news.changed()) => {
                    if let Ok(changed) = changed {
                        changed.ok()?;
                    }
                }
                () = handle.leaving() => return None,
                () = self.viewer.barred() => return None,
            }
            if !self.viewer.may_still() {
                return None;
            }
            if self.told.is_some() {
                tokio::time::sleep(COALESCE).await;
            }
            self.news.mark_unchanged();
            let now = find(&self.viewer.api, &self.viewer.principal, self.id).ok()?;
            let same = self.told.as_ref().is_some_and(|told| {
                (&told.items, &told.state, &told.ended_at) == (&now.items, &now.state, &now.ended_at)
            });
            if !same {
                self.told = Some(now.clone());
                return Some(now);
            }
        }
    }
}
