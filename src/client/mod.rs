//! The typed client of the API: what the command line and the library speak to the daemon with.
//!
//! One HTTP connection over the unix socket of the home with the bearer token of its token file, or
//! to a server that somebody has logged in to (`contexts`), and one method per route (`routes`). Knows the types of [`crate::wire`] and the paths of
//! [`crate::home`], nothing else of the program. [`Client`] never starts a daemon; who wants one
//! asks [`start::ensure`] first.
//!
//! The daemon renews the token file, so a request that is answered 401 is tried once more when
//! the file holds another token by then. Nothing else is repeated here.

mod alerts;
pub mod contexts;
mod custom;
pub mod environment;
mod error;
mod forwards;
mod host;
mod identity;
mod log_place;
mod log_query;
pub mod place;
mod points;
mod records;
mod requests;
mod routes;
mod secret;
pub mod start;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode};

use crate::home::Home;
use crate::secrets;
use crate::wire::Problem;

use contexts::Context;
pub use error::ClientError;
pub use log_place::LogPlace;
pub use log_query::LogQuery;
pub use place::Place;
pub use records::{LogItem, LogStream, TextStream};
pub use requests::{RequestItem, RequestStream};
pub use routes::{ANY, Reached, Selection, may_be_reference};

/// How long an answer may take that has nothing to wait for.
const ANSWER: Duration = Duration::from_secs(15);

/// A connection to the daemon of one home.
pub struct Client {
    http: reqwest::Client,
    place: Place,
    /// Where a newer token may be.
    token_file: Option<PathBuf>,
    token: Mutex<String>,
}

impl Client {
    /// The client of that home. Reads the token; connects at the first request.
    ///
    /// # Errors
    /// [`ClientError::Token`] when the token file cannot be used.
    pub fn local(home: &Home) -> Result<Client, ClientError> {
        let token = secrets::token::read(&home.token())?;
        let place = Place::Socket(home.socket());
        let http = place.transport(None)?;
        Ok(Client { http, place, token_file: Some(home.token()), token: Mutex::new(token) })
    }

    /// The client of a server that somebody has logged in to.
    ///
    /// # Errors
    /// When its certificates cannot be used.
    pub fn remote(context: &Context) -> Result<Client, ClientError> {
        let place = context.place();
        let http = place.transport(context.ca.as_deref())?;
        Ok(Client { http, place, token_file: None, token: Mutex::new(context.token.clone()) })
    }

    /// The token that requests are made with.
    pub fn token(&self) -> String {
        self.token.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Sends a request, and again with a newer token when the daemon did not accept this one.
    async fn send(
        &self,
        method: Method,
        path: &str,
        fill: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Response, ClientError> {
        let attempt = format!("{method} {path}");
        let once = |token: String| {
            let request =
                self.http.request(method.clone(), self.place.url(path)).timeout(ANSWER).bearer_auth(token);
            fill(request).send()
        };
        let lost = |e| ClientError::from_reqwest(&attempt, self.place.clone(), e);
        let used = self.token();
        let mut response = once(used.clone()).await.map_err(lost)?;
        if let (StatusCode::UNAUTHORIZED, Some(file)) = (response.status(), &self.token_file) {
            let renewed = secrets::token::read(file)?;
            if renewed != used {
                *self.token.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = renewed.clone();
                response = once(renewed).await.map_err(lost)?;
            }
        }
        if response.status().is_success() {
            return Ok(response);
        }
        Err(refusal(&attempt, response).await)
    }

    /// Sends a request and reads the JSON of its answer.
    async fn json<T: serde::de::DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        fill: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<(StatusCode, T), ClientError> {
        let attempt = format!("{method} {path}");
        let response = self.send(method, path, fill).await?;
        let status = response.status();
        let body =
            response.bytes().await.map_err(|e| ClientError::from_reqwest(&attempt, self.place.clone(), e))?;
        let value = serde_json::from_slice(&body).map_err(|e| {
            ClientError::Transport(format!(
                "the daemon's answer to {attempt} is not understood ({e}): it may be of another version, \
                 see pmdaemon status"
            ))
        })?;
        Ok((status, value))
    }
}

/// Whether the daemon of that home is there and ready (`GET /healthz`, which needs no token:
/// one whose disk is full is there, too).
pub async fn is_ready(home: &Home) -> bool {
    let place = Place::Socket(home.socket());
    let Ok(http) = place.transport(None) else { return false };
    let answer = http.get(place.url("/healthz")).timeout(Duration::from_secs(2)).send().await;
    answer.is_ok_and(|response| response.status() == StatusCode::OK)
}

/// Reads an answer that is not 2xx.
async fn refusal(attempt: &str, response: Response) -> ClientError {
    let status = response.status();
    match response.json::<Problem>().await {
        Ok(problem) => ClientError::Problem(Box::new(problem)),
        Err(_) => {
            ClientError::Transport(format!("the daemon answered {status} to {attempt} and did not say why"))
        }
    }
}
