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

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::face::Face;
use super::port_owner::port_owner;
use super::tls::Tls;
use super::{Api, ApiError, Shared, router, serve};
use crate::store::Change;
use crate::wire;

/// The setting in the store that lists the addresses, separated by spaces.
const SETTING: &str = "listeners";
/// The setting that lists those with settings of their own, as JSON. Apart: a program that does not
/// know it must not serve them as if they had none.
const WITH_SETTINGS: &str = "listeners_with_settings";
/// How often certificates are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// The address that everybody knows (PM2's web port).
const DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9615);

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

/// Keeps an address served, and perhaps without authentication, until it is dropped.
pub struct Lease {
    api: Weak<Api>,
    address: SocketAddr,
    no_auth: bool,
}

/// An address that was lent.
pub struct Lent {
    /// What keeps it.
    pub lease: Lease,
    /// The real address.
    pub listener: wire::Listener,
    /// It was not served before.
    pub added: bool,
    /// Turns true when it is not served any more.
    pub end: watch::Receiver<bool>,
}

impl Lease {
    /// The real address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(api) = self.api.upgrade() {
            api.listeners.give_back(self.address, self.no_auth);
        }
    }
}

impl Listeners {
    /// Serves where the last daemon did, or at the default address; at another port when one is
    /// taken. The unix socket always works, so a port that cannot be had is no reason to stop.
    pub async fn restore(&self, api: &Shared, settings: &BTreeMap<String, String>) {
        tokio::spawn(renew_certificates(api.clone()));
        let with_settings = match settings.get(WITH_SETTINGS).map(|text| serde_json::from_str(text)) {
            Some(Ok(listed)) => listed,
            Some(Err(e)) => {
                tracing::error!("the addresses with settings cannot be read: {e}");
                BTreeMap::new()
            }
            None => BTreeMap::<SocketAddr, wire::ListenerSettings>::new(),
        };
        let stored = settings.get(SETTING).map(String::as_str).unwrap_or_default();
        let stored: Vec<SocketAddr> =
            stored.split_whitespace().filter_map(|text| text.parse().ok()).collect();
        let default = if with_settings.is_empty() { vec![DEFAULT] } else { Vec::new() };
        for address in if stored.is_empty() { default } else { stored } {
            let Err(taken) = self.add(api, address, &Default::default()).await else { continue };
            tracing::warn!("{}; using a free one instead", taken.detail);
            let free = SocketAddr::new(address.ip(), 0);
            if let Err(e) = self.add(api, free, &Default::default()).await {
                tracing::error!("no TCP address at all: {}", e.detail);
            }
        }
        for (address, set) in with_settings {
            // Never served in another way than it was asked for.
            if let Err(e) = self.add(api, address, &set).await {
                tracing::error!("cannot serve {address}: {}", e.detail);
                self.unserved().insert(address, set);
            }
        }
        self.save(api);
    }

    /// The names of the sockets that the next daemon is to find open: of the addresses that are
    /// kept. Those that end with a command end with it also when it outlives this daemon.
    pub fn held(&self) -> BTreeSet<String> {
        self.lock().iter().filter(|(_, open)| open.kept).map(|(address, _)| held_as(*address)).collect()
    }

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

    /// Serves at that address while the lease lives, if nobody does so already.
    ///
    /// # Errors
    /// 409 with the owner when the port is taken.
    pub async fn lend(
        &self,
        api: &Shared,
        address: SocketAddr,
        no_auth: bool,
        set: &wire::ListenerSettings,
    ) -> Result<Lent, ApiError> {
        let face = checked(address, set).await?;
        let served = self.face(address);
        if let Some(served) = &served
            && *set != Default::default()
            && served.set != *set
        {
            let detail = format!(
                "{address} is served already in another way: use another --port, or --detach to change it for good"
            );
            return Err(ApiError::new(StatusCode::CONFLICT, "address_unavailable", detail));
        }
        let real = if served.is_some() { None } else { Some(self.serve(api, address, &face).await?) };
        let mut all = self.lock();
        let added = real.is_some();
        let address = match real {
            Some((real, switch, copy)) => {
                let socket = copy.ok();
                all.insert(real, Open { face, switch, kept: false, leases: 0, unguarded: 0, socket });
                real
            }
            None => address,
        };
        let gone =
            || ApiError::new(StatusCode::CONFLICT, "address_unavailable", "it was just removed: try again");
        let open = all.get_mut(&address).ok_or_else(gone)?;
        open.leases += 1;
        open.unguarded += usize::from(no_auth);
        if no_auth {
            tracing::warn!("authentication is off at {}://{address}", open.face.scheme());
        }
        Ok(Lent {
            lease: Lease { api: Arc::downgrade(api), address, no_auth },
            listener: listener(address, open),
            added,
            end: open.switch.subscribe(),
        })
    }

    fn give_back(&self, address: SocketAddr, no_auth: bool) {
        let mut all = self.lock();
        // It may have been removed meanwhile.
        let Some(open) = all.get_mut(&address) else { return };
        open.leases = open.leases.saturating_sub(1);
        open.unguarded = open.unguarded.saturating_sub(usize::from(no_auth));
        let url = format!("{}://{address}", open.face.scheme());
        if no_auth && open.unguarded == 0 {
            tracing::info!("authentication is on again at {url}");
        }
        if open.leases == 0 && !open.kept {
            if let Some(open) = all.remove(&address) {
                let _ = open.switch.send(true);
            }
            tracing::info!("no longer serving {url}");
        }
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

    /// So that the next daemon is found where this one was.
    fn save(&self, api: &Shared) {
        let (mut plain, mut others) = (Vec::new(), self.unserved().clone());
        for (address, open) in self.lock().iter().filter(|(_, open)| open.kept) {
            match open.face.set == wire::ListenerSettings::default() {
                true => plain.push(address.to_string()),
                false => drop(others.insert(*address, open.face.set.clone())),
            }
        }
        let others = serde_json::to_string(&others).expect("it is plain data");
        api.handle.recorder().write(vec![
            Change::PutSetting { name: SETTING.to_owned(), value: plain.join(" ") },
            Change::PutSetting { name: WITH_SETTINGS.to_owned(), value: others },
        ]);
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

/// By which the next daemon finds the socket of an address.
fn held_as(address: SocketAddr) -> String {
    format!("tcp:{address}")
}

/// The socket of an earlier daemon, which has been open all the time.
fn inherited(api: &Shared, address: SocketAddr) -> Option<TcpListener> {
    let socket = std::net::TcpListener::from(api.handle.sockets().take(&held_as(address))?);
    socket.set_nonblocking(true).ok()?;
    TcpListener::from_std(socket).ok()
}

/// Reads certificates again when their files change, and at SIGHUP.
async fn renew_certificates(api: Shared) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let anyway = tokio::select! {
            _ = look.tick() => false,
            _ = hangup.recv() => true,
        };
        let certificates = api.listeners.certificates();
        if !certificates.is_empty() {
            let read = move || certificates.iter().for_each(|tls| tls.refresh(anyway));
            // A disk may be slow, and others are served meanwhile.
            let _ = tokio::task::spawn_blocking(read).await;
        }
    }
}

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
