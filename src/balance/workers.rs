//! The threads that answer. Each has a runtime and connections to processes of its own, so that what
//! it was given is never handed from core to core while it is answered. With one runtime for all of
//! them a request on a kept connection cost 29 µs of CPU, with one each 23 (2 cores, `cargo bench
//! --bench balance`).
//!
//! One of them accepts for all. Where each did so for itself the kernel woke them all for each
//! connection: a connection for one request cost 50 µs instead of 46.

use std::cell::Cell;
use std::io;
use std::net::TcpStream as StdStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle, Runtime};

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

/// All of them; the first is the one on which it was made.
pub struct Workers(Vec<Worker>);

struct Worker {
    runtime: Handle,
    /// What it was given that is not over.
    open: Arc<AtomicUsize>,
}

impl Workers {
    /// The present thread, whose runtime must be entered, and so many others, which end with the
    /// program.
    ///
    /// # Errors
    /// When a thread cannot be made.
    pub fn with(others: usize) -> io::Result<Workers> {
        let mut runtimes = vec![Handle::current()];
        for number in 1..=others {
            let runtime = runtime()?;
            runtimes.push(runtime.handle().clone());
            std::thread::Builder::new().name(format!("answers-{number}")).spawn(move || {
                NUMBER.set(number);
                runtime.block_on(std::future::pending::<()>());
            })?;
        }
        let worker = |runtime| Worker { runtime, open: Arc::default() };
        Ok(Workers(runtimes.into_iter().map(worker).collect()))
    }

    /// Gives a connection, which does not block, to the one that has fewest. It is closed if that
    /// cannot watch it.
    pub fn give<S, F>(&self, client: StdStream, serve: S)
    where
        S: FnOnce(TcpStream) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        // Of equals the first: nothing is handed over without need.
        let Some(worker) = self.0.iter().min_by_key(|worker| worker.open.load(Relaxed)) else { return };
        let open = Open::new(&worker.open);
        worker.runtime.spawn(async move {
            // It is watched by the runtime of that thread alone.
            if let Ok(client) = TcpStream::from_std(client) {
                serve(client).await;
            }
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
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn each_thread_gets_its_share_and_serves_it() {
        runtime().unwrap().block_on(async {
            let workers = Workers::with(2).unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut clients = Vec::new();
            for _ in 0..6 {
                clients.push(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
                let (server, _) = listener.accept().await.unwrap();
                let serve = async move |mut server: TcpStream| {
                    server.write_u8(here() as u8).await.unwrap();
                    // Until the client goes.
                    assert_eq!(server.read_u8().await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
                };
                workers.give(server.into_std().unwrap(), serve);
            }
            let mut numbers = Vec::new();
            for client in &mut clients {
                numbers.push(client.read_u8().await.unwrap());
            }
            numbers.sort_unstable();
            assert_eq!(numbers, [0, 0, 1, 1, 2, 2]);
        });
    }
}
