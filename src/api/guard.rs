//! What every request and every answer passes: the Host list before anything else, the security
//! headers after everything else.
//!
//! A page of a stranger can point a name of its own at 127.0.0.1 (DNS rebinding); the browser then
//! takes us for that stranger. Only the Host header gives it away (web.md 4.3, row 3).

use std::net::SocketAddr;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::ApiError;
use super::arrival::Arrival;

/// Scripts and styles come from us alone, nothing is inline, nobody frames us.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                   font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The middleware around the whole router.
pub async fn guard(request: Request, next: Next) -> Response {
    let arrival = request.extensions().get::<Arrival>().copied();
    let mut response = match arrival {
        Some(Arrival::Tcp { local, .. }) if !host_is_ours(request.headers(), local) => ApiError::new(
            StatusCode::MISDIRECTED_REQUEST,
            "foreign_host",
            format!("this server is not the one in the Host header: use http://{local}"),
        )
        .into_response(),
        Some(Arrival::Tcp { .. } | Arrival::Unix) | None => next.run(request).await,
    };
    add_headers(response.headers_mut());
    response
}

fn host_is_ours(headers: &HeaderMap, local: SocketAddr) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let Ok(host) = host.to_str() else { return false };
    let host = host.to_ascii_lowercase();
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port.parse::<u16>().ok()),
        Some(_) | None => (host.as_str(), Some(80)),
    };
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned(), local.ip().to_string()];
    port == Some(local.port()) && names.iter().any(|ours| ours == name)
}

fn add_headers(headers: &mut HeaderMap) {
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
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_with_our_own_port_are_served() {
        let local: SocketAddr = "127.0.0.1:9615".parse().unwrap();
        let check = |host: &str, ours: bool| {
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_str(host).unwrap())]);
            assert_eq!(host_is_ours(&headers, local), ours, "{host}");
        };
        for host in ["localhost:9615", "127.0.0.1:9615", "[::1]:9615", "LocalHost:9615"] {
            check(host, true);
        }
        for host in [
            "",
            "localhost",
            "127.0.0.1",
            "localhost:80",
            "evil.example",
            "evil.example:9615",
            "localhost.evil:9615",
            "127.0.0.1:9615:9615",
            "127.0.0.1:09x",
            "[::1]",
            "0.0.0.0:9615",
            "localhost:9615, localhost:9615",
            "127.0.0.2:9615",
        ] {
            check(host, false);
        }
        assert!(!host_is_ours(&HeaderMap::new(), local), "HTTP/1.0 without a Host");
    }
}
