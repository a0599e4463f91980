//! What every request and every answer passes: the Host list before anything else, the security
//! headers after everything else.
//!
//! A page of a stranger can point a name of its own at 127.0.0.1 (DNS rebinding); the browser then
//! takes us for that stranger. Only the name that it sends gives it away (web.md 4.3, row 3).

use std::net::{IpAddr, SocketAddr};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::arrival::Arrival;
use super::face::Face;
use super::{ApiError, Shared, cors};

/// Scripts and styles come from us alone, nothing is inline, nobody frames us.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                   font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The longest path and query.
const MAX_URI: usize = 8 * 1024;
/// The longest header, all lines together.
const MAX_HEADER: usize = 16 * 1024;

/// The middleware around the whole router.
pub async fn guard(State(api): State<Shared>, request: Request, next: Next) -> Response {
    let face = match request.extensions().get::<Arrival>() {
        Some(Arrival::Tcp { bound, .. }) => api.listeners.face(*bound),
        Some(Arrival::Unix) | None => None,
    }
    .unwrap_or_default();
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = match refusal(&request, &face) {
        Some(refusal) => refusal.into_response(),
        None => match cors::preflight(&face, request.method(), request.headers()) {
            Some(answer) => answer,
            None => next.run(request).await,
        },
    };
    add_headers(response.headers_mut(), &face);
    cors::share(&face, origin, response.headers_mut());
    response
}

/// What is wrong with a request whoever sends it.
fn refusal(request: &Request, face: &Face) -> Option<ApiError> {
    let headers = request.headers();
    if let Some(Arrival::Tcp { local, .. }) = request.extensions().get::<Arrival>() {
        match addressed(request.uri(), headers, *local, face) {
            To::Us => {}
            To::Others => {
                let detail = format!(
                    "this server is not the one in the Host header or the target: use {}://{local}",
                    face.scheme()
                );
                return Some(ApiError::new(StatusCode::MISDIRECTED_REQUEST, "foreign_host", detail));
            }
            To::Two => {
                let detail = "the target of the request and its Host header name two servers: \
                              send the same in both, or a target that begins with /";
                return Some(ApiError::new(StatusCode::BAD_REQUEST, "two_hosts", detail));
            }
        }
    }
    if request.uri().path_and_query().is_some_and(|path| path.as_str().len() > MAX_URI) {
        let detail = "path and query are longer than 8 KiB";
        return Some(ApiError::new(StatusCode::URI_TOO_LONG, "uri_too_long", detail));
    }
    let header: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if header > MAX_HEADER {
        let detail = "the header is longer than 16 KiB";
        return Some(ApiError::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "header_too_large", detail));
    }
    None
}

/// For whom a request is, by what it says.
#[derive(Debug, PartialEq, Eq)]
enum To {
    Us,
    Others,
    Two,
}

/// A target in absolute form names the server, too, and counts more than the Host header (RFC 9112,
/// 3.2.2). Everything behind this goes by the header, so both have to say the same.
fn addressed(uri: &Uri, headers: &HeaderMap, local: SocketAddr, face: &Face) -> To {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return To::Others };
    let Ok(host) = host.to_str() else { return To::Others };
    let named = |text: &str| server_named(text, face);
    let (host, target) = (named(host), uri.authority().map(|authority| named(authority.as_str())));
    if ![Some(&host), target.as_ref()].into_iter().flatten().all(|server| is_ours(server, local, face)) {
        return To::Others;
    }
    if target.is_some_and(|target| target != host) { To::Two } else { To::Us }
}

/// Name and port in such a text; no port where that is none.
fn server_named(text: &str, face: &Face) -> (String, Option<u16>) {
    let text = text.to_ascii_lowercase();
    let usual = if face.tls.is_some() { 443 } else { 80 };
    match text.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name.to_owned(), port_number(port)),
        Some(_) | None => (text, Some(usual)),
    }
}

/// Digits alone (RFC 9110, 4.2): `+80` would be a number, too.
fn port_number(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn is_ours((name, port): &(String, Option<u16>), local: SocketAddr, face: &Face) -> bool {
    let ip = match local.ip().to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    let mut names =
        ["localhost", "127.0.0.1", "[::1]", &ip].into_iter().chain(face.set.hosts.iter().map(String::as_str));
    *port == Some(local.port()) && names.any(|ours| ours == name)
}

fn add_headers(headers: &mut HeaderMap, face: &Face) {
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if face.tls.is_some() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_3_only_our_own_names_with_our_own_port_are_served() {
        let mut face = Face::default();
        face.set.hosts = vec!["box.example".to_owned()];
        let local: SocketAddr = "127.0.0.1:9615".parse().unwrap();
        let path = Uri::from_static("/api/v1/apps");
        let check = |host: &str, ours: bool| {
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_str(host).unwrap())]);
            let expected = if ours { To::Us } else { To::Others };
            assert_eq!(addressed(&path, &headers, local, &face), expected, "{host}");
        };
        for host in ["localhost:9615", "127.0.0.1:9615", "[::1]:9615", "LocalHost:9615", "box.example:9615"] {
            check(host, true);
        }
        for host in [
            "",
            "localhost",
            "127.0.0.1",
            "localhost:80",
            "evil.example",
            "box.example",
            "box.example.:9615",
            "a.box.example:9615",
            "evil.example:9615",
            "localhost.evil:9615",
            "127.0.0.1:9615:9615",
            "127.0.0.1:09x",
            "localhost:+9615",
            "[::1]:+9615",
            "localhost: 9615",
            "[::1]",
            "0.0.0.0:9615",
            "localhost:9615, localhost:9615",
            "127.0.0.2:9615",
        ] {
            check(host, false);
        }
        let nobody = addressed(&path, &HeaderMap::new(), local, &face);
        assert_eq!(nobody, To::Others, "HTTP/1.0 without a Host");
    }
}
