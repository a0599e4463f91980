//! Our own accept loop, on hyper `http1`.
//!
//! `axum::serve` 0.8.9 never times out a client that is slow or silent; hyper's `http1` with a
//! timer closes all of them in time (measured, web.md section 5). And it resets a connection that
//! it has accepted but not read from when it ends; here everybody who came in is answered.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{Notify, watch};
use tower::ServiceExt;
use tower_http::timeout::{DeadlineBody, TimeoutBody};

use super::arrival::Arrival;
use super::impatient::Impatient;
use super::places::Places;
use super::tls::Tls;
use crate::daemon::sockets::Sockets;

/// A request's header must be there within this.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// After the end is asked, a request that is being answered gets this long.
const DRAIN: Duration = Duration::from_secs(10);
/// ... and somebody who has just connected this long to say what for.
const FIRST_WORDS: Duration = Duration::from_millis(500);
/// A TLS handshake must be over within this.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A body that has begun must go on within this ...
const BODY_PAUSE: Duration = Duration::from_secs(10);
/// ... and be there within that.
const WHOLE_BODY: Duration = Duration::from_secs(60);
/// Somebody at a TCP address who has taken nothing of an answer for so long is let go. Over the
/// unix socket the owner may look as slowly as he likes.
const STUCK: Duration = Duration::from_secs(30);
/// What a connection may keep of a header: above what is answered with 431 ([`super::guard`]).
const MAX_BUFFER: usize = 64 * 1024;

/// The unix socket at `path` (0600): that of an earlier daemon if it still is the one at that path,
/// else a new one. The next daemon gets it, too.
///
/// # Errors
/// When the socket cannot be made.
pub fn unix(path: &Path, sockets: &Sockets) -> io::Result<(UnixListener, String)> {
    use std::os::unix::fs::MetadataExt;
    // Somebody may have removed the file, or put another there; then nobody comes to the old one.
    let name = || std::fs::symlink_metadata(path).map(|meta| format!("unix:{}:{}", meta.dev(), meta.ino()));
    if let Ok(name) = name()
        && let Some(socket) = sockets.take(&name)
    {
        let listener = std::os::unix::net::UnixListener::from(socket);
        listener.set_nonblocking(true)?;
        return Ok((UnixListener::from_std(listener)?, name));
    }
    let listener = bind_unix(path)?;
    let name = name()?;
    sockets.hold(name.clone(), listener.as_fd().try_clone_to_owned()?);
    Ok((listener, name))
}

fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    use std::os::unix::fs::PermissionsExt;
    // Bound under another name and moved: nobody sees it with wider rights, or before it listens.
    let fresh = path.with_extension("sock.new");
    let _ = std::fs::remove_file(&fresh);
    let listener = UnixListener::bind(&fresh)?;
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&fresh, path)?;
    Ok(listener)
}

/// A socket that gives connections.
pub trait Listen: Send + Sync + 'static {
    /// What it gives.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection, and how it came in.
    fn next(&self) -> impl Future<Output = io::Result<(Self::Stream, Arrival)>> + Send;
}

impl Listen for UnixListener {
    type Stream = UnixStream;

    async fn next(&self) -> io::Result<(UnixStream, Arrival)> {
        loop {
            let (stream, _) = self.accept().await?;
            // Whatever became of the modes of the home and of the socket (web.md 4.3, row 51).
            match stream.peer_cred()?.uid() {
                uid if uid == 0 || uid == nix::unistd::geteuid().as_raw() => {
                    return Ok((stream, Arrival::Unix));
                }
                uid => tracing::warn!("uid {uid} came to the unix socket, and was turned away"),
            }
        }
    }
}

impl Listen for TcpListener {
    type Stream = TcpStream;

    async fn next(&self) -> io::Result<(TcpStream, Arrival)> {
        let (stream, peer) = self.accept().await?;
        let _ = stream.set_nodelay(true);
        let local = stream.local_addr()?;
        Ok((stream, Arrival::Tcp { bound: self.local_addr()?, local, peer, tls: false }))
    }
}

/// Serves what `listener` gives, each connection in a task of its own, until `end` turns true and
/// everybody who came in is answered. With a certificate, everything is encrypted.
pub async fn serve(listener: impl Listen, tls: Option<Arc<Tls>>, router: Router, end: watch::Receiver<bool>) {
    let places = Places::new();
    let mut ending = end.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.next() => accepted,
            _ = ending.wait_for(|end| *end) => break,
        };
        let (stream, arrival) = match accepted {
            Ok(accepted) => accepted,
            Err(e) => {
                pause_after(&e).await;
                continue;
            }
        };
        match (places.take(&arrival), &tls) {
            (Some(place), _) => {
                let served = encrypted_or_not(stream, arrival, tls.clone(), router.clone(), end.clone());
                tokio::spawn(async move {
                    served.await;
                    drop(place);
                });
            }
            (None, None) => places.refuse(stream),
            // A handshake only to say no would be work for an attacker to have done.
            (None, Some(_)) => {}
        }
    }
    drop(listener);
    // All places are free again: all connections are over. Each bounds itself.
    places.empty().await;
}

async fn encrypted_or_not<S>(
    stream: S,
    arrival: Arrival,
    tls: Option<Arc<Tls>>,
    router: Router,
    end: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (bound, local, peer) = match arrival {
        Arrival::Unix => return connection(stream, arrival, router, end).await,
        Arrival::Tcp { bound, local, peer, .. } => (bound, local, peer),
    };
    let stream = Impatient::new(stream, STUCK);
    let Some(tls) = tls else { return connection(stream, arrival, router, end).await };
    match tokio::time::timeout(HANDSHAKE, tls.acceptor().accept(stream)).await {
        Ok(Ok(stream)) => {
            let arrival = Arrival::Tcp { bound, local, peer, tls: true };
            connection(stream, arrival, router, end).await;
        }
        Ok(Err(e)) => tracing::debug!("a TLS handshake failed: {e}"),
        Err(_) => tracing::debug!("a TLS handshake was not over within {HANDSHAKE:?}"),
    }
}

/// Out of descriptors, mostly: others will be closed soon.
async fn pause_after(error: &io::Error) {
    tracing::warn!("cannot accept a connection: {error}");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

async fn connection<S>(stream: S, arrival: Arrival, router: Router, mut end: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let asked = Arc::new(Notify::new());
    let asks = Arc::clone(&asked);
    let service = router.map_request(move |request: hyper::Request<Incoming>| {
        asks.notify_one();
        let mut request = request.map(in_time);
        request.extensions_mut().insert(arrival);
        request
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .keep_alive(true)
        .max_buf_size(MAX_BUFFER)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        done = connection.as_mut() => Some(done),
        _ = end.wait_for(|end| *end) => None,
    };
    let done = match ended {
        Some(done) => done,
        None => {
            // Who has just come in has not said yet what for: closed now, his request would be
            // answered by a reset.
            tokio::select! {
                done = connection.as_mut() => return log(done),
                () = asked.notified() => {}
                () = tokio::time::sleep(FIRST_WORDS) => {}
            }
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(DRAIN, connection).await {
                Ok(done) => done,
                Err(_) => return,
            }
        }
    };
    log(done);
}

/// A body that fails when it is too slow.
fn in_time(body: Incoming) -> Body {
    match body.is_end_stream() {
        true => Body::empty(),
        false => Body::new(DeadlineBody::new(WHOLE_BODY, TimeoutBody::new(BODY_PAUSE, body))),
    }
}

fn log(done: Result<(), hyper::Error>) {
    if let Err(e) = done {
        tracing::debug!("a connection ended: {e}");
    }
}
