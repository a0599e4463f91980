//! Our own accept loop, on hyper `http1`.
//!
//! `axum::serve` 0.8.9 never times out a client that is slow or silent; hyper's `http1` with a
//! timer closes all of them in time (measured, web.md section 5).

use std::io;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;

use super::arrival::Arrival;

/// A request's header must be there within this.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// After the end is asked, a request that is being answered gets this long.
const DRAIN: Duration = Duration::from_secs(10);
/// Connections of one listener at a time; the next ones wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 4096;

/// Serves the unix socket at `path` (0600) until `end` turns true.
///
/// # Errors
/// When the socket cannot be made.
pub fn unix(
    path: &Path,
    router: Router,
    end: watch::Receiver<bool>,
) -> io::Result<tokio::task::JoinHandle<()>> {
    use std::os::unix::fs::PermissionsExt;
    // Bound under another name and moved: nobody sees it with wider rights, or before it listens.
    let fresh = path.with_extension("sock.new");
    let _ = std::fs::remove_file(&fresh);
    let listener = UnixListener::bind(&fresh)?;
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&fresh, path)?;
    Ok(tokio::spawn(serve(listener, router, end)))
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
        self.accept().await.map(|(stream, _)| (stream, Arrival::Unix))
    }
}

impl Listen for TcpListener {
    type Stream = TcpStream;

    async fn next(&self) -> io::Result<(TcpStream, Arrival)> {
        let (stream, peer) = self.accept().await?;
        let _ = stream.set_nodelay(true);
        let local = stream.local_addr()?;
        Ok((stream, Arrival::Tcp { local, peer }))
    }
}

/// Serves what `listener` gives, each connection in a task of its own, until `end` turns true.
pub async fn serve(listener: impl Listen, router: Router, end: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut ending = end.clone();
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.next() => accepted,
            _ = ending.wait_for(|end| *end) => return,
        };
        match accepted {
            Ok((stream, arrival)) => {
                let connection = connection(stream, arrival, router.clone(), end.clone());
                tokio::spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(e) => pause_after(&e).await,
        }
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
    let service = router.map_request(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(arrival);
        request
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .keep_alive(true)
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
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(DRAIN, connection).await {
                Ok(done) => done,
                Err(_) => return,
            }
        }
    };
    if let Err(e) = done {
        tracing::debug!("a connection ended: {e}");
    }
}
