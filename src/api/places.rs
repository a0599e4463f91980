//! Who may connect: how many in all, and how many from one address (web.md 4.3, row 22).
//!
//! Who finds no place is told so with 503 where that is possible, and let go. The unix socket has
//! places of its own, so the owner comes in however many strangers hold the TCP addresses.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::arrival::Arrival;

/// Connections of one listener at a time.
const IN_ALL: usize = 4096;
/// Connections from one other machine. All users of this one share the loopback addresses, which
/// may take half of the places.
const OF_ONE_MACHINE: usize = 256;
/// Refusals that are being told at a time; the next ones are closed without a word.
const TOLD_AT_ONCE: usize = 64;
/// So long is waited for a refused client to take its answer.
const TELLING: Duration = Duration::from_secs(1);

/// What a client without a place is told: the same document as by a handler.
const REFUSAL: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
    retry-after: 1\r\nconnection: close\r\ncache-control: no-store\r\ncontent-length: 214\r\n\r\n\
    {\"type\":\"urn:pmdaemon:problem:too-many-connections\",\"title\":\"Service Unavailable\",\"status\":503,\
    \"detail\":\"too many connections are open at this address: close some, or try again later\",\
    \"code\":\"too_many_connections\"}";

/// How many places each address has.
type Taken = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// The places of one listener.
pub struct Places {
    free: Arc<Semaphore>,
    most: usize,
    taken: Taken,
    telling: Arc<Semaphore>,
}

/// The place of one connection, given back when it is dropped.
pub struct Place {
    _permit: OwnedSemaphorePermit,
    of: Option<(IpAddr, Taken)>,
}

impl Places {
    /// As many as we may have descriptors for.
    pub fn new() -> Places {
        let descriptors = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft);
        let most = IN_ALL.min(usize::try_from(descriptors / 4 * 3).unwrap_or(IN_ALL)).max(16);
        Places::of(most)
    }

    fn of(most: usize) -> Places {
        Places {
            free: Arc::new(Semaphore::new(most)),
            most,
            taken: Arc::default(),
            telling: Arc::new(Semaphore::new(TOLD_AT_ONCE)),
        }
    }

    /// A place for who came in like that.
    pub fn take(&self, arrival: &Arrival) -> Option<Place> {
        let permit = Arc::clone(&self.free).try_acquire_owned().ok()?;
        let address = match arrival {
            Arrival::Unix => return Some(Place { _permit: permit, of: None }),
            Arrival::Tcp { peer, .. } => peer.ip().to_canonical(),
        };
        let most = if address.is_loopback() { self.most / 2 } else { OF_ONE_MACHINE.min(self.most / 2) };
        let mut taken = lock(&self.taken);
        let count = taken.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Place { _permit: permit, of: Some((address, Arc::clone(&self.taken))) })
    }

    /// Tells a client that there is no place for it, and lets it go.
    pub fn refuse<S>(&self, mut stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Ok(turn) = Arc::clone(&self.telling).try_acquire_owned() else { return };
        tokio::spawn(async move {
            let tell = async {
                stream.write_all(REFUSAL.as_bytes()).await?;
                stream.shutdown().await?;
                // Closed with something unread, the connection would be reset and the answer lost.
                let mut rest = [0; 1024];
                while stream.read(&mut rest).await? > 0 {}
                Ok::<(), std::io::Error>(())
            };
            let _ = tokio::time::timeout(TELLING, tell).await;
            drop(turn);
        });
    }

    /// Waits until all places are free again.
    pub async fn empty(&self) {
        let most = u32::try_from(self.most).unwrap_or(u32::MAX);
        let _ = self.free.acquire_many(most).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((address, taken)) = &self.of else { return };
        let mut taken = lock(taken);
        if let Some(count) = taken.get_mut(address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(address);
            }
        }
    }
}

fn lock(taken: &Mutex<HashMap<IpAddr, usize>>) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
    taken.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(address: &str) -> Arrival {
        let local = "127.0.0.1:9615".parse().unwrap();
        Arrival::Tcp { bound: local, local, peer: format!("{address}:1").parse().unwrap(), tls: false }
    }

    #[test]
    fn one_address_cannot_take_all_places_and_gives_its_own_back() {
        let places = Places::of(16);
        let first: Vec<Place> = (0..8).map(|_| places.take(&from("192.0.2.1")).unwrap()).collect();
        assert!(places.take(&from("192.0.2.1")).is_none(), "half of all is the most for one");
        let others: Vec<Place> = (0..8).map(|_| places.take(&from("192.0.2.2")).unwrap()).collect();
        assert!(places.take(&from("192.0.2.3")).is_none(), "all are taken");
        drop(first);
        assert!(places.take(&from("192.0.2.1")).is_some());
        drop(others);
        assert!(lock(&places.taken).is_empty());
        assert_eq!(places.free.available_permits(), 16);
    }

    #[test]
    fn the_refusal_is_as_long_as_it_says_and_a_problem_document() {
        let (head, body) = REFUSAL.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{} bytes", body.len());
        let problem: crate::wire::Problem = serde_json::from_str(body).unwrap();
        assert_eq!((problem.status, problem.code.as_str()), (503, "too_many_connections"));
    }
}
