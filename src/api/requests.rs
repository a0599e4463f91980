//! Records of requests, for those who watch: what was asked and what was answered, as it happens.
//!
//! Nothing is kept. While nobody watches nothing is recorded either, and a watcher that is too slow
//! is told how many it missed. A record has the path and never the query, which may hold the code
//! of a login link.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::watch;

use super::arrival::Arrival;
use super::listeners::Lease;
use super::{Shared, convert};
use crate::auth::Principal;
use crate::daemon::clock;
use crate::wire;

/// Records that a watcher may be behind.
const BOUND: usize = 1024;
/// A silent stream shows that it lives, and finds out whether its reader does.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Where records go.
pub struct Requests(broadcast::Sender<Arc<wire::AccessRecord>>);

impl Default for Requests {
    fn default() -> Requests {
        Requests(broadcast::Sender::new(BOUND))
    }
}

/// The middleware around everything, so that a refused request is seen too.
pub async fn record(State(api): State<Shared>, request: Request, next: Next) -> Response {
    if api.requests.0.receiver_count() == 0 {
        return next.run(request).await;
    }
    let address = match request.extensions().get::<Arrival>() {
        Some(Arrival::Tcp { bound, .. }) => Some(bound.to_string()),
        Some(Arrival::Unix) | None => None,
    };
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let begun = Instant::now();
    let response = next.run(request).await;
    let record = wire::AccessRecord {
        ts: convert::time_us(clock::unix_ms() * 1000),
        address,
        method,
        path,
        status: i64::from(response.status().as_u16()),
        duration_us: begun.elapsed().as_micros() as i64,
    };
    // Nobody may be left to hear it.
    let _ = api.requests.0.send(Arc::new(record));
    response
}

/// What a stream is about.
pub struct Watched {
    /// The first line.
    pub first: Option<Bytes>,
    /// One address only, which is served as long as the stream is read.
    pub lent: Option<(Lease, watch::Receiver<bool>)>,
    /// Who watches.
    pub principal: Principal,
}

/// The stream of records, as lines of JSON.
pub fn stream(api: Shared, watched: Watched) -> Response {
    let records = api.requests.0.subscribe();
    let address = watched.lent.as_ref().map(|(lease, _)| lease.address().to_string());
    let state = Watching { api, records, address, watched, over: false };
    let body = futures_util::stream::unfold(state, |mut state| async move {
        let piece = state.next().await?;
        Some((Ok::<Bytes, Infallible>(piece), state))
    });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(body)).into_response()
}

struct Watching {
    api: Shared,
    records: broadcast::Receiver<Arc<wire::AccessRecord>>,
    address: Option<String>,
    watched: Watched,
    over: bool,
}

impl Watching {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.watched.first.take() {
            return Some(first);
        }
        while !self.over {
            let received = tokio::select! {
                received = self.records.recv() => received,
                () = closed(&mut self.watched.lent) => {
                    self.over = true;
                    // A daemon that ends says nothing: the next one serves the address again.
                    return (!self.api.listeners.is_ending()).then(|| line(&wire::StreamControl::closed()));
                }
                // Says nothing either.
                () = self.api.handle.leaving() => {
                    self.over = true;
                    return None;
                }
                () = self.api.barred(&self.watched.principal) => {
                    self.over = true;
                    return None;
                }
                () = tokio::time::sleep(HEARTBEAT) => {
                    return Some(line(&wire::StreamControl::heartbeat()));
                }
            };
            match received {
                Ok(record) if self.address.is_none() || self.address == record.address => {
                    return Some(line(&*record));
                }
                Ok(_) => {}
                Err(RecvError::Lagged(missed)) => return Some(line(&wire::StreamControl::missed(missed))),
                Err(RecvError::Closed) => self.over = true,
            }
        }
        None
    }
}

/// Waits until the lent address is not served any more; for ever when none was lent.
async fn closed(lent: &mut Option<(Lease, watch::Receiver<bool>)>) {
    match lent {
        Some((_, end)) => drop(end.wait_for(|end| *end).await),
        None => std::future::pending().await,
    }
}

/// One line of JSON.
pub fn line<T: serde::Serialize>(value: &T) -> Bytes {
    let mut bytes = serde_json::to_vec(value).expect("it is plain data");
    bytes.push(b'\n');
    Bytes::from(bytes)
}
