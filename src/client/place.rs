//! Where the daemon is that a client speaks to.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Certificate, Url};

use super::ClientError;
use super::contexts::Context;

/// The other end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// The daemon of a home of this machine, by its unix socket.
    Socket(PathBuf),
    /// A server: its origin, such as `https://prod.example:9615`.
    Server(String),
}

impl Place {
    /// The address of a path. The host is a formality on a unix socket.
    pub(super) fn url(&self, path: &str) -> String {
        match self {
            Place::Socket(_) => format!("http://localhost{path}"),
            Place::Server(origin) => format!("{origin}{path}"),
        }
    }

    /// HTTP to it. No proxy: to a socket the request never leaves the host, to a server it goes where
    /// it was told to. No redirect is followed: a token goes to its own server alone.
    pub(super) fn transport(&self, ca: Option<&str>) -> Result<reqwest::Client, ClientError> {
        let builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let builder = match self {
            Place::Socket(socket) => {
                builder.unix_socket(socket.clone()).connect_timeout(Duration::from_secs(2))
            }
            Place::Server(_) => builder.connect_timeout(Duration::from_secs(10)),
        };
        let builder = match ca {
            None => builder,
            Some(pem) => builder.tls_certs_only(certificates(pem)?),
        };
        builder.build().map_err(|e| {
            ClientError::Transport(format!("cannot set up the connection to the daemon: {}", innermost(&e)))
        })
    }
}

/// The certificates of a file.
///
/// # Errors
/// A sentence, when it holds none.
pub fn certificates(pem: &str) -> Result<Vec<Certificate>, ClientError> {
    match Certificate::from_pem_bundle(pem.as_bytes()) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(ClientError::BadContext(
            "the file of --ca holds no certificate: give one in PEM form (BEGIN CERTIFICATE)".into(),
        )),
    }
}

/// The server that a text names, as its origin; `insecure` allows to send a token unencrypted over a
/// network.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn server(text: &str, insecure: bool) -> Result<String, ClientError> {
    let refuse = |why: &str| Err(ClientError::BadContext(format!("{text:?} {why}")));
    let Ok(url) = Url::parse(text) else {
        return refuse("is not the address of a server: write https://HOST:PORT");
    };
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(str::is_empty) {
        return refuse("is not the address of a server: write https://HOST:PORT");
    }
    let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if !bare || url.fragment().is_some() || url.path() != "/" {
        return refuse("has more than an address: write https://HOST:PORT, without path, user or password");
    }
    if url.scheme() == "http" && !is_loopback(&url) && !insecure {
        return refuse(
            "is plain HTTP over a network, where everybody on the way could read the token: use https, or add \
             --insecure-http if you know that nobody can",
        );
    }
    Ok(url.origin().ascii_serialization())
}

/// Whether it leaves the machine.
pub fn is_unencrypted(origin: &str) -> bool {
    Url::parse(origin).is_ok_and(|url| url.scheme() == "http" && !is_loopback(&url))
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

impl Context {
    /// Where it leads.
    pub fn place(&self) -> Place {
        Place::Server(self.url.clone())
    }
}

/// What an error is really about.
pub(super) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_an_origin_and_plain_http_stays_on_this_machine() {
        for (text, origin) in [
            ("https://prod.example:9615", "https://prod.example:9615"),
            ("https://prod.example/", "https://prod.example"),
            ("HTTPS://Prod.Example:443", "https://prod.example"),
            ("http://127.0.0.1:9615", "http://127.0.0.1:9615"),
            ("http://localhost:9615", "http://localhost:9615"),
            ("http://[::1]:9615", "http://[::1]:9615"),
        ] {
            assert_eq!(server(text, false).unwrap(), origin, "{text}");
        }
        for text in [
            "",
            "prod.example",
            "prod.example:9615",
            "ftp://prod.example",
            "https://",
            "https://u:p@prod.example",
            "https://prod.example/x",
            "https://prod.example/?token=x",
            "https://prod.example/#x",
        ] {
            assert!(server(text, true).is_err(), "{text}");
        }
        for text in [
            "http://prod.example",
            "http://10.0.0.1:9615",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
        ] {
            let refused = server(text, false).unwrap_err().to_string();
            assert!(refused.contains("--insecure-http"), "{refused}");
            assert!(is_unencrypted(&server(text, true).unwrap()), "{text}");
        }
        assert!(!is_unencrypted("https://prod.example") && !is_unencrypted("http://127.0.0.1:9615"));
    }
}
