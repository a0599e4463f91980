//! The threads that answer. Each has a runtime and connections to processes of its own, so that what
//! it was given is never handed from core to core while it is answered. With one runtime for all of
//! them a request on a kept connection cost 29 µs of CPU, with one each 23 (2 cores, `cargo bench
//! --bench balance`).
//!
//! One of them accepts for all. Where each did so for itself the kernel woke them all for each
//! connection: a connection for one request cost 50 µs instead of 46.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(0) };
}

/// The number of the present thread among them.
pub fn here() -> usize {
    NUMBER.get()
}

/// How many threads there are: one for each core, and not more than four.
pub fn count() -> usize {
    std::thread::available_parallelism().map_or(1, |count| count.get().min(4))
}

/// The runtime of a thread.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// All of them; the first is the one on which it was made. They are given connections, with what else
/// is known of each.
pub struct Workers<C>(Vec<Worker<C>>);

struct Worker<C> {
    /// What it is given. Several at once wake it once.
    to: UnboundedSender<(C, Open)>,
    /// What it was given that is not over.
    open: Arc<AtomicUsize>,
}

impl<C: Send + 'static> Workers<C> {
    /// The present thread, whose runtime must be entered, and so many others, which end with the
    /// program. Each serves what it is given.
    ///
    /// # Errors
    /// When a thread cannot be made.
    pub fn with<S, F>(others: usize, serve: S) -> io::Result<Workers<C>>
    where
        S: Fn(C) -> F + Clone + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let (first, given) = Worker::new();
        tokio::spawn(serve_all(given, serve.clone()));
        let mut workers = vec![first];
        for number in 1..=others {
            let (runtime, serve) = (runtime()?, serve.clone());
            let (worker, given) = Worker::new();
            workers.push(worker);
            std::thread::Builder::new().name(format!("answers-{number}")).spawn(move || {
                NUMBER.set(number);
                runtime.block_on(async {
                    serve_all(given, serve).await;
                    // What it was given goes on.
                    std::future::pending::<()>().await;
                });
            })?;
        }
        Ok(Workers(workers))
    }

    /// Gives a connection to the one that has fewest.
    pub fn give(&self, connection: C) {
        // Of equals the first: nothing is handed over without need.
        let Some(worker) = self.0.iter().min_by_key(|worker| worker.open.load(Relaxed)) else { return };
        // It takes them for as long as somebody gives.
        let _ = worker.to.send((connection, Open::new(&worker.open)));
    }
}

impl<C> Worker<C> {
    fn new() -> (Worker<C>, UnboundedReceiver<(C, Open)>) {
        let (to, given) = mpsc::unbounded_channel();
        (Worker { to, open: Arc::default() }, given)
    }
}

async fn serve_all<C, F>(mut given: UnboundedReceiver<(C, Open)>, serve: impl Fn(C) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    while let Some((connection, open)) = given.recv().await {
        let served = serve(connection);
        tokio::spawn(async move {
            served.await;
            drop(open);
        });
    }
}

struct Open(Arc<AtomicUsize>);

impl Open {
    fn new(count: &Arc<AtomicUsize>) -> Open {
        count.fetch_add(1, Relaxed);
        Open(Arc::clone(count))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn each_thread_gets_its_share_and_serves_it() {
        runtime().unwrap().block_on(async {
            let serve = async |server: std::net::TcpStream| {
                let mut server = TcpStream::from_std(server).unwrap();
                server.write_u8(here() as u8).await.unwrap();
                // Until the client goes.
                assert_eq!(server.read_u8().await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
            };
            let workers = Workers::with(2, serve).unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut clients = Vec::new();
            for _ in 0..6 {
                clients.push(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
                workers.give(listener.accept().await.unwrap().0.into_std().unwrap());
            }
            // Nothing more is given; what was is served all the same.
            drop(workers);
            let mut numbers = Vec::new();
            for client in &mut clients {
                numbers.push(client.read_u8().await.unwrap());
            }
            numbers.sort_unstable();
            assert_eq!(numbers, [0, 0, 1, 1, 2, 2]);
        });
    }
}
