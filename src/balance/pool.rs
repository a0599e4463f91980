//! The kept connections to one process, of one thread. Whoever asks takes the one that was used
//! last, or connects; it comes back when it is idle again.
//!
//! Whoever asks also drives the connection until the answer begins, so that no other task is woken for
//! a request that says all in its head and an answer that comes at once. Everything longer goes on in a
//! task of its own: the client may be slow with one direction while the other goes on.
//!
//! What is absent: a wait for somebody else's connection. On this host a new one is there sooner.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use hyper::body::{Body, Incoming};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::{Request, Response};
use tokio::task::coop::unconstrained;

use super::body::Lent;
use super::connect;
use super::socket::Socket;

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
    connections: Vec<Kept>,
    /// Somebody looks after those that get old.
    is_watched: bool,
    /// Nothing is kept any more.
    is_over: bool,
}

struct Kept {
    connection: Connection,
    since: Instant,
}

impl Kept {
    fn is_usable(&mut self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < KEPT && self.connection.is_idle()
    }
}

/// One to the process, and what drives it.
struct Connection {
    to: SendRequest<Lent>,
    driver: Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>,
}

impl Connection {
    async fn open(port: u16) -> io::Result<Connection> {
        let stream = connect::to(port).await?;
        let (to, connection) =
            Builder::new().handshake(Socket::new(stream)).await.map_err(io::Error::other)?;
        Ok(Connection { to, driver: Box::pin(connection.with_upgrades()) })
    }

    /// Ready when it is over: closed, or in the hands of whoever switched to another protocol.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.driver.as_mut().poll(context).map(|_| ())
    }

    /// It waits for the next request. Nobody drives one that is kept, so it is asked here whether the
    /// process closed it; and who had it last is not woken by the next request.
    fn is_idle(&mut self) -> bool {
        self.poll(&mut Context::from_waker(Waker::noop())).is_pending() && self.to.is_ready()
    }

    /// Drives it until it is idle. None: it is over.
    async fn finish(mut self) -> Option<Connection> {
        let is_usable = poll_fn(|context| match self.poll(context) {
            Poll::Ready(()) => Poll::Ready(false),
            Poll::Pending => self.to.poll_ready(context).map(|ready| ready.is_ok()),
        });
        is_usable.await.then_some(self)
    }
}

impl Pool {
    /// None is open yet.
    pub fn new(port: u16) -> Arc<Pool> {
        Arc::new(Pool { port, idle: Mutex::default() })
    }

    /// Has a request answered, which is taken out of where it is; it must have a `Host`.
    ///
    /// # Errors
    /// When nobody accepts the connection, or it ended before the answer began.
    pub async fn ask(
        self: &Arc<Pool>,
        request: &mut Option<Request<Lent>>,
        now: Instant,
    ) -> Result<Response<Incoming>, Failure> {
        // One that was closed in the very moment says nothing: the next one is as good.
        while let Some(kept) = self.take(now) {
            match self.say(kept, request).await {
                Ok(response) => return Ok(response),
                Err(_) if request.is_some() => {}
                Err(_) => return Err(Failure::Broken),
            }
        }
        // Seldom, and large.
        let connection = Box::pin(Connection::open(self.port)).await.map_err(|_| Failure::Unsaid)?;
        self.say(connection, request).await.map_err(|_| Failure::Broken)
    }

    /// What was not said is there again afterwards.
    async fn say(
        self: &Arc<Pool>,
        mut connection: Connection,
        request: &mut Option<Request<Lent>>,
    ) -> Result<Response<Incoming>, Failure> {
        let asked = request.take().ok_or(Failure::Broken)?;
        let is_said_at_once = asked.body().is_end_stream();
        let response = connection.to.try_send_request(asked);
        let mut given_back = |mut error: TrySendError<Request<Lent>>| {
            *request = error.take_message();
            Failure::Broken
        };
        if !is_said_at_once {
            self.finish(connection);
            return response.await.map_err(given_back);
        }
        // It comes of driving the connection, so it wakes nobody itself, and is never told to wait.
        let mut response = pin!(unconstrained(response));
        let mut come = || response.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let mut driven = Some(connection);
        let response = poll_fn(|context| {
            if driven.as_mut().is_some_and(|connection| connection.poll(context).is_ready()) {
                // What it has not said comes back.
                driven = None;
            }
            come()
        });
        let response = response.await;
        match driven {
            // A short answer was read as a whole.
            Some(connection) if connection.to.is_ready() => self.keep(connection),
            Some(connection) => self.finish(connection),
            None => {}
        }
        response.map_err(&mut given_back)
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

    fn take(&self, now: Instant) -> Option<Connection> {
        loop {
            let mut last = self.idle().connections.pop()?;
            if last.is_usable(now) {
                return Some(last.connection);
            }
        }
    }

    /// Has it driven to its end, or until it can be kept.
    fn finish(self: &Arc<Pool>, connection: Connection) {
        let pool = Arc::clone(self);
        tokio::spawn(async move {
            if let Some(connection) = connection.finish().await {
                pool.keep(connection);
            }
        });
    }

    fn keep(self: &Arc<Pool>, connection: Connection) {
        let mut idle = self.idle();
        if idle.is_over {
            return;
        }
        idle.connections.push(Kept { connection, since: Instant::now() });
        if !std::mem::replace(&mut idle.is_watched, true) {
            tokio::spawn(Arc::clone(self).watch());
        }
    }

    /// Closes those that get old, as long as there are any.
    async fn watch(self: Arc<Pool>) {
        loop {
            tokio::time::sleep(ROUND).await;
            let (mut idle, now) = (self.idle(), Instant::now());
            idle.connections.retain_mut(|kept| kept.is_usable(now));
            if idle.connections.is_empty() {
                idle.is_watched = false;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use http_body_util::BodyExt;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::mpsc;

    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    /// A process that answers; `breaks` of its connections end after the first answer.
    #[derive(Default)]
    struct Process {
        accepted: AtomicUsize,
        open: AtomicUsize,
        breaks: AtomicUsize,
    }

    impl Process {
        async fn begin() -> (Arc<Process>, Arc<Pool>) {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let pool = Pool::new(listener.local_addr().unwrap().port());
            let process = Arc::<Process>::default();
            let answering = Arc::clone(&process);
            tokio::spawn(async move {
                while let Ok((client, _)) = listener.accept().await {
                    answering.accepted.fetch_add(1, SeqCst);
                    answering.open.fetch_add(1, SeqCst);
                    tokio::spawn(Arc::clone(&answering).answer(client));
                }
            });
            (process, pool)
        }

        async fn answer(self: Arc<Process>, mut client: TcpStream) {
            let mut read = [0; 1024];
            while client.read(&mut read).await.is_ok_and(|count| count > 0) {
                client.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
                if self.breaks.load(SeqCst) > 0 {
                    self.breaks.fetch_sub(1, SeqCst);
                    break;
                }
            }
            drop(client);
            self.open.fetch_sub(1, SeqCst);
        }

        async fn has_open(&self, count: usize) {
            let all = async {
                while self.open.load(SeqCst) != count {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::time::timeout(SOON, all).await.expect("connections open and close");
        }
    }

    /// What comes of a request, which is a client's: nobody else can make its body.
    async fn ask(pool: &Arc<Pool>) -> Result<String, Failure> {
        let (mut client, server) = tokio::io::duplex(1024);
        client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        let (said, mut heard) = mpsc::unbounded_channel();
        let service = service_fn(async |request: Request<Incoming>| {
            let answer = match pool.ask(&mut Some(request.map(Lent::new)), Instant::now()).await {
                Ok(response) => Ok(response.into_body().collect().await.unwrap().to_bytes()),
                Err(failure) => Err(failure),
            };
            said.send(answer.map(|body| String::from_utf8_lossy(&body).into_owned())).unwrap();
            Ok::<_, Infallible>(Response::new(String::new()))
        });
        let serving =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(server), service);
        tokio::select! {
            answer = heard.recv() => answer.unwrap(),
            _ = serving => unreachable!("the client is still there"),
        }
    }

    #[tokio::test]
    async fn a_connection_is_used_again_and_closed_when_it_was_idle() {
        let (process, pool) = Process::begin().await;
        for _ in 0..2 {
            assert_eq!(ask(&pool).await, Ok("ok".to_owned()));
        }
        assert_eq!(process.accepted.load(SeqCst), 1);
        process.has_open(0).await;
        assert!(!pool.idle().is_watched, "nothing is left to look after");
        assert_eq!(ask(&pool).await, Ok("ok".to_owned()));
        assert_eq!(process.accepted.load(SeqCst), 2);
    }

    #[tokio::test]
    async fn one_that_the_process_closed_is_not_used_again() {
        let (process, pool) = Process::begin().await;
        process.breaks.store(1, SeqCst);
        assert_eq!(ask(&pool).await, Ok("ok".to_owned()));
        process.has_open(0).await;
        // Whoever drives it hears of it by then.
        let closed = async {
            while pool.idle().connections.iter_mut().any(|kept| kept.connection.is_idle()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(SOON, closed).await.expect("it is noticed");
        assert_eq!(ask(&pool).await, Ok("ok".to_owned()));
        assert_eq!(process.accepted.load(SeqCst), 2);
    }

    #[tokio::test]
    async fn nothing_is_kept_to_one_that_leaves() {
        let (process, pool) = Process::begin().await;
        assert_eq!(ask(&pool).await, Ok("ok".to_owned()));
        pool.end();
        process.has_open(0).await;
        assert_eq!(ask(&pool).await, Ok("ok".to_owned()));
        process.has_open(0).await;
        assert_eq!(pool.idle().connections.len(), 0);
    }

    #[tokio::test]
    async fn who_is_not_there_was_told_nothing() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        assert_eq!(ask(&Pool::new(free)).await, Err(Failure::Unsaid));
    }
}
