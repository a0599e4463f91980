//! One life of a process, as the balancer knows it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use hyper::header::HeaderValue;

use super::choose::{self, Candidate};
use super::pool::Pool;
use super::table;
use super::workers;

/// Whoever refused a connection gets the next one after so long, if others are there.
const DOWN: Duration = Duration::from_millis(200);

/// One life of a process.
pub struct Backend {
    /// Which.
    pub run: u64,
    /// Its number among the instances.
    pub instance: u32,
    /// Where it listens.
    pub port: u16,
    /// The same as a name of the server, for who gives none.
    pub host: HeaderValue,
    /// What it has to answer now.
    active: AtomicUsize,
    /// What was given to it.
    requests: AtomicU64,
    /// What came to nothing with it.
    errors: AtomicU64,
    /// When this was made.
    begun: Instant,
    /// When it refused a connection, in milliseconds from then on; 0: it has taken one since.
    down_since: AtomicU64,
    /// When it came into service, beside others that were. None: it was there from the beginning.
    new_since: Option<Instant>,
    /// Its kept connections, of each thread.
    pools: Vec<Arc<Pool>>,
}

/// Something that a backend answers. It is over when this is dropped.
pub struct Active(Arc<Backend>);

impl Backend {
    /// One that listens there, with connections for so many threads.
    pub fn new(row: &table::Backend, new_since: Option<Instant>, threads: usize) -> Arc<Backend> {
        Arc::new(Backend {
            run: row.run,
            instance: row.instance,
            port: row.port,
            host: HeaderValue::try_from(format!("127.0.0.1:{}", row.port))
                .unwrap_or(HeaderValue::from_static("127.0.0.1")),
            active: AtomicUsize::new(0),
            requests: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            begun: Instant::now(),
            down_since: AtomicU64::new(0),
            new_since,
            pools: (0..threads).map(|_| Pool::new(row.port)).collect(),
        })
    }

    /// Its kept connections of this thread.
    pub fn pool(&self) -> &Arc<Pool> {
        &self.pools[workers::here()]
    }

    /// It gets nothing new: what is kept idle is closed.
    pub fn leave(&self) {
        self.pools.iter().for_each(|pool| pool.end());
    }

    /// It refused a connection.
    pub fn refused(&self) {
        self.down_since.store(self.begun.elapsed().as_millis() as u64 + 1, Relaxed);
        self.errors.fetch_add(1, Relaxed);
    }

    /// It broke off.
    pub fn failed(&self) {
        self.errors.fetch_add(1, Relaxed);
    }

    /// It took a connection.
    pub fn accepted(&self) {
        // Mostly it is so already, and what is only read is in the cache of each core.
        if self.down_since.load(Relaxed) != 0 {
            self.down_since.store(0, Relaxed);
        }
    }

    /// How much of its share it gets, in thousandths; at least one.
    fn weight(&self, slow_start: Duration) -> u32 {
        if slow_start.is_zero() {
            return choose::WHOLE;
        }
        let (since, whole) = (self.new_since.map(|at| at.elapsed()), slow_start.as_millis().max(1));
        let part = since.filter(|since| *since < slow_start).map(|since| since.as_millis() * 1000 / whole);
        part.map_or(choose::WHOLE, |part| (part as u32).max(1))
    }

    fn is_down(&self) -> bool {
        let since = self.down_since.load(Relaxed);
        since != 0 && self.begun.elapsed() < Duration::from_millis(since - 1) + DOWN
    }

    /// As a choice sees it, for a request for which those were tried.
    pub fn candidate(&self, slow_start: Duration, tried: &[u64]) -> Candidate {
        Candidate {
            weight: self.weight(slow_start),
            instance: self.instance,
            active: self.active.load(Relaxed),
            is_down: self.is_down(),
            was_tried: tried.contains(&self.run),
        }
    }

    /// What it has to answer now, what was given to it, and what came to nothing.
    pub fn counts(&self) -> (usize, u64, u64) {
        (self.active.load(Relaxed), self.requests.load(Relaxed), self.errors.load(Relaxed))
    }
}

impl Active {
    /// It is given to that one.
    pub fn new(backend: &Arc<Backend>) -> Active {
        backend.active.fetch_add(1, Relaxed);
        backend.requests.fetch_add(1, Relaxed);
        Active(Arc::clone(backend))
    }

    /// Who answers it.
    pub fn backend(&self) -> &Arc<Backend> {
        &self.0
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Relaxed);
    }
}
