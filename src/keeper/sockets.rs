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
//!
//! With `spread even` each slot of an app has a socket of its own: see [`super::reuseport`].

use std::collections::{BTreeMap, BTreeSet};
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
use super::filters;
use super::process::{Pidfd, io_words, words};
use super::reuseport::Group;
use super::run::Run;
use super::say;

/// Connections that may wait; the kernel caps it by `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// Whose a socket is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    /// Where it listens.
    pub port: u16,
    /// The slot that has it to itself; absent: all share it.
    pub slot: Option<u32>,
}

impl Place {
    /// That of the socket with which a run was launched.
    pub fn of(run: &Run) -> Option<Place> {
        let record = &run.record;
        record.socket?;
        Some(Place { port: record.port?, slot: record.spread.as_ref().map(|spread| spread.slot) })
    }
}

/// The sockets.
#[derive(Default)]
pub struct Sockets {
    /// All of them.
    pub(super) held: BTreeMap<Place, Held>,
    /// What is known of ports of which each slot has one.
    pub(super) groups: BTreeMap<u16, Group>,
}

/// One socket.
pub(super) struct Held {
    /// It.
    pub socket: OwnedFd,
    /// Its number.
    pub inode: u64,
    /// Nobody is to be launched with it: it closes with the last run that uses it.
    pub released: bool,
}

impl Held {
    /// It closes with the last run that uses it. Nobody new comes into its queue, so that what is in it
    /// can be taken before: who connects now asks again after a second, and is refused or answered then.
    fn release(&mut self) {
        self.released = true;
        if let Err(errno) = filters::take_nobody_new(&self.socket) {
            say::warning!("connections still come to a socket that is about to close: {}", words(errno));
        }
    }

    /// It is needed again.
    fn keep(&mut self) {
        if std::mem::take(&mut self.released) {
            // One of which each slot has its own was never without.
            filters::take_all(&self.socket);
        }
    }
}

impl Sockets {
    /// Lets only this host connect to the socket of that place.
    pub fn keep_to_this_host(&self, place: Place) -> nix::Result<()> {
        self.held.get(&place).map_or(Ok(()), |held| filters::take_from_this_host(&held.socket))
    }

    /// The socket of that place.
    pub fn get(&self, place: Place) -> Option<BorrowedFd<'_>> {
        self.held.get(&place).map(|held| held.socket.as_fd())
    }

    /// The ports of all of them.
    pub fn ports(&self) -> Vec<u16> {
        let mut ports: Vec<u16> = self.held.keys().map(|place| place.port).collect();
        ports.dedup();
        ports
    }

    /// A new daemon says anew what it does not want.
    pub fn keep_all(&mut self) {
        self.held.values_mut().for_each(Held::keep);
    }

    /// That one closes when no run uses it any more.
    pub fn is_released(&self, place: Place) -> bool {
        self.held.get(&place).is_some_and(|held| held.released)
    }

    fn add(&mut self, place: Place, socket: OwnedFd) -> io::Result<u64> {
        let inode = inode(&socket)?;
        self.held.insert(place, Held { socket, inode, released: false });
        Ok(inode)
    }

    /// Makes the socket of a place that has none.
    fn make(&mut self, place: Place) -> nix::Result<OwnedFd> {
        let is_group = self.groups.contains_key(&place.port);
        if !is_group && place.slot.is_none() {
            return listen(place.port, Others::Nobody);
        }
        if is_group {
            return listen(place.port, Others::OfGroup);
        }
        let mut group = Group::empty();
        let shared = self.held.get(&Place { slot: None, ..place });
        let socket = match shared {
            Some(shared) => {
                setsockopt(&shared.socket, sockopt::ReusePort, &true)?;
                group.join(shared.inode);
                listen(place.port, Others::OfGroup)
            }
            None => listen(place.port, Others::ToCome),
        }?;
        self.groups.insert(place.port, group);
        Ok(socket)
    }
}

impl Keeper {
    /// Sees to it that the socket of that place is there, for a launch. Returns what tells it from
    /// every other socket.
    ///
    /// # Errors
    /// Why nobody can listen there.
    pub fn hold_socket(&mut self, place: Place) -> io::Result<u64> {
        if let Some(held) = self.sockets.held.get_mut(&place) {
            held.keep();
            return Ok(held.inode);
        }
        let socket = match self.sockets.make(place) {
            // A run of a time before this keeper may be the one that listens.
            Err(Errno::EADDRINUSE) => {
                let taken = self.take_back(place).unwrap_or(Err(Errno::EADDRINUSE.into()));
                if taken.is_ok() && place.slot.is_some() {
                    // Of its group nothing is known.
                    self.sockets.groups.entry(place.port).or_default();
                }
                taken
            }
            made => made.map_err(Into::into),
        }?;
        let inode = self.sockets.add(place, socket)?;
        if let Some(group) = self.sockets.groups.get_mut(&place.port) {
            group.join(inode);
            self.write_order(place.port);
        }
        Ok(inode)
    }

    /// Takes back the sockets of all runs that an earlier keeper left.
    pub fn take_sockets_back(&mut self) {
        let places: Vec<Place> =
            self.runs.values().filter(|run| !is_over(run)).filter_map(Place::of).collect();
        for place in places {
            if self.sockets.get(place).is_some() {
                continue;
            }
            let taken = self.take_back(place).map(|taken| taken.and_then(|it| self.sockets.add(place, it)));
            let port = place.port;
            match taken {
                Some(Ok(_)) => {}
                Some(Err(error)) => say::warning!(
                    "cannot take the listening socket of port {port} back from its processes: {}; they go on \
                     accepting, and their next launches may fail until all of them are stopped",
                    io_words(&error)
                ),
                None => say::warning!("none of the processes that share port {port} has its socket open"),
            }
        }
        self.take_groups_back();
    }

    /// The socket of that place out of a run that was launched with it; `None` when none has it.
    fn take_back(&self, place: Place) -> Option<io::Result<OwnedFd>> {
        let mut outcome = None;
        for run in self.runs.values().filter(|run| Place::of(run) == Some(place) && !is_over(run)) {
            let (Some(wanted), Some((pid, start))) = (run.record.socket, run.main()) else { continue };
            let Some(number) = number_in(pid, wanted) else { continue };
            let Some(pidfd) = Pidfd::open(pid, start) else { continue };
            let taken = pidfd.descriptor(number).map_err(io::Error::from);
            match taken.and_then(|socket| Ok((inode(&socket)?, socket))) {
                Ok((found, socket)) if found == wanted => {
                    // The earlier keeper may have been about to close it.
                    filters::take_all(&socket);
                    return Some(Ok(socket));
                }
                // It has put something else there meanwhile.
                Ok(_) => {}
                Err(error) => outcome = Some(Err(error)),
            }
        }
        outcome
    }

    /// Nobody that is to run needs a socket of that port.
    pub fn release_port(&mut self, port: u16) {
        for (_, held) in self.sockets.held.iter_mut().filter(|(place, _)| place.port == port) {
            held.release();
        }
        self.close_sockets();
    }

    /// Closes what is released and not used by any run.
    pub fn close_sockets(&mut self) {
        let used: BTreeSet<Place> =
            self.runs.values().filter(|run| !is_over(run)).filter_map(Place::of).collect();
        let sockets = &self.sockets;
        // The one that all share is not needed any more once each has its own.
        let is_over = |place: &Place, held: &Held| {
            held.released || (place.slot.is_none() && sockets.groups.contains_key(&place.port))
        };
        let held = sockets.held.iter().filter(|(place, held)| is_over(place, held) && !used.contains(place));
        let over: Vec<Place> = held.map(|(place, _)| *place).collect();
        for place in over {
            self.sockets.close(place);
            self.write_order(place.port);
            self.steer(place.port);
        }
    }
}

fn is_over(run: &Run) -> bool {
    run.is_ended() && run.tree_empty
}

/// Who else has a socket of the port.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    /// Nobody, ever.
    Nobody,
    /// Nobody yet.
    ToCome,
    /// Those of a group.
    OfGroup,
}

/// A socket that listens on that port, blocking as programs expect it of one that they inherit.
fn listen(port: u16, others: Others) -> nix::Result<OwnedFd> {
    let v6 = SockaddrIn6::from(SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, port, 0, 0));
    match listen_at(AddressFamily::Inet6, &v6, others) {
        // The port is what is wrong, not the family.
        done @ (Ok(_) | Err(Errno::EADDRINUSE | Errno::EACCES | Errno::EMFILE | Errno::ENFILE)) => done,
        Err(_) => {
            let v4 = SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port));
            listen_at(AddressFamily::Inet, &v4, others)
        }
    }
}

fn listen_at(family: AddressFamily, address: &dyn SockaddrLike, others: Others) -> nix::Result<OwnedFd> {
    let socket = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&socket, sockopt::ReuseAddr, &true)?;
    if family == AddressFamily::Inet6 {
        setsockopt(&socket, sockopt::Ipv6V6Only, &false)?;
    }
    if others == Others::OfGroup {
        setsockopt(&socket, sockopt::ReusePort, &true)?;
    }
    bind(socket.as_raw_fd(), address)?;
    // Not before: the port must not be that of another group, which any program of this user may have.
    if others == Others::ToCome {
        setsockopt(&socket, sockopt::ReusePort, &true)?;
    }
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
