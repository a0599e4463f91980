//! What is sent compressed.
//!
//! Pages, their fragments, scripts, style sheets and documents of the API, when they are whole and long
//! enough for it to be worth the time; and what is saved as a file. Streams are not: their readers want
//! each line at once.
//!
//! The length of a compressed answer tells something about it to who can watch the wire and have a
//! browser ask for text of his choice (BREACH). So an answer that has both such a text and a secret is
//! never compressed: a form's (a new token is shown beside the name that was sent) and logs, which are
//! searched by the address and may hold anything. Other pages and documents hold no secret: values of
//! variables are masked, tokens and passwords are not kept in the clear, and there is no token against
//! forged requests that could be guessed, since the origin is looked at instead.

use axum::body::HttpBody;
use axum::extract::Request;
use axum::http::{Extensions, HeaderMap, Method, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::Response;

/// What is shorter than this would not become much shorter.
const WORTH: u64 = 256;

/// The mark of an answer that is to be compressed.
#[derive(Clone, Copy)]
struct Compressed;

/// The middleware that marks them.
pub async fn mark(request: Request, next: Next) -> Response {
    let harmless = request.method() == Method::GET && !is_about_logs(request.uri().path());
    let mut response = next.run(request).await;
    // The tag of a version stands for these very bytes.
    let tagged = response.headers().contains_key(header::ETAG);
    let whole_and_long = response.body().size_hint().exact().is_some_and(|size| size >= WORTH);
    if harmless && !tagged && whole_and_long && is_text(response.headers()) {
        response.extensions_mut().insert(Compressed);
    }
    response
}

/// Whether the layer that compresses is to do so.
pub fn is_wanted(_: StatusCode, _: Version, headers: &HeaderMap, extensions: &Extensions) -> bool {
    extensions.get::<Compressed>().is_some() || headers.contains_key(header::CONTENT_DISPOSITION)
}

fn is_about_logs(path: &str) -> bool {
    path.split('/').any(|part| part == "logs")
}

fn is_text(headers: &HeaderMap) -> bool {
    let known = ["text/html", "text/css", "text/javascript", "application/json", "application/problem+json"];
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    known.iter().any(|kind| said.starts_with(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_known_by_their_paths() {
        for path in ["/logs", "/apps/web/logs", "/api/v1/apps/web/logs", "/api/v1/logs"] {
            assert!(is_about_logs(path), "{path}");
        }
        assert!(!is_about_logs("/apps/weblogs"));
    }
}
