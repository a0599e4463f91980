//! `GET /events`: what has happened.

use axum::extract::State;
use axum::response::Html;

use super::{Asked, aside, asked, reader};
use crate::api::access::{PageAuth, View};
use crate::api::{ApiError, Shared, convert, events};
use crate::dashboard::{self, EventsPage};
use crate::store::{EventQuery, EventRow};
use crate::wire::Event;

/// So many at first, and so many at most.
const LIMITS: (usize, usize) = (200, 10_000);

/// The page.
pub async fn page(
    auth: PageAuth<View>,
    State(api): State<Shared>,
    query: Asked,
) -> Result<Html<String>, ApiError> {
    let rows = rows(&auth, &api, &query).await?;
    let reader = reader(&auth.principal, &api);
    aside(move || {
        dashboard::events_page(&EventsPage {
            events: &found(&rows, asked(&query, "q")),
            q: asked(&query, "q"),
            limit: limit(&query),
            most: LIMITS.1,
            reader: &reader,
        })
    })
    .await
}

/// `GET /fragments/events`: the list alone.
pub async fn fragment(
    auth: PageAuth<View>,
    State(api): State<Shared>,
    query: Asked,
) -> Result<Html<String>, ApiError> {
    let rows = rows(&auth, &api, &query).await?;
    aside(move || {
        let q = asked(&query, "q");
        dashboard::events_fragment(&found(&rows, q), !q.is_empty())
    })
    .await
}

fn limit(query: &Asked) -> usize {
    asked(query, "limit").parse().unwrap_or(LIMITS.0).clamp(1, LIMITS.1)
}

/// The newest events.
async fn rows(auth: &PageAuth<View>, api: &Shared, query: &Asked) -> Result<Vec<EventRow>, ApiError> {
    let newest = EventQuery {
        namespaces: auth.namespaces(),
        limit: limit(query),
        newest: true,
        ..EventQuery::default()
    };
    events::rows(&api.handle, newest).await
}

/// Those in which every word is found.
fn found(rows: &[EventRow], q: &str) -> Vec<Event> {
    let words: Vec<String> = q.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let fits = |event: &Event| {
        let text =
            format!("{} {} {} {}", event.name, event.namespace, event.kind, event.detail).to_lowercase();
        words.iter().all(|word| text.contains(word.as_str()))
    };
    rows.iter().map(convert::event).filter(fits).collect()
}
