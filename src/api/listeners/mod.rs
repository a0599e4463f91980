//! The TCP addresses at which we serve.
//!
//! ```text
//!                 add                        kept: in the store, found again by the next daemon
//!   (not served) ─────▶ kept ◀──── add ───┐
//!        ▲  │                             │
//!        │  └── lend ──▶ temporary ───────┘  served while a [`Lease`] lives
//!        └── the last lease is dropped
//! ```
//!
//! A lease may also switch authentication off at its address, kept or temporary, as long as it
//! lives. A lease is held by the answer to a request that is still being read, so it ends with the
//! command that reads it, however that ends.

mod certificates;
mod kept;
mod lease;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::http::StatusCode;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::kept::{held_as, inherited};
pub use self::lease::Lease;
use super::face::Face;
use super::port_owner::port_owner;
use super::tls::Tls;
use super::{ApiError, Shared, router, serve};
use crate::wire;

/// Open listeners.
#[derive(Default)]
pub struct Listeners {
    open: Mutex<BTreeMap<SocketAddr, Open>>,
    /// Those that serve, or finish.
    tasks: Mutex<Vec<JoinHandle<()>>>,
    /// Kept ones that could not be served, perhaps for a certificate that is away: the next daemon
    /// tries them again.
    unserved: Mutex<BTreeMap<SocketAddr, wire::ListenerSettings>>,
    ending: AtomicBool,
}

/// An address that is served.
struct Open {
    /// How it is served.
    face: Arc<Face>,
    /// Ends it.
    switch: watch::Sender<bool>,
    /// Saved, and served until it is removed; else as long as there is a lease.
    kept: bool,
    leases: usize,
    /// Leases without authentication.
    unguarded: usize,
    /// To be held for the next daemon if it becomes one that is kept.
    socket: Option<OwnedFd>,
}

impl Listeners {
    /// Serves at that address too, from now on. 200 when it is served already, otherwise 201.
    ///
    /// # Errors
    /// 409 with the owner when the port is taken, 422 when the settings are not usable.
    pub async fn add(
        &self,
        api: &Shared,
        address: SocketAddr,
        set: &wire::ListenerSettings,
    ) -> Result<(StatusCode, wire::Listener), ApiError> {
        let face = checked(address, set).await?;
        let known = self.face(address);
        let as_it_is = known.as_ref().is_some_and(|known| *set == Default::default() || known.set == *set);
        if as_it_is && let Some(known) = self.keep(api, address) {
            self.save(api);
            return Ok((StatusCode::OK, known));
        }
        if known.is_some() {
            // With the same socket, in another way: who connects in between waits in its queue.
            self.keep(api, address);
            if let Some(before) = self.lock().remove(&address) {
                let _ = before.switch.send(true);
            }
        }
        let (real, switch, copy) = self.serve(api, address, &face).await?;
        let copy = copy.map_err(|e| ApiError::internal(&e))?;
        if api.handle.sockets().take(&held_as(real)).is_none() {
            api.handle.sockets().hold(held_as(real), copy);
        }
        let open = Open { face, switch, kept: true, leases: 0, unguarded: 0, socket: None };
        let known = listener(real, &open);
        self.lock().insert(real, open);
        self.unserved().remove(&real);
        self.save(api);
        Ok((StatusCode::CREATED, known))
    }

    /// Makes an address that is served one that stays.
    fn keep(&self, api: &Shared, address: SocketAddr) -> Option<wire::Listener> {
        let mut all = self.lock();
        let open = all.get_mut(&address)?;
        open.kept = true;
        if let Some(socket) = open.socket.take() {
            api.handle.sockets().hold(held_as(address), socket);
        }
        Some(listener(address, open))
    }

    /// How that address is served.
    pub fn face(&self, address: SocketAddr) -> Option<Arc<Face>> {
        self.lock().get(&address).map(|open| Arc::clone(&open.face))
    }

    /// Whether requests at that address need no credential now.
    pub fn is_unguarded(&self, address: SocketAddr) -> bool {
        self.lock().get(&address).is_some_and(|open| open.unguarded > 0)
    }

    /// Serves there no longer. False: it was not served.
    pub fn remove(&self, api: &Shared, address: SocketAddr) -> bool {
        let unserved = self.unserved().remove(&address).is_some();
        let Some(open) = self.lock().remove(&address) else {
            self.save(api);
            return unserved;
        };
        tracing::info!("no longer serving {}://{address}", open.face.scheme());
        self.save(api);
        api.handle.sockets().release(&held_as(address));
        let _ = open.switch.send(true);
        true
    }

    /// Ends all of them, with the daemon. Returns when the requests that are being answered are
    /// finished.
    pub async fn end_all(&self) {
        self.ending.store(true, Ordering::SeqCst);
        for (_, open) in std::mem::take(&mut *self.lock()) {
            let _ = open.switch.send(true);
        }
        let tasks = std::mem::take(&mut *self.tasks());
        for task in tasks {
            let _ = task.await;
        }
    }

    /// Whether listeners end because the daemon does.
    pub fn is_ending(&self) -> bool {
        self.ending.load(Ordering::SeqCst)
    }

    /// All of them.
    pub fn list(&self) -> Vec<wire::Listener> {
        self.lock().iter().map(|(address, open)| listener(*address, open)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, Open>> {
        self.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn unserved(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, wire::ListenerSettings>> {
        self.unserved.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// When the certificate of each address under TLS expires, in seconds since 1970.
    pub fn expiries(&self) -> Vec<(SocketAddr, i64)> {
        let open = self.lock();
        let under_tls = open.iter().filter_map(|(address, open)| Some((*address, open.face.tls.as_ref()?)));
        under_tls.filter_map(|(address, tls)| Some((address, tls.expires()?))).collect()
    }

    /// Reads all certificates again. Answers their files.
    ///
    /// # Errors
    /// A sentence with the first that is not usable; the others were read all the same.
    pub fn reload_certificates(&self) -> Result<Vec<String>, String> {
        let certificates = self.certificates();
        let read: Vec<Result<(), String>> = certificates.iter().map(|tls| tls.refresh(true)).collect();
        read.into_iter().collect::<Result<Vec<()>, String>>()?;
        Ok(certificates.iter().map(|tls| tls.file().display().to_string()).collect())
    }

    /// The certificates in use.
    fn certificates(&self) -> Vec<Arc<Tls>> {
        self.lock().values().filter_map(|open| open.face.tls.clone()).collect()
    }

    fn tasks(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Opens that address, or goes on with the socket that an earlier daemon had there. Says what
    /// it really is, how to end it, and gives a copy of the socket.
    async fn serve(&self, api: &Shared, address: SocketAddr, face: &Face) -> Result<Served, ApiError> {
        let socket = match inherited(api, address) {
            Some(socket) => socket,
            None => TcpListener::bind(address).await.map_err(|e| taken(address, &e))?,
        };
        let real = socket.local_addr().map_err(|e| ApiError::internal(&e))?;
        let copy = socket.as_fd().try_clone_to_owned();
        let (switch, end) = watch::channel(false);
        let task = tokio::spawn(serve::serve(socket, face.tls.clone(), router::router(api.clone()), end));
        let mut tasks = self.tasks();
        tasks.retain(|task| !task.is_finished());
        tasks.push(task);
        tracing::info!("serving {}://{real}", face.scheme());
        Ok((real, switch, copy))
    }
}

/// The real address, what ends it, and the socket for whoever is to hold it.
type Served = (SocketAddr, watch::Sender<bool>, std::io::Result<OwnedFd>);

/// As [`Face::check`], which reads files, beside the requests of others.
async fn checked(address: SocketAddr, set: &wire::ListenerSettings) -> Result<Arc<Face>, ApiError> {
    let set = set.clone();
    let face = tokio::task::spawn_blocking(move || Face::check(address, &set)).await;
    face.map_err(|e| ApiError::internal(&e))?.map(Arc::new)
}

fn listener(address: SocketAddr, open: &Open) -> wire::Listener {
    wire::Listener {
        temporary: !open.kept,
        no_auth: open.unguarded > 0,
        settings: open.face.set.clone(),
        ..wire::Listener::at(address.ip().to_string(), address.port())
    }
}

/// The sentence for an address that cannot be had.
pub fn taken(address: SocketAddr, error: &std::io::Error) -> ApiError {
    let port = address.port();
    let detail = match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            let owner = port_owner(port).unwrap_or_else(|| "another program".into());
            format!("port {port} is used by {owner}: choose another with --port")
        }
        std::io::ErrorKind::PermissionDenied => {
            format!("port {port} needs root: choose one above 1023 with --port")
        }
        _ => format!("cannot listen on {address}: {error}"),
    };
    ApiError::new(StatusCode::CONFLICT, "address_unavailable", detail)
}
