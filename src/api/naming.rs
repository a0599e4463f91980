//! What every answer names: the request, so that it is found again in the audit and in the daemon's log;
//! and, to who may ask, the version of the API.

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use tracing::field::Empty;

use super::audit::Note;
use super::trace;
use crate::secrets::random;

/// The version of what is under `/api/v1`. The second number grows with each release that adds to it;
/// nothing is ever taken away.
const VERSION: HeaderValue = HeaderValue::from_static("1.0");

/// The header with that version.
pub const API: &str = "x-pmd-api";

/// The header with the id of the request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static ID: String;
}

/// The middleware around everything.
pub async fn name(request: Request, next: Next) -> Response {
    let id = random::id();
    let header = HeaderValue::from_str(&id);
    let span = tracing::info_span!(
        "request",
        request_id = %id,
        trace_id = trace::id(request.headers()).map(tracing::field::display),
        principal = Empty
    );
    let mut response = ID.scope(id, next.run(request)).instrument(span).await;
    if let Ok(id) = header {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The middleware within that of the audit, which learns who asks: strangers learn no version.
pub async fn version(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let is_of_v1 = route.is_some_and(|route| route.as_str().starts_with("/api/v1/"));
    let note = request.extensions().get::<Note>().cloned();
    let mut response = next.run(request).await;
    if is_of_v1 && note.is_some_and(|note| note.names_somebody()) {
        response.headers_mut().insert(HeaderName::from_static(API), VERSION);
    }
    response
}

/// The same in a task of its own: it answers this request, too.
pub fn as_here<F: Future>(answer: F) -> impl Future<Output = F::Output> {
    ID.scope(request_id().unwrap_or_default(), answer)
}

/// The id of the request that this task answers. `None` where it answers none.
pub fn request_id() -> Option<String> {
    ID.try_with(String::clone).ok()
}
