//! The sockets at which this daemon listens, and which the keeper holds for the next one.
//!
//! ```text
//!   keeper ── what earlier daemons had held ──▶ Sockets ── take ──▶ api: accept from it again
//!   keeper ◀── Hold, Release ─────────────────── Sockets ◀── hold, release ── api
//! ```
//!
//! So nobody is refused while there is no daemon: who connects then waits in the kernel's queue. A
//! new keeper gets all of them anew.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::mpsc;

/// What the keeper is to be told.
#[derive(Debug)]
pub(super) enum SocketOrder {
    /// Hold this one.
    Hold(String, Arc<OwnedFd>),
    /// Hold that one no longer.
    Release(String),
}

/// Every socket that is held, by name.
pub struct Sockets {
    held: Mutex<BTreeMap<String, Arc<OwnedFd>>>,
    orders: mpsc::UnboundedSender<SocketOrder>,
}

impl Sockets {
    /// Those that the keeper has sent, and where to hear what it is to be told.
    pub(super) fn new(
        inherited: BTreeMap<String, OwnedFd>,
    ) -> (Arc<Sockets>, mpsc::UnboundedReceiver<SocketOrder>) {
        let (orders, receiver) = mpsc::unbounded_channel();
        let held = inherited.into_iter().map(|(name, socket)| (name, Arc::new(socket))).collect();
        (Arc::new(Sockets { held: Mutex::new(held), orders }), receiver)
    }

    /// The socket that an earlier daemon has left under that name.
    pub fn take(&self, name: &str) -> Option<OwnedFd> {
        // A copy: the keeper's next one gets it from us.
        self.lock().get(name).and_then(|socket| socket.try_clone().ok())
    }

    /// Has the keeper hold that one from now on.
    pub fn hold(&self, name: String, socket: OwnedFd) {
        let socket = Arc::new(socket);
        self.lock().insert(name.clone(), Arc::clone(&socket));
        // Without a driver the daemon is ending.
        let _ = self.orders.send(SocketOrder::Hold(name, socket));
    }

    /// Has the keeper close it.
    pub fn release(&self, name: &str) {
        if self.lock().remove(name).is_some() {
            let _ = self.orders.send(SocketOrder::Release(name.to_owned()));
        }
    }

    /// Has the keeper close everything that nobody uses any more.
    pub fn release_all_but(&self, used: &BTreeSet<String>) {
        let unused: Vec<String> = self.lock().keys().filter(|name| !used.contains(*name)).cloned().collect();
        for name in unused {
            self.release(&name);
        }
    }

    /// All of them, for a keeper that knows none.
    pub(super) fn all(&self) -> Vec<(String, Arc<OwnedFd>)> {
        self.lock().iter().map(|(name, socket)| (name.clone(), Arc::clone(socket))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<OwnedFd>>> {
        self.held.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket() -> OwnedFd {
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().into()
    }

    #[test]
    fn what_nobody_uses_is_released_and_the_rest_is_there_for_the_next_keeper() {
        let inherited = BTreeMap::from([("a".to_owned(), socket()), ("b".to_owned(), socket())]);
        let (sockets, mut orders) = Sockets::new(inherited);
        assert!(sockets.take("a").is_some() && sockets.take("c").is_none());
        sockets.hold("c".into(), socket());
        sockets.release_all_but(&BTreeSet::from(["a".to_owned(), "c".to_owned()]));
        sockets.release("never held");
        assert!(matches!(orders.try_recv(), Ok(SocketOrder::Hold(name, _)) if name == "c"));
        assert!(matches!(orders.try_recv(), Ok(SocketOrder::Release(name)) if name == "b"));
        assert!(orders.try_recv().is_err());
        let names: Vec<String> = sockets.all().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "c"]);
    }
}
