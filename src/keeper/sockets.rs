//! Listening sockets that the runs of an app share (acceptance row A10).
//!
//! A socket is made at the first launch that asks for its port and stays open until the daemon lets
//! it go and no run uses it any more. All runs accept from its one queue, so a connection that comes
//! while they restart waits there, and one that is dead, busy or ending keeps nobody waiting. The
//! socket is on all addresses of both families, as that of a program that names no address.
//!
//! When the keeper dies, the runs hold it open, and the next keeper takes it back from one of them.
//! The kernel may forbid that (Yama, for another user than root); then connections go on, and only
//! the next launch that needs the socket fails, with that reason.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrIn6, SockaddrLike, bind, setsockopt, socket,
    sockopt,
};

use super::event_loop::Keeper;
use super::process::{Pidfd, io_words, words};
use super::run::Run;
use super::say;

/// Connections that may wait; the kernel caps it by `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// The sockets, by port.
#[derive(Default)]
pub struct Sockets(BTreeMap<u16, Held>);

struct Held {
    socket: OwnedFd,
    /// Nobody is to be launched with it: it closes with the last run that uses it.
    released: bool,
}

impl Sockets {
    /// The socket of that port.
    pub fn get(&self, port: u16) -> Option<BorrowedFd<'_>> {
        self.0.get(&port).map(|held| held.socket.as_fd())
    }

    /// The ports of all of them.
    pub fn ports(&self) -> Vec<u16> {
        self.0.keys().copied().collect()
    }

    /// A new daemon says anew what it does not want.
    pub fn keep_all(&mut self) {
        self.0.values_mut().for_each(|held| held.released = false);
    }
}

impl Keeper {
    /// Sees to it that the socket of that port is there, for a launch. Returns what tells it from
    /// every other socket.
    ///
    /// # Errors
    /// Why nobody can listen there.
    pub fn hold_socket(&mut self, port: u16) -> io::Result<u64> {
        if let Some(held) = self.sockets.0.get_mut(&port) {
            held.released = false;
            return inode(&held.socket);
        }
        let socket = match listen(port) {
            // A run of a time before this keeper may be the one that listens.
            Err(Errno::EADDRINUSE) => self.take_back(port).unwrap_or(Err(Errno::EADDRINUSE.into())),
            made => made.map_err(Into::into),
        }?;
        let inode = inode(&socket);
        self.sockets.0.insert(port, Held { socket, released: false });
        inode
    }

    /// Takes back the sockets of all runs that an earlier keeper left.
    pub fn take_sockets_back(&mut self) {
        let shared = |run: &Run| run.record.port.filter(|_| run.record.socket.is_some() && !is_over(run));
        let ports: Vec<u16> = self.runs.values().filter_map(shared).collect();
        for port in ports {
            if self.sockets.get(port).is_some() {
                continue;
            }
            match self.take_back(port) {
                Some(Ok(socket)) => _ = self.sockets.0.insert(port, Held { socket, released: false }),
                Some(Err(error)) => say::warning!(
                    "cannot take the listening socket of port {port} back from its processes: {}; they go on \
                     accepting, and their next launches may fail until all of them are stopped",
                    io_words(&error)
                ),
                None => say::warning!("none of the processes that share port {port} has its socket open"),
            }
        }
    }

    /// The socket of that port out of a run that was launched with it; `None` when none has it.
    fn take_back(&self, port: u16) -> Option<io::Result<OwnedFd>> {
        let mut outcome = None;
        for run in self.runs.values().filter(|run| run.record.port == Some(port) && !is_over(run)) {
            let (Some(wanted), Some((pid, start))) = (run.record.socket, run.main()) else { continue };
            let Some(number) = number_in(pid, wanted) else { continue };
            let Some(pidfd) = Pidfd::open(pid, start) else { continue };
            let taken = pidfd.descriptor(number).map_err(io::Error::from);
            match taken.and_then(|socket| Ok((inode(&socket)?, socket))) {
                Ok((found, socket)) if found == wanted => return Some(Ok(socket)),
                // It has put something else there meanwhile.
                Ok(_) => {}
                Err(error) => outcome = Some(Err(error)),
            }
        }
        outcome
    }

    /// Nobody that is to run needs the socket of that port.
    pub fn release_port(&mut self, port: u16) {
        if let Some(held) = self.sockets.0.get_mut(&port) {
            held.released = true;
        }
        self.close_sockets();
    }

    /// Closes what is released and not used by any run.
    pub fn close_sockets(&mut self) {
        let runs = &self.runs;
        let is_used = |port| {
            let uses = |run: &Run| run.record.port == Some(port) && run.record.socket.is_some();
            runs.values().any(|run| uses(run) && !is_over(run))
        };
        self.sockets.0.retain(|port, held| !held.released || is_used(*port));
    }
}

fn is_over(run: &Run) -> bool {
    run.is_ended() && run.tree_empty
}

/// A socket that listens on that port, blocking as programs expect it of one that they inherit.
fn listen(port: u16) -> nix::Result<OwnedFd> {
    let v6 = SockaddrIn6::from(SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, port, 0, 0));
    match listen_at(AddressFamily::Inet6, &v6) {
        // The port is what is wrong, not the family.
        done @ (Ok(_) | Err(Errno::EADDRINUSE | Errno::EACCES | Errno::EMFILE | Errno::ENFILE)) => done,
        Err(_) => {
            let v4 = SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port));
            listen_at(AddressFamily::Inet, &v4)
        }
    }
}

fn listen_at(family: AddressFamily, address: &dyn SockaddrLike) -> nix::Result<OwnedFd> {
    let socket = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&socket, sockopt::ReuseAddr, &true)?;
    if family == AddressFamily::Inet6 {
        setsockopt(&socket, sockopt::Ipv6V6Only, &false)?;
    }
    bind(socket.as_raw_fd(), address)?;
    // SAFETY: takes two integers. nix allows no backlog of this length.
    Errno::result(unsafe { libc::listen(socket.as_raw_fd(), BACKLOG) })?;
    Ok(socket)
}

/// The number of a socket, which no other has while it is open.
fn inode(socket: &OwnedFd) -> io::Result<u64> {
    Ok(nix::sys::stat::fstat(socket)?.st_ino)
}

/// Where that process has the socket open.
fn number_in(pid: i32, inode: u64) -> Option<RawFd> {
    let wanted = format!("socket:[{inode}]");
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let mut entries = entries.flatten();
    let entry =
        entries.find(|entry| fs::read_link(entry.path()).is_ok_and(|to| to.as_os_str() == &*wanted))?;
    entry.file_name().to_str()?.parse().ok()
}

/// The sentence about a port on which nobody can listen.
pub fn refusal(port: u16, error: &io::Error) -> String {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EADDRINUSE) => format!("cannot listen on port {port}: another program does"),
        Some(Errno::EACCES) if port < 1024 => {
            format!("cannot listen on port {port}: ports below 1024 are for root; use a higher one")
        }
        Some(Errno::EPERM) => format!(
            "cannot take the listening socket of port {port} back from the processes that have it, because the \
             kernel does not allow it: stop all of the app, then start it"
        ),
        Some(errno) => format!("cannot listen on port {port}: {}", words(errno)),
        None => format!("cannot listen on port {port}: {error}"),
    }
}
