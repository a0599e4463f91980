//! `GET /api/v1/events`: a page, or a stream that goes on.

mod stream;

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde::Deserialize;
use utoipa::IntoParams;

use super::access::{Auth, View};
use super::extract::Query;
use super::scope::Viewer;
use super::{Api, ApiError, Shared, convert, cursor};
use crate::daemon::handle::Handle;
use crate::model::ProcessId;
use crate::store::{EventQuery, EventRow, EventSpan};
use crate::wire;

/// A stream that has nothing to tell shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Only those of this process.
    #[param(nullable = false, minimum = 0, maximum = 4_294_967_295_u64, value_type = i64)]
    process: Option<u32>,
    /// Only those of this type.
    #[serde(rename = "type")]
    #[param(rename = "type", nullable = false, example = "process.exited")]
    kind: Option<String>,
    /// Those after this `seq`. Without it a page has the newest, and a stream those from now on. One that
    /// no event has had yet is of another history, and is refused.
    #[param(nullable = false, minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    after: Option<u64>,
    /// Go on where a page has ended: its `next_cursor`, instead of `after`. Not for a stream.
    #[param(nullable = false)]
    cursor: Option<String>,
    /// A page has at most so many. Default 100.
    #[param(nullable = false, minimum = 1, maximum = 1000)]
    limit: Option<i64>,
    /// True: also how many there are on all pages together, as `total`. Not for a stream.
    #[param(nullable = false)]
    count: Option<bool>,
}

/// What has happened
///
/// Every change of state with its cause, oldest first. The last 100,000 are kept. With `Accept:
/// text/event-stream` it goes on: each event has its `seq` as id and its type as name, a comment
/// comes every 15 s, and `Last-Event-ID` (or `after`) continues without a gap.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", operation_id = "list_events",
    params(Which, ("last-event-id" = Option<String>, Header, description = "for a stream: the `seq` of the last event that came, instead of `after`", nullable = false)),
    responses(
        (status = 200, description = "events, oldest first", content(
            (wire::EventList = "application/json"), (wire::ServerSentEvent = "text/event-stream"))),
        (status = 410, description = "what comes after `after` is not kept any more, or `after` is of another history", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn list(
    auth: Auth<View>,
    State(api): State<Shared>,
    headers: HeaderMap,
    Query(which): Query<Which>,
) -> Result<Response, ApiError> {
    let limit = cursor::limit(which.limit, 100)?;
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let streams = accept.starts_with("text/event-stream");
    let after = cursor::place("after", which.after)?;
    // Also a page refuses what is none, though it goes by `after` alone.
    let last = last_id(&headers)?;
    let after = if streams { last.or(after) } else { after };
    let on = which.cursor.as_deref().map(Page::decode).transpose()?;
    if on.is_some() && (streams || after.is_some()) {
        return Err(cursor::not_both("after"));
    }
    let (after, before) = match on {
        None => (after, None),
        Some(Page::After(seq)) => (Some(seq), None),
        Some(Page::Before(seq)) => (None, Some(seq)),
    };
    let query = EventQuery {
        after,
        before,
        process: which.process.map(ProcessId),
        kind: which.kind,
        namespaces: auth.namespaces(),
        limit,
        newest: after.is_none(),
    };
    if streams {
        return follow(auth.viewer(&api), query).await;
    }
    let all = query.clone();
    let (rows, span) = read(&api, query).await?;
    is_kept(after, span, api.handle.snapshot().events)?;
    let total = match which.count {
        Some(true) => Some(count(&api, all).await?),
        Some(false) | None => None,
    };
    let next = match (rows.first(), rows.last()) {
        (Some(first), Some(last)) if rows.len() == limit => match after {
            Some(_) => (last.seq < span.newest).then_some(Page::After(last.seq)),
            None => (first.seq > span.oldest).then_some(Page::Before(first.seq)),
        },
        (_, _) => None,
    };
    let items = rows.iter().map(convert::event).collect();
    let seq = Some(span.newest as i64);
    Ok(Json(wire::EventList { items, seq, next_cursor: next.map(Page::encode), total }).into_response())
}

/// Where a page of events begins, and in which direction it goes.
enum Page {
    /// Later ones.
    After(u64),
    /// Earlier ones.
    Before(u64),
}

impl Page {
    fn encode(self) -> String {
        match self {
            Page::After(seq) => cursor::encode("events after", seq),
            Page::Before(seq) => cursor::encode("events before", seq),
        }
    }

    fn decode(text: &str) -> Result<Page, ApiError> {
        cursor::decode("events after", text)
            .map(Page::After)
            .or_else(|_| cursor::decode("events before", text).map(Page::Before))
    }
}

/// Events as they happen, from the first that is wanted.
async fn follow(viewer: Viewer, query: EventQuery) -> Result<Response, ApiError> {
    // Before the first look: what happens in between wakes it.
    let news = viewer.api.handle.events();
    let (_, span) = read(&viewer.api, EventQuery { limit: 0, ..query.clone() }).await?;
    is_kept(query.after, span, viewer.api.handle.snapshot().events)?;
    let query = EventQuery { after: query.after.or(Some(span.newest)), newest: false, ..query };
    let events = stream::Events::new(viewer, query, news).into_stream();
    let events = events.map(Ok::<_, Infallible>);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("still here")).into_response())
}

fn last_id(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let seq = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    seq.map(Some).ok_or_else(|| {
        let detail = "Last-Event-ID takes the id of an event, which is a whole number";
        ApiError::new(StatusCode::BAD_REQUEST, "invalid_header", detail)
    })
}

/// 410 if somebody who has seen everything up to `after` would miss something, or has seen what has not
/// happened here: the store was made anew since then, or an earlier one was put back. `told`: the newest
/// that lists of processes tell of, which may be on its way to the store.
pub(super) fn is_kept(after: Option<u64>, span: EventSpan, told: u64) -> Result<(), ApiError> {
    let gone = |detail| ApiError {
        oldest_seq: Some(span.oldest),
        ..ApiError::new(StatusCode::GONE, "events_gone", detail)
    };
    match after {
        Some(after) if after > span.newest.max(told) => Err(gone(format!(
            "the newest event has the seq {}, and you ask for those after {after}, which is of another history: get \
             the present state anew, then events after its seq",
            span.newest
        ))),
        Some(after) if span.oldest > after.saturating_add(1) => {
            let detail = format!(
                "events up to {} are not kept any more, and you ask for those after {after}: get the present \
                 state anew, then events after {}",
                span.oldest - 1,
                span.newest
            );
            Err(gone(detail))
        }
        Some(_) | None => Ok(()),
    }
}

/// The events that `query` asks for, oldest first.
///
/// # Errors
/// When they cannot be read.
pub async fn rows(handle: &Handle, query: EventQuery) -> Result<Vec<EventRow>, ApiError> {
    let rows = handle.recorder().read(move |store| store.events(&query)).await;
    rows.map_err(|e| ApiError::internal(&e))?.map_err(|e| ApiError::internal(&e))
}

async fn count(api: &Api, query: EventQuery) -> Result<i64, ApiError> {
    let count = api.handle.recorder().read(move |store| store.count_events(&query)).await;
    count.map_err(|e| ApiError::internal(&e))?.map(|count| count as i64).map_err(|e| ApiError::internal(&e))
}

pub(super) async fn read(api: &Api, query: EventQuery) -> Result<(Vec<EventRow>, EventSpan), ApiError> {
    let both = api
        .handle
        .recorder()
        .read(move |store| Ok::<_, crate::store::StoreError>((store.events(&query)?, store.event_span()?)));
    both.await.map_err(|e| ApiError::internal(&e))?.map_err(|e| ApiError::internal(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_kept_any_more_is_gone_and_says_what_is() {
        let span = EventSpan { oldest: 10, newest: 20 };
        for after in [None, Some(9), Some(15), Some(20)] {
            assert!(is_kept(after, span, 0).is_ok(), "{after:?}");
        }
        assert!(is_kept(Some(21), span, 21).is_ok(), "it is on its way to the store");
        let ahead = is_kept(Some(22), span, 21).unwrap_err();
        assert_eq!((ahead.status, ahead.problem().oldest_seq), (StatusCode::GONE, Some(10)));
        assert!(ahead.detail.contains("another history"), "{}", ahead.detail);
        let gone = is_kept(Some(8), span, 20).unwrap_err();
        assert_eq!((gone.status, gone.problem().oldest_seq), (StatusCode::GONE, Some(10)));
        assert!(is_kept(Some(0), EventSpan { oldest: 1, newest: 0 }, 0).is_ok(), "nothing has happened yet");
    }
}
