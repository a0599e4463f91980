//! The kept connections to one process, of one thread. Whoever asks takes the one that was used
//! last, or connects; it comes back when it is idle again.
//!
//! What is absent: a wait for somebody else's connection. On this host a new one is there sooner.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use super::body::Lent;
use super::connect;

/// An idle connection is closed after this: gunicorn does so after 2 s, Node and uvicorn after 5 s.
const KEPT: Duration = Duration::from_millis(1500);
/// So often it is looked whether some are to be closed.
const ROUND: Duration = Duration::from_millis(250);

/// Why there is no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// Nothing of the request was said.
    Unsaid,
    /// Nobody knows whether it was heard.
    Broken,
}

/// The kept connections.
pub struct Pool {
    port: u16,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// The one that was used last is the last.
    connections: Vec<Connection>,
    /// Somebody looks after those that get old.
    is_watched: bool,
    /// Nothing is kept any more.
    is_over: bool,
}

struct Connection {
    to: SendRequest<Lent>,
    since: Instant,
}

impl Connection {
    /// A process that closed it was noticed by whoever drives it.
    fn is_usable(&self, now: Instant) -> bool {
        self.to.is_ready() && now.duration_since(self.since) < KEPT
    }
}

impl Pool {
    /// None is open yet.
    pub fn new(port: u16) -> Arc<Pool> {
        Arc::new(Pool { port, idle: Mutex::default() })
    }

    /// Has a request answered; it must have a `Host`.
    ///
    /// # Errors
    /// When nobody accepts the connection, or it ended before the answer began.
    pub async fn ask(self: &Arc<Pool>, mut request: Request<Lent>) -> Result<Response<Incoming>, Failure> {
        // One that was closed in the very moment says nothing: the next one is as good.
        while let Some(mut kept) = self.take() {
            match kept.try_send_request(request).await {
                Ok(response) => return Ok(self.answered(kept, response)),
                Err(mut error) => request = error.take_message().ok_or(Failure::Broken)?,
            }
        }
        let stream = connect::to(self.port).await.map_err(|_| Failure::Unsaid)?;
        let shaken = Builder::new().handshake(TokioIo::new(stream)).await;
        let (mut to, connection) = shaken.map_err(|_| Failure::Unsaid)?;
        tokio::spawn(connection.with_upgrades());
        let response = to.send_request(request).await.map_err(|_| Failure::Broken)?;
        Ok(self.answered(to, response))
    }

    /// Closes what is idle, and keeps nothing from now on.
    pub fn end(&self) {
        let mut idle = self.idle();
        idle.is_over = true;
        idle.connections.clear();
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<SendRequest<Lent>> {
        let (mut idle, now) = (self.idle(), Instant::now());
        while let Some(last) = idle.connections.pop() {
            if last.is_usable(now) {
                return Some(last.to);
            }
        }
        None
    }

    fn answered(self: &Arc<Pool>, mut to: SendRequest<Lent>, response: Response<Incoming>) -> Response<Incoming> {
        // A short answer was read as a whole.
        if to.is_ready() {
            self.keep(to);
        } else {
            let pool = Arc::clone(self);
            tokio::spawn(async move {
                if to.ready().await.is_ok() {
                    pool.keep(to);
                }
            });
        }
        response
    }

    fn keep(self: &Arc<Pool>, to: SendRequest<Lent>) {
        let mut idle = self.idle();
        if idle.is_over {
            return;
        }
        idle.connections.push(Connection { to, since: Instant::now() });
        if !std::mem::replace(&mut idle.is_watched, true) {
            tokio::spawn(Arc::clone(self).watch());
        }
    }

    /// Closes those that get old, as long as there are any.
    async fn watch(self: Arc<Pool>) {
        loop {
            tokio::time::sleep(ROUND).await;
            let (mut idle, now) = (self.idle(), Instant::now());
            idle.connections.retain(|connection| connection.is_usable(now));
            if idle.connections.is_empty() {
                idle.is_watched = false;
                return;
            }
        }
    }
}
