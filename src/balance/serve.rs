//! The life of a balancer.

use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Context;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use mio::net::TcpListener as Listener;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::{TcpStream, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;

use super::alarm::Alarm;
use super::fleet::Fleet;
use super::http::Connected;
use super::prospect::Prospect;
use super::socket::Socket;
use super::table::{Mode, Table};
use super::watch::Watch;
use super::workers::{self, Workers};
use super::{http, silence, status, tcp};

/// A client may take so long for the head of its next request, its thinking included.
const HEAD: Duration = Duration::from_secs(75);
/// A connection on which nothing is asked is closed so long after the end was asked for: a request may be
/// on its way, and is told then that it is the last.
const GRACE: Duration = Duration::from_millis(500);
/// When no connection can be accepted, for want of descriptors, it is tried again after this.
const PAUSE: Duration = Duration::from_millis(50);

/// Where a balancer finds what it needs.
pub struct Places {
    /// The socket on which clients connect.
    pub listener: StdListener,
    /// The table.
    pub table: PathBuf,
    /// Where it tells its status.
    pub status: PathBuf,
}

/// Balances until SIGTERM or SIGINT; then it accepts nothing more, and what is being answered is
/// answered. Whoever sent the signal decides how long that may take.
///
/// # Errors
/// When it cannot begin.
pub fn run(places: Places) -> io::Result<()> {
    workers::runtime()?.block_on(balance(places))
}

async fn balance(places: Places) -> io::Result<()> {
    // Connections inherit it.
    nix::sys::socket::setsockopt(&places.listener, nix::sys::socket::sockopt::TcpNoDelay, &true)?;
    let socket = places.listener.try_clone()?;
    // As with what is watched for the table: its successor is for types whose descriptor changes.
    #[allow(deprecated)]
    let listener = AsyncFd::with_interest(Listener::from_std(places.listener), Interest::READABLE)?;
    // One that died has left its own behind.
    let _ = std::fs::remove_file(&places.status);
    let asked = UnixListener::bind(&places.status)?;
    std::fs::set_permissions(&places.status, std::fs::Permissions::from_mode(0o600))?;
    let fleet = Fleet::new(workers::count());
    let mut watch = Watch::new(&places.table)?;
    let reread = {
        let (fleet, path) = (Arc::clone(&fleet), places.table);
        move || match Table::read(&path) {
            Ok(Some(table)) => fleet.update(table),
            Ok(None) => {}
            Err(error) => tracing::error!("the table {} is not usable: {error}", path.display()),
        }
    };
    reread();
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let room = Arc::new(Semaphore::new(fleet.settings().max_connections));
    let (ending, end) = watch::channel(false);
    let ending = Arc::new(ending);
    let answering = Answering { fleet: Arc::clone(&fleet), end };
    let workers = Workers::with(workers::count() - 1, move |given| answering.clone().serve(given))?;
    silence::keep_back(&socket, fleet.settings().mode);
    let task = tokio::spawn(accept(listener, socket.try_clone()?, workers, Arc::clone(&fleet), room));
    let mut accepting = Some(Accepting { task, socket });
    loop {
        let is_over = accepting.is_none() && fleet.tally.connections.load(Relaxed) == 0;
        tokio::select! {
            replaced = watch.replaced() => {
                replaced?;
                reread();
                if let Some(Accepting { socket, .. }) = &accepting {
                    silence::keep_back(socket, fleet.settings().mode);
                }
            }
            Ok((to, _)) = asked.accept() => {
                // Whoever has just replaced the table is told what comes of that.
                reread();
                let fleet = Arc::clone(&fleet);
                tokio::spawn(async move { status::say(&fleet, to).await });
            }
            _ = term.recv(), if accepting.is_some() => accepting = stop(&fleet, accepting, &ending),
            _ = int.recv(), if accepting.is_some() => accepting = stop(&fleet, accepting, &ending),
            () = tokio::time::sleep(PAUSE), if accepting.is_none() => {
                if is_over {
                    return Ok(());
                }
            }
        }
    }
}

/// What goes on until the end is asked for.
struct Accepting {
    task: JoinHandle<()>,
    /// The listening socket, which is closed with this.
    socket: StdListener,
}

fn stop(fleet: &Fleet, accepting: Option<Accepting>, ending: &Arc<watch::Sender<bool>>) -> Option<Accepting> {
    if let Some(Accepting { task, socket }) = accepting {
        task.abort();
        silence::let_go(&socket);
        // As it was: a process may be given it next.
        if let Err(error) = socket.set_nonblocking(false) {
            tracing::warn!("whoever gets the socket next cannot wait in it: {error}");
        }
    }
    fleet.end();
    // One wait for all of them: each is woken once, to be closed.
    let ending = Arc::clone(ending);
    tokio::spawn(async move {
        tokio::time::sleep(GRACE).await;
        ending.send_replace(true);
    });
    None
}

/// One connection of a client.
struct Open(Arc<Fleet>);

impl Open {
    fn new(fleet: &Arc<Fleet>) -> Open {
        fleet.tally.connections.fetch_add(1, Relaxed);
        Open(Arc::clone(fleet))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.tally.connections.fetch_sub(1, Relaxed);
    }
}

/// A connection on its way to who serves it.
struct Given {
    client: StdStream,
    from: SocketAddr,
    _open: Open,
    _room: OwnedSemaphorePermit,
}

async fn accept(
    listener: AsyncFd<Listener>,
    socket: StdListener,
    workers: Workers<Given>,
    fleet: Arc<Fleet>,
    room: Arc<Semaphore>,
) {
    fleet.its_turn().await;
    // Not before, for it stays with the socket, in which others may wait until somebody comes.
    if let Err(error) = socket.set_nonblocking(true) {
        return tracing::error!("cannot accept connections: {error}");
    }
    loop {
        // It is never closed.
        let Ok(room) = Arc::clone(&room).acquire_owned().await else { return };
        // Not by the runtime of this thread, which would watch what another one is given.
        match listener.async_io(Interest::READABLE, Listener::accept).await {
            Ok((client, from)) => {
                workers.give(Given { client: client.into(), from, _open: Open::new(&fleet), _room: room });
            }
            // The client's own doing.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

#[derive(Clone)]
struct Answering {
    fleet: Arc<Fleet>,
    /// What is being answered is the last.
    end: watch::Receiver<bool>,
}

impl Answering {
    /// Has a connection served to its end. It is closed if this thread cannot watch it.
    async fn serve(mut self, given: Given) {
        let Given { client, from, _open, _room } = given;
        let address = from.ip();
        match self.fleet.settings().mode {
            Mode::Tcp => {
                if let Ok(client) = TcpStream::from_std(client) {
                    tcp::serve(&self.fleet, address, client).await;
                }
            }
            Mode::Http => {
                let (alarm, prospect) = (Alarm::default(), Prospect::new());
                let client = Socket::of_speaker(client, prospect.clone());
                let asking =
                    Connected::new(Arc::clone(&self.fleet), address, alarm.clone(), prospect.clone());
                let service = service_fn(move |request| http::answer(Arc::clone(&asking), request));
                let mut server = http1::Builder::new();
                server.timer(alarm).header_read_timeout(HEAD);
                let connection = server.serve_connection(client, service).with_upgrades();
                tokio::pin!(connection);
                let mut told = false;
                loop {
                    let turn = |context: &mut Context<'_>| {
                        let over = connection.as_mut().poll(context);
                        if over.is_pending() {
                            prospect.send();
                        }
                        over
                    };
                    tokio::select! {
                        // In this order: the end is seldom news.
                        biased;
                        // A client that breaks off is no news.
                        _ = poll_fn(turn) => return,
                        _ = self.end.wait_for(|end| *end), if !told => {
                            told = true;
                            connection.as_mut().graceful_shutdown();
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
