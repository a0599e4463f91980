//! What is kept from whom: a login, and files that nobody means to publish.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::sync::Arc;

use super::Site;

/// A name and password, as a digest: compared in it, they take the same time however wrong they are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Login([u8; 32]);

impl Login {
    /// Of these.
    pub fn new(user: &str, password: &str) -> Login {
        Login(Sha256::digest(format!("{user}:{password}")).into())
    }

    fn is_in(self, given: Option<&HeaderValue>) -> bool {
        let text = given.and_then(|value| value.to_str().ok()).and_then(|text| text.split_once(' '));
        let Some((scheme, coded)) = text else { return false };
        scheme.eq_ignore_ascii_case("basic")
            && STANDARD
                .decode(coded.trim())
                .is_ok_and(|words| self.0 == <[u8; 32]>::from(Sha256::digest(words)))
    }
}

/// Nothing of it prints.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login")
    }
}

/// Lets pass who may look at what may be looked at, and says how long answers are good.
pub async fn guard(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    if let Some(login) = site.login
        && !login.is_in(request.headers().get(header::AUTHORIZATION))
    {
        let ask = [(header::WWW_AUTHENTICATE, "Basic realm=\"files\", charset=\"UTF-8\"")];
        return (StatusCode::UNAUTHORIZED, ask, "a name and a password are needed\n").into_response();
    }
    if is_hidden(request.uri().path()) {
        return (StatusCode::NOT_FOUND, "not found\n").into_response();
    }
    let mut response = next.run(request).await;
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_page = kind.is_none_or(|kind| kind.starts_with("text/html"));
    let value = match site.max_age {
        seconds if seconds > 0 && !is_page && response.status().is_success() => format!("max-age={seconds}"),
        _ => "no-cache".to_owned(),
    };
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.headers_mut().insert(header::CACHE_CONTROL, value);
    }
    response
}

/// `.env`, `.git/config`: a part of the path begins with a dot. `.well-known` is meant to be looked at.
fn is_hidden(path: &str) -> bool {
    // Whoever looks for the file decodes the whole path before it is cut into parts.
    let escapes = [("%2f", "/"), ("%2F", "/"), ("%2e", "."), ("%2E", ".")];
    let decoded = escapes.iter().fold(path.to_owned(), |path, (escape, sign)| path.replace(escape, sign));
    decoded.split('/').any(|part| part.starts_with('.') && part != ".well-known")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_words_are_in() {
        let login = Login::new("me", "secret");
        let check = |header: &str, expected: bool| {
            assert_eq!(login.is_in(Some(&HeaderValue::from_str(header).unwrap())), expected, "{header}");
        };
        check(&format!("Basic {}", STANDARD.encode("me:secret")), true);
        check(&format!("basic {}", STANDARD.encode("me:secret")), true);
        check(&format!("Basic {}", STANDARD.encode("me:other")), false);
        check(&format!("Bearer {}", STANDARD.encode("me:secret")), false);
        check("Basic !", false);
        check("", false);
        assert!(!login.is_in(None));
        assert_eq!(format!("{login:?}"), "Login");
    }

    #[test]
    fn what_begins_with_a_dot_is_hidden() {
        for path in [
            "/.env",
            "/a/.git/config",
            "/%2eenv",
            "/%2Egit/HEAD",
            "/..",
            "/a/%2e%2e/b",
            "/a%2f.env",
            "/a%2F%2Egit/config",
            "/.well-known%2f.env",
        ] {
            assert!(is_hidden(path), "{path}");
        }
        for path in ["/", "/a.b/c.d", "/.well-known/acme-challenge/x", "/a%2eb", "/a%252f.b"] {
            assert!(!is_hidden(path), "{path}");
        }
    }
}
