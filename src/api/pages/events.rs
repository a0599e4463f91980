//! `GET /events`: what has happened.

use axum::extract::State;
use axum::response::Html;

use super::{Asked, asked};
use crate::api::access::{PageAuth, View};
use crate::api::{ApiError, Shared, convert, events};
use crate::dashboard::{self, EventsPage};
use crate::store::EventQuery;
use crate::wire::Event;

/// So many at first, and so many at most.
const LIMITS: (usize, usize) = (200, 10_000);

/// The page.
pub async fn page(
    auth: PageAuth<View>,
    State(api): State<Shared>,
    query: Asked,
) -> Result<Html<String>, ApiError> {
    let events = found(&auth, &api, &query).await?;
    Ok(Html(dashboard::events_page(&EventsPage {
        events: &events,
        q: asked(&query, "q"),
        limit: limit(&query),
        most: LIMITS.1,
        who: &convert::whoami(&auth.principal),
    })))
}

/// `GET /fragments/events`: the list alone.
pub async fn fragment(
    auth: PageAuth<View>,
    State(api): State<Shared>,
    query: Asked,
) -> Result<Html<String>, ApiError> {
    let events = found(&auth, &api, &query).await?;
    Ok(Html(dashboard::events_fragment(&events, !asked(&query, "q").is_empty())))
}

fn limit(query: &Asked) -> usize {
    asked(query, "limit").parse().unwrap_or(LIMITS.0).clamp(1, LIMITS.1)
}

/// The newest events in which every word is found.
async fn found(auth: &PageAuth<View>, api: &Shared, query: &Asked) -> Result<Vec<Event>, ApiError> {
    let newest = EventQuery {
        namespaces: auth.namespaces(),
        limit: limit(query),
        newest: true,
        ..EventQuery::default()
    };
    let rows = events::rows(&api.handle, newest).await?;
    let words: Vec<String> = asked(query, "q").to_lowercase().split_whitespace().map(str::to_owned).collect();
    let fits = |event: &Event| {
        let text =
            format!("{} {} {} {}", event.name, event.namespace, event.kind, event.detail).to_lowercase();
        words.iter().all(|word| text.contains(word.as_str()))
    };
    Ok(rows.iter().map(convert::event).filter(fits).collect())
}
