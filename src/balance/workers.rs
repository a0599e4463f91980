//! The threads that answer. Each has a runtime and connections to processes of its own, and accepts
//! for itself, so that a connection is not handed from core to core. With one runtime for all of them
//! a request on a kept connection cost 29 µs of CPU, with one each 23 (2 cores, `cargo bench --bench
//! balance`). Only a thread that has clearly more than another hands over what it accepted.

use std::cell::Cell;
use std::io;
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

    /// Each of them.
    pub fn runtimes(&self) -> impl Iterator<Item = &Handle> {
        self.0.iter().map(|worker| &worker.runtime)
    }

    /// Has a connection served that the present one of them accepted. It is closed if whoever gets it
    /// cannot watch it.
    ///
    /// # Errors
    /// When it cannot be handed over.
    pub fn give<S, F>(&self, client: TcpStream, serve: S) -> io::Result<()>
    where
        S: FnOnce(TcpStream) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let open = |worker: &Worker| worker.open.load(Relaxed);
        let Some(fewest) = self.0.iter().min_by_key(|worker| open(worker)) else { return Ok(()) };
        let own = &self.0[here()];
        if open(own) <= enough(open(fewest)) {
            let (serving, open) = (serve(client), Open::new(&own.open));
            tokio::spawn(async move {
                serving.await;
                drop(open);
            });
            return Ok(());
        }
        let (client, open) = (client.into_std()?, Open::new(&fewest.open));
        fewest.runtime.spawn(async move {
            // From here on it is watched by the runtime of this thread.
            if let Ok(client) = TcpStream::from_std(client) {
                serve(client).await;
            }
            drop(open);
        });
        Ok(())
    }
}

/// So many a thread may have when another has `fewest`, and take one more.
fn enough(fewest: usize) -> usize {
    fewest + fewest / 8 + 2
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
            // All are accepted by one.
            for _ in 0..30 {
                clients.push(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
                let (server, _) = listener.accept().await.unwrap();
                let serve = async move |mut server: TcpStream| {
                    server.write_u8(here() as u8).await.unwrap();
                    // Until the client goes.
                    assert_eq!(server.read_u8().await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
                };
                workers.give(server, serve).unwrap();
            }
            let mut shares = [0; 3];
            for client in &mut clients {
                shares[usize::from(client.read_u8().await.unwrap())] += 1;
            }
            let (fewest, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
            assert!(*most <= enough(*fewest) + 1, "{shares:?}");
        });
    }
}
