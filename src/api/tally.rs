//! What the API itself went through, for [`super::prometheus`]: requests by route, their durations,
//! and who was not let in.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::Shared;
use crate::wire::Problem;

/// Seconds, from a fast answer to a long wait.
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    method: String,
    /// The pattern of the route, never the path: there is no end to paths.
    route: String,
    code: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failed {
    reason: String,
}

/// Counters since this daemon began.
pub struct Tally {
    requests: Family<Asked, Counter>,
    durations: Histogram,
    failures: Family<Failed, Counter>,
}

impl Default for Tally {
    fn default() -> Tally {
        Tally { requests: Family::default(), durations: Histogram::new(BUCKETS), failures: Family::default() }
    }
}

impl Tally {
    /// Shows them.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("pmdaemon_http_requests", "Requests that were answered", self.requests.clone());
        let words = "Time from a request to the header of its answer";
        registry.register("pmdaemon_http_request_duration_seconds", words, self.durations.clone());
        registry.register("pmdaemon_auth_failures", "Requests answered with 401", self.failures.clone());
    }
}

/// The middleware.
pub async fn count(State(api): State<Shared>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    // Anybody can make methods up.
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let method = known.iter().find(|known| *known == request.method()).map_or("other", Method::as_str);
    let begun = Instant::now();
    let response = next.run(request).await;
    let asked = Asked { method: method.to_owned(), route, code: u32::from(response.status().as_u16()) };
    api.tally.requests.get_or_create(&asked).inc();
    api.tally.durations.observe(begun.elapsed().as_secs_f64());
    if response.status() == StatusCode::UNAUTHORIZED {
        let reason = response.extensions().get::<Problem>().map_or("other", |problem| &problem.code);
        api.tally.failures.get_or_create(&Failed { reason: reason.to_owned() }).inc();
    }
    response
}
