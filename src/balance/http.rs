//! What happens to a request.
//!
//! ```text
//!   request ─▶ somebody in service ─ connected? ─▶ answered ─▶ passed on
//!                   ▲                  │ no          │ broke off before the answer
//!                   └── another ◀──────┴─────────────┘ (once, and only what may be said twice and has no body)
//! ```
//!
//! A connection that was refused has seen nothing of the request, so another process may have it
//! whatever it is. The connections to a process are kept and closed before usual programs close
//! them, since a request that meets a closing connection is lost for whoever may not repeat it.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
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
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper::{Request, Response, StatusCode, Uri, Version};
use tokio::io::{AsyncWriteExt, copy_bidirectional};

use super::alarm::Alarm;
use super::backend::Active;
use super::body::{Answer, Lent};
use super::fleet::{Client, Fleet};
use super::headers::{self, Peer};
use super::pool::Failure;
use super::prospect::Prospect;
use super::socket::Socket;
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
    prospect: Prospect,
}

impl Connected {
    /// From that address.
    pub fn new(fleet: Arc<Fleet>, address: IpAddr, alarm: Alarm, prospect: Prospect) -> Arc<Connected> {
        Arc::new(Connected { fleet, address, peer: Peer::new(address), alarm, prospect })
    }
}

/// A request of a client, as a process gets it.
struct Asked {
    settings: Settings,
    client: Client,
    parts: request::Parts,
    body: Lent,
    /// The connection, if it is to go on in another protocol.
    switched: Option<OnUpgrade>,
    /// The client leaves after it.
    is_last: bool,
}

impl Asked {
    fn new(connected: &Connected, mut request: Request<Incoming>) -> Asked {
        let settings = connected.fleet.came();
        let cookie = match settings.sticky {
            Sticky::Cookie => headers::bound(request.headers()),
            Sticky::None | Sticky::Address => None,
        };
        let client = Client { address: connected.address, cookie };
        let upgrade = headers::upgrade(request.headers());
        let switched = upgrade.is_some().then(|| hyper::upgrade::on(&mut request));
        let (mut parts, body) = request.into_parts();
        let is_last = switched.is_none() && headers::is_last(parts.version, &parts.headers);
        headers::pass(&mut parts.headers, upgrade);
        headers::forwarded(&mut parts.headers, &connected.peer);
        Asked { settings, client, parts, body: Lent::new(body), switched, is_last }
    }

    fn may_repeat(&self) -> bool {
        self.parts.method.is_idempotent() && self.body.is_empty() && self.switched.is_none()
    }
}

/// Has a request answered.
///
/// # Errors
/// Never: whatever happens is an answer.
pub fn answer(
    connected: Arc<Connected>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Answer>, Infallible>> {
    // Before the future: what is in it is moved with each request.
    let mut asked = Asked::new(&connected, request);
    if asked.body.is_empty() {
        connected.prospect.asked(asked.is_last);
    }
    async move {
        let passed = pass(&connected, &mut asked).await;
        let mut answer = passed.unwrap_or_else(|(status, sentence)| {
            connected.fleet.tally.errors.fetch_add(1, Relaxed);
            own(status, sentence)
        });
        // So its client sends no request into a connection that is being closed.
        if connected.fleet.is_ending() && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(answer)
    }
}

async fn pass(
    Connected { fleet, alarm, .. }: &Connected,
    asked: &mut Asked,
) -> Result<Response<Answer>, (StatusCode, &'static str)> {
    let limit = Duration::from_millis(asked.settings.timeout_ms);
    let patience = Instant::now() + Duration::from_millis(asked.settings.patience_ms).min(limit);
    let (mut tried, mut repeated) = (Vec::new(), false);
    loop {
        let Some(active) = fleet.next(asked.client, &tried, patience).await else {
            return Err((StatusCode::SERVICE_UNAVAILABLE, "no process of this app is in service"));
        };
        let backend = active.backend();
        let mut request = Some(request_to(&backend.host, &asked.parts, &asked.body));
        match attempt(&active, &mut request, alarm, limit).await {
            Attempt::Answered(response) => {
                backend.accepted();
                let binds =
                    asked.settings.sticky == Sticky::Cookie && asked.client.cookie != Some(backend.instance);
                return Ok(passed(response, active, asked.switched.take(), binds));
            }
            Attempt::Unsaid if asked.body.is_whole() => backend.refused(),
            // Once: what ends one process for what it asks would end all of them.
            Attempt::Broken if asked.may_repeat() && !repeated => {
                repeated = true;
                backend.failed();
            }
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
            if fleet.is_over(patience) {
                return Err((StatusCode::BAD_GATEWAY, "no process of this app accepts connections"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tried.push(backend.run);
    }
}

async fn attempt(
    active: &Active,
    request: &mut Option<Request<Lent>>,
    alarm: &Alarm,
    limit: Duration,
) -> Attempt {
    let now = Instant::now();
    let late = now + limit;
    let mut asked = pin!(active.backend().pool().ask(request, now));
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
    switched: Option<OnUpgrade>,
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
                let _ = pass_on(client, process).await;
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

async fn pass_on(client: Upgraded, process: Upgraded) -> io::Result<()> {
    let (Some((mut client, said)), Some((mut process, answered))) =
        (Socket::of_switched(client), Socket::of_switched(process))
    else {
        return Ok(());
    };
    process.write_all(&said).await?;
    client.write_all(&answered).await?;
    copy_bidirectional(&mut client, &mut process).await.map(|_| ())
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
