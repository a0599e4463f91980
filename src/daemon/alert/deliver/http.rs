//! One POST of JSON. A 2xx is the acknowledgement; a redirect is a refusal; of what is answered besides its
//! status nothing is looked at but when to come again (web.md 4.3, row 36).

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT};
use reqwest::redirect::Policy;

use super::Refused;
use crate::daemon::reach::{self, Loopback, Resolver};

/// How long a connection may take, and everything together.
const CONNECT: Duration = Duration::from_secs(3);
const LIMIT: Duration = Duration::from_secs(10);
/// So much of an answer is read, for the connection to end in order.
const ANSWER: usize = 64 << 10;

/// What is sent where.
pub struct Request {
    /// Where.
    pub url: String,
    /// Sent along; their values may be secrets.
    pub headers: Vec<(String, String)>,
    /// JSON.
    pub body: Vec<u8>,
}

impl Request {
    /// That body, to there.
    pub fn to(url: &str, body: Vec<u8>) -> Request {
        Request { url: url.to_owned(), headers: Vec::new(), body }
    }

    /// Sends that along, too.
    pub fn header(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// Sends it.
    ///
    /// # Errors
    /// A sentence without URL and headers.
    pub async fn send(self, loopback: Loopback) -> Result<(), Refused> {
        let url = Url::parse(&self.url).map_err(|e| format!("the URL is not understood: {e}"))?;
        // An address in a URL is not looked up, and the environment may have changed since it was given.
        reach::may_be(url.host_str().unwrap_or_default(), loopback)?;
        // A proxy would look names up by itself, and see what nobody may reach.
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .dns_resolver(Arc::new(Resolver(loopback)))
            .connect_timeout(CONNECT)
            .timeout(LIMIT)
            .build()
            .map_err(|e| format!("HTTP cannot be set up: {e}"))?;
        let mut request = client.post(url).header(CONTENT_TYPE, "application/json");
        request = request.header(USER_AGENT, concat!("pmdaemon/", env!("CARGO_PKG_VERSION")));
        for (name, value) in &self.headers {
            let value = HeaderValue::from_str(value);
            let mut value = value.map_err(|_| format!("the header {name} cannot be sent"))?;
            value.set_sensitive(true);
            request = request.header(name.as_str(), value);
        }
        let mut answer = request.body(self.body).send().await.map_err(|e| failed(&e))?;
        let status = answer.status();
        let seconds = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let mut read = 0;
        while let Ok(Some(chunk)) = answer.chunk().await {
            read += chunk.len();
            if read > ANSWER {
                break;
            }
        }
        match status {
            status if status.is_success() => Ok(()),
            status if status.is_redirection() => {
                let why = format!("the receiver answered {status}: redirects are not followed");
                Err(Refused { why, retry_after: None })
            }
            status => {
                let why = format!("the receiver answered {status}");
                Err(Refused { why, retry_after: seconds.map(Duration::from_secs) })
            }
        }
    }
}

/// What went wrong, down to its cause, without the URL.
fn failed(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    match error.is_timeout() {
        true => format!("the receiver has not answered within {} s", LIMIT.as_secs()),
        false => format!("the receiver cannot be reached: {cause}"),
    }
}
