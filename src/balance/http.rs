//! What happens to a request.
//!
//! ```text
//!   request ─▶ somebody in service ─ connected? ─▶ answered ─▶ passed on
//!                   ▲                  │ no          │ broke off before the answer
//!                   └── another ◀──────┴─────────────┘ (only what may be said twice, and has no body)
//! ```
//!
//! A connection that was refused has seen nothing of the request, so another process may have it
//! whatever it is. The connections to a process are kept and closed before usual programs close
//! them, since a request that meets a closing connection is lost for whoever may not repeat it.

use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::http::request;
use hyper::{Request, Response, StatusCode, Uri, Version};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;

use super::alarm::Alarm;
use super::body::{Answer, Lent};
use super::fleet::{Active, Client, Fleet};
use super::headers::{self, Peer};
use super::pool::Failure;
use super::table::{Settings, Sticky};

/// What came of an attempt.
enum Attempt {
    Answered(Response<Incoming>),
    /// It was never said.
    Unsaid,
    /// Nobody knows whether it was heard.
    Broken,
    /// No answer began in time.
    Late,
}

/// A connection of a client: what is the same for all its requests.
pub struct Connected {
    fleet: Arc<Fleet>,
    address: IpAddr,
    peer: Peer,
    alarm: Alarm,
}

impl Connected {
    /// From that address.
    pub fn new(fleet: Arc<Fleet>, address: IpAddr, alarm: Alarm) -> Arc<Connected> {
        Arc::new(Connected { fleet, address, peer: Peer::new(address), alarm })
    }
}

/// Has a request answered.
pub async fn answer(client: Arc<Connected>, request: Request<Incoming>) -> Response<Answer> {
    let settings = client.fleet.came();
    match pass(&client, settings, request).await {
        Ok(response) => response,
        Err((status, sentence)) => {
            client.fleet.tally.errors.fetch_add(1, Relaxed);
            own(status, sentence)
        }
    }
}

async fn pass(
    Connected { fleet, address, peer, alarm }: &Connected,
    settings: Settings,
    mut request: Request<Incoming>,
) -> Result<Response<Answer>, (StatusCode, &'static str)> {
    let patience = Instant::now() + Duration::from_millis(settings.patience_ms);
    let limit = Duration::from_millis(settings.timeout_ms);
    let cookie = match settings.sticky {
        Sticky::Cookie => headers::bound(request.headers()),
        Sticky::None | Sticky::Address => None,
    };
    let client = Client { address: *address, cookie };
    let upgrade = headers::upgrade(request.headers());
    let switched = upgrade.is_some().then(|| hyper::upgrade::on(&mut request));
    let (mut parts, body) = request.into_parts();
    headers::pass(&mut parts.headers, upgrade);
    headers::forwarded(&mut parts.headers, peer);
    let body = Lent::new(body);
    let may_repeat = parts.method.is_idempotent() && body.is_empty() && switched.is_none();
    let mut tried = Vec::new();
    loop {
        let Some(active) = fleet.next(client, &tried, patience).await else {
            return Err((StatusCode::SERVICE_UNAVAILABLE, "no process of this app is in service"));
        };
        let backend = active.backend();
        let request = request_to(&backend.host, &parts, &body);
        match attempt(&active, request, alarm, Instant::now() + limit).await {
            Attempt::Answered(response) => {
                backend.accepted();
                let binds = settings.sticky == Sticky::Cookie && cookie != Some(backend.instance);
                return Ok(passed(response, active, switched, binds));
            }
            Attempt::Unsaid if body.is_whole() => backend.refused(),
            Attempt::Broken if may_repeat => backend.failed(),
            Attempt::Unsaid | Attempt::Broken => {
                backend.failed();
                return Err((StatusCode::BAD_GATEWAY, "the process that had this request broke off"));
            }
            Attempt::Late => {
                backend.failed();
                return Err((
                    StatusCode::GATEWAY_TIMEOUT,
                    "the process that has this request does not answer",
                ));
            }
        }
        fleet.tally.retries.fetch_add(1, Relaxed);
        // Everybody was tried: a moment later one may have come up again.
        if tried.contains(&backend.run) {
            if Instant::now() >= patience {
                return Err((StatusCode::BAD_GATEWAY, "no process of this app accepts connections"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tried.push(backend.run);
    }
}

async fn attempt(active: &Active, request: Request<Lent>, alarm: &Alarm, late: Instant) -> Attempt {
    let mut asked = pin!(active.backend().pool().ask(request));
    let answered = |context: &mut Context<'_>| match asked.as_mut().poll(context) {
        Poll::Ready(Ok(response)) => Poll::Ready(Attempt::Answered(response)),
        Poll::Ready(Err(Failure::Unsaid)) => Poll::Ready(Attempt::Unsaid),
        Poll::Ready(Err(Failure::Broken)) => Poll::Ready(Attempt::Broken),
        Poll::Pending => alarm.poll(context, late).map(|()| Attempt::Late),
    };
    poll_fn(answered).await
}

fn request_to(host: &HeaderValue, parts: &request::Parts, body: &Lent) -> Request<Lent> {
    let mut request = Request::new(body.clone());
    *request.method_mut() = parts.method.clone();
    // A client may name a server in it, as one asks a proxy.
    *request.uri_mut() = match parts.uri.path_and_query() {
        Some(path) => Uri::from(path.clone()),
        None => parts.uri.clone(),
    };
    *request.headers_mut() = parts.headers.clone();
    // HTTP/1.0 knows none.
    request.headers_mut().entry(header::HOST).or_insert_with(|| host.clone());
    request
}

/// The answer of a process, on its way to the client.
fn passed(
    mut response: Response<Incoming>,
    active: Active,
    switched: Option<hyper::upgrade::OnUpgrade>,
    binds: bool,
) -> Response<Answer> {
    let upgrade = headers::upgrade(response.headers());
    let instance = active.backend().instance;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS
        && let Some(client) = switched
    {
        let process = hyper::upgrade::on(&mut response);
        let (mut parts, _) = response.into_parts();
        headers::pass(&mut parts.headers, upgrade);
        if binds {
            headers::bind(&mut parts.headers, instance);
        }
        tokio::spawn(async move {
            // Until both ends have said all, or one is gone.
            if let (Ok(client), Ok(process)) = tokio::join!(client, process) {
                let _ = copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(process)).await;
            }
            drop(active);
        });
        return Response::from_parts(parts, Answer::Own(Full::default()));
    }
    let (mut parts, body) = response.into_parts();
    headers::pass(&mut parts.headers, None);
    if binds {
        headers::bind(&mut parts.headers, instance);
    }
    parts.version = Version::HTTP_11;
    Response::from_parts(parts, Answer::Passed { body, _active: active })
}

fn own(status: StatusCode, sentence: &'static str) -> Response<Answer> {
    let mut response = Response::new(Answer::Own(Full::new(Bytes::from(format!("{sentence}\n")))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
