//! What the balancer says about itself: whoever connects to its socket gets a document and the end.

use std::io;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::fleet::Fleet;

/// It answers at once, or not at all.
const LIMIT: Duration = Duration::from_secs(2);
/// A document is never longer.
const LONGEST: u64 = 1024 * 1024;

/// The document.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// The table by which it works.
    pub generation: u64,
    /// Its process.
    pub pid: u32,
    /// Connections of clients that are open.
    pub connections: usize,
    /// Requests since it began, or connections in TCP mode.
    pub requests: u64,
    /// Of those, the ones that nobody answered.
    pub errors: u64,
    /// Times that another process was tried.
    pub retries: u64,
    /// The processes behind it.
    pub backends: Vec<Backend>,
}

/// One life of a process.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Backend {
    /// Which.
    pub run: u64,
    /// Its number among the instances.
    pub instance: u32,
    /// Where it listens.
    pub port: u16,
    /// It gets nothing new.
    pub draining: bool,
    /// What it has to answer now.
    pub active: usize,
    /// What was given to it.
    pub requests: u64,
    /// What came to nothing with it.
    pub errors: u64,
}

impl Status {
    /// As it is now.
    pub(super) fn of(fleet: &Fleet) -> Status {
        let (generation, in_service, draining) = fleet.picture();
        let serving = in_service.iter().map(|backend| (backend, false));
        let all = serving.chain(draining.iter().map(|backend| (backend, true)));
        let backend = |(backend, draining): (&std::sync::Arc<super::backend::Backend>, bool)| {
            let (active, requests, errors) = backend.counts();
            let (run, instance, port) = (backend.run, backend.instance, backend.port);
            Backend { run, instance, port, draining, active, requests, errors }
        };
        Status {
            generation,
            pid: std::process::id(),
            connections: fleet.tally.connections.load(Relaxed),
            requests: fleet.requests(),
            errors: fleet.tally.errors.load(Relaxed),
            retries: fleet.tally.retries.load(Relaxed),
            backends: all.map(backend).collect(),
        }
    }

    /// Asks the balancer whose socket that is.
    ///
    /// # Errors
    /// When none answers, or not in time, or what is no document.
    pub async fn ask(socket: &Path) -> io::Result<Status> {
        let asked = async {
            let mut document = Vec::new();
            UnixStream::connect(socket).await?.take(LONGEST).read_to_end(&mut document).await?;
            serde_json::from_slice(&document).map_err(io::Error::other)
        };
        tokio::time::timeout(LIMIT, asked).await.map_err(|_| io::ErrorKind::TimedOut)?
    }

    /// That life has nothing left to answer, and will get nothing: by that table or a later one it
    /// leaves, or is gone.
    pub fn has_drained(&self, run: u64, generation: u64) -> bool {
        let left = self.backends.iter().filter(|backend| backend.run == run);
        self.generation >= generation && left.into_iter().all(|one| one.draining && one.active == 0)
    }
}

/// Says it to one that has connected.
pub(super) async fn say(fleet: &Fleet, mut to: UnixStream) {
    let document = serde_json::to_vec(&Status::of(fleet)).unwrap_or_default();
    // Who does not listen any more needs no answer.
    let _ = tokio::time::timeout(LIMIT, to.write_all(&document)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_has_drained_when_a_table_that_takes_it_out_is_known_and_nothing_is_left() {
        let check = |generation, draining, active, drained| {
            let backend = Backend { run: 4, draining, active, ..Backend::default() };
            let status = Status { generation, backends: vec![backend], ..Status::default() };
            assert_eq!(status.has_drained(4, 7), drained);
        };
        check(7, true, 0, true);
        check(8, true, 0, true);
        check(6, true, 0, false);
        check(7, true, 1, false);
        check(7, false, 0, false);
        assert!(Status { generation: 7, ..Status::default() }.has_drained(4, 7));
    }
}
