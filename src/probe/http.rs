//! GET a URL: an answer of 2xx is well.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use super::Complaint;

/// So much of a body is read, and thrown away, so that the app can finish its answer.
const MOST_BODY: usize = 64 * 1024;

/// Asks once.
///
/// # Errors
/// What is wrong, in a few words.
pub async fn get(url: Url) -> Result<(), Complaint> {
    // Not a name: no resolver would be asked.
    if let Some(host) = url.host_str() {
        super::loopback(host, url.port_or_known_default().unwrap_or(80)).await?;
    }
    let mut answer = client()?.get(url).send().await.map_err(|e| told(&e))?;
    let status = answer.status();
    let answered = |reason| Complaint { reason, answered: true };
    let mut read = 0;
    while read < MOST_BODY {
        match answer.chunk().await {
            Ok(Some(chunk)) => read += chunk.len(),
            Ok(None) => break,
            Err(e) => {
                return Err(answered(format!("answered {} and broke off: {}", status.as_u16(), told(&e))));
            }
        }
    }
    if status.is_success() { Ok(()) } else { Err(answered(format!("answered {status}"))) }
}

/// One client for all checks. Each check has a connection of its own: an old one would say
/// nothing about whether the app accepts new ones.
fn client() -> Result<&'static Client, String> {
    static CLIENT: OnceLock<Result<Client, String>> = OnceLock::new();
    let client = CLIENT.get_or_init(|| {
        Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .dns_resolver(Arc::new(ThisHost))
            .pool_max_idle_per_host(0)
            .pool_idle_timeout(Duration::from_millis(1))
            .user_agent(concat!("pmdaemon/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| format!("cannot set up an HTTP client: {e}"))
    });
    client.as_ref().map_err(Clone::clone)
}

/// Resolves names to addresses of this host only, at the moment of connecting.
struct ThisHost;

impl Resolve for ThisHost {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = super::loopback(name.as_str(), 0).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The innermost cause says what happened; the outer ones repeat the URL.
fn told(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    match cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind) {
        Some(std::io::ErrorKind::ConnectionRefused) => "connection refused".to_owned(),
        Some(_) | None => cause.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn answered(reason: &str) -> Complaint {
        Complaint { reason: reason.to_owned(), answered: true }
    }

    /// Asks an app that answers each request with that text.
    async fn ask(answer: String) -> Result<(), Complaint> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let app = tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut request = [0; 1024];
                let _ = socket.read(&mut request).await;
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        });
        let verdict = get(format!("http://localhost:{port}/health").parse().unwrap()).await;
        app.abort();
        verdict
    }

    #[tokio::test]
    async fn an_answer_of_2xx_is_well_and_nothing_else_is() {
        assert_eq!(ask("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".into()).await, Ok(()));
        assert_eq!(ask("HTTP/1.1 204 No Content\r\n\r\n".into()).await, Ok(()));
        let busy = ask("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n".into()).await;
        assert_eq!(busy, Err(answered("answered 503 Service Unavailable")));
        // Not followed: its target would be well.
        let moved = "HTTP/1.1 302 Found\r\nlocation: http://192.0.2.1/\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(ask(moved.into()).await, Err(answered("answered 302 Found")));
        assert!(ask("hello".into()).await.is_err_and(|complaint| !complaint.answered));
    }

    #[tokio::test]
    async fn an_endless_body_is_left_unread() {
        let long = "x".repeat(10 << 20);
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", long.len());
        assert_eq!(ask(head + &long).await, Ok(()));
    }

    /// Row 36 of the security checklist.
    #[tokio::test]
    async fn a_closed_port_and_another_host_are_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let refused = get(format!("http://127.0.0.1:{port}/").parse().unwrap()).await;
        assert_eq!(refused, Err("connection refused".to_owned().into()));
        let other = get("http://192.0.2.1/".parse().unwrap()).await;
        assert!(other.is_err_and(|complaint| complaint.reason.contains("not this one")));
    }
}
