//! Pages of others that may read answers: those of the origins that the owner named for an address,
//! and no other (web.md 4.3, row 5). They send a bearer token; cookies are never shared.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::face::Face;

/// What they may send besides what every page may.
const ASKED: &str = "authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id";
/// What they may read besides what every page may.
const ANSWERED: &str = "etag, idempotency-replayed, location, retry-after, x-pmd-api, x-request-id";

/// The answer to the question before a request, when one of the named origins asks.
pub fn preflight(face: &Face, method: &Method, headers: &HeaderMap) -> Option<Response> {
    let asks = method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let origin = headers.get(header::ORIGIN)?;
    if !asks || !face.shares_with(origin) {
        return None;
    }
    let allowed = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, PATCH, DELETE"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, ASKED),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    Some((StatusCode::NO_CONTENT, allowed).into_response())
}

/// Lets a named origin read the answer.
pub fn share(face: &Face, origin: Option<HeaderValue>, answer: &mut HeaderMap) {
    if face.set.origins.is_empty() {
        return;
    }
    answer.append(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin
        && face.shares_with(&origin)
    {
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(ANSWERED));
        let name = HeaderName::from_static("cross-origin-resource-policy");
        answer.insert(name, HeaderValue::from_static("cross-origin"));
    }
}
