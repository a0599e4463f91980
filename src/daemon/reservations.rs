//! The ports that the processes of this daemon have, told to every other pmdaemon of the host.
//!
//! A port is seen to be busy only once somebody listens there. Between the choice of a port and that
//! moment another pmdaemon (of another home, or of another user) may choose the same: then one program
//! cannot listen, or a check of its health is answered by the other one. So whoever chooses a port takes
//! its reservation first: a unix socket that has the number of the port in its name, in the abstract
//! namespace. Only one process can have that; it is seen by all that share these ports, which are those of
//! the network namespace; and it is gone with whoever has it, however that ends. It stays until no process
//! has the port any more, so a port is kept through crashes and waits, too.
//!
//! What this does not do:
//! - It refuses no port to who names it (`--port 3000`): nobody listens there, and it may be meant so.
//! - It keeps no other program from a port. Neither did anything before: whoever listens first has it.
//! - It does not keep what nobody listens on while there is no daemon, which is a moment only: the keeper
//!   starts the next one at once.
//! - Ports below 1024 are not reserved. Everybody may make such a socket, but not everybody may listen
//!   there: nobody is to keep root's services from port 80 in this way. Of the other ports whoever can
//!   take the name could take the port as well.
//! - A port whose listening socket the keeper holds needs none.
//! - Each costs a descriptor. When half of those that the daemon may have are used for this, the next
//!   ports go without; so they do where such sockets cannot be made at all.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, getsockopt, socket, sockopt};

use crate::model::Pid;

/// The first port that everybody may listen on.
const FIRST: u16 = 1024;
/// So long a daemon that has just ended may take to be gone altogether.
const PREDECESSOR: Duration = Duration::from_secs(1);
/// While that is waited for, it is looked so often.
const AGAIN: Duration = Duration::from_millis(10);
/// More callers than wait at a time are not let go in one round.
const CALLERS: usize = 128;

/// What this daemon has reserved.
pub struct Reservations {
    taken: BTreeMap<u16, UnixListener>,
    most: usize,
    /// Which change of the ports of processes they were compared with; absent after a new one.
    compared: Option<u64>,
}

impl Reservations {
    /// None yet.
    pub fn none() -> Reservations {
        let (descriptors, _) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((1024, 1024));
        let most = usize::try_from(descriptors / 2).unwrap_or(usize::MAX);
        Reservations { taken: BTreeMap::new(), most, compared: None }
    }

    /// Reserves that port, unless we have already. False: another has.
    pub fn take(&mut self, port: u16) -> bool {
        if port < FIRST || self.taken.contains_key(&port) {
            return true;
        }
        match bind(port) {
            Ok(listener) if self.taken.len() < self.most => {
                self.taken.insert(port, listener);
                self.compared = None;
                true
            }
            Ok(_one_too_many) => true,
            Err(e) => e.kind() != ErrorKind::AddrInUse,
        }
    }

    /// Reserves what the last daemon of this home had. That one has let its lock go, but may not be gone
    /// altogether; who still has a reservation after a moment is another.
    pub async fn take_over(&mut self, ports: impl Iterator<Item = u16>) {
        let end = Instant::now() + PREDECESSOR;
        let mut missing: Vec<u16> = ports.collect();
        loop {
            missing.retain(|port| !self.take(*port));
            if missing.is_empty() || Instant::now() >= end {
                return;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Lets go of all but those that processes have. `change`: the number of the last change of the ports
    /// of processes, without which nothing is new.
    pub fn keep_only(&mut self, change: u64, has: impl Fn(u16) -> bool) {
        if self.compared != Some(change) {
            self.taken.retain(|port, _| has(*port));
            self.compared = Some(change);
        }
    }

    /// Hangs up on those who asked who we are: they know it as soon as they are connected, and each is in
    /// the queue until then.
    pub fn hang_up(&self) {
        for listener in self.taken.values() {
            (0..CALLERS).take_while(|_| listener.accept().is_ok()).for_each(drop);
        }
    }
}

/// Who has reserved that port, if that can be found out.
pub fn holder(port: u16) -> Option<Pid> {
    let address = UnixAddr::new_abstract(name(port).as_bytes()).ok()?;
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None).ok()?;
    connect(socket.as_raw_fd(), &address).ok()?;
    let pid = getsockopt(&socket, sockopt::PeerCredentials).ok()?.pid();
    // 0: it is in another namespace of processes.
    (pid > 0).then_some(Pid(pid))
}

fn name(port: u16) -> String {
    format!("pmdaemon/port/{port}")
}

fn bind(port: u16) -> std::io::Result<UnixListener> {
    let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(name(port))?)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A port that no other test has anything to do with: the kernel gives it to nobody else as long as
    /// the listener is there.
    fn port() -> (std::net::TcpListener, u16) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    fn me() -> Option<Pid> {
        Some(Pid(std::process::id() as i32))
    }

    #[test]
    fn only_one_has_a_port_until_it_lets_it_go() {
        let (_listener, port) = port();
        assert_eq!(holder(port), None);
        let (mut ours, mut theirs) = (Reservations::none(), Reservations::none());
        assert!(ours.take(port) && ours.take(port));
        assert!(!theirs.take(port));
        assert_eq!(holder(port), me());
        theirs.keep_only(0, |_| false);
        ours.keep_only(0, |has| has == port);
        assert!(!theirs.take(port));
        ours.keep_only(1, |_| false);
        assert!(theirs.take(port) && !ours.take(port));
        drop(theirs);
        assert!(ours.take(port));
    }

    #[test]
    fn nothing_is_looked_through_unless_something_is_new() {
        let (_listener, port) = port();
        let mut ours = Reservations::none();
        ours.take(port);
        ours.keep_only(7, |_| true);
        ours.keep_only(7, |_| unreachable!("nothing has changed"));
        let (_other_listener, other) = self::port();
        ours.take(other);
        ours.keep_only(7, |has| has == port);
        assert_eq!(ours.taken.keys().copied().collect::<Vec<_>>(), [port]);
    }

    #[test]
    fn the_ports_of_root_are_not_reserved_and_others_only_while_there_are_descriptors() {
        let (_listener, port) = port();
        let mut ours = Reservations::none();
        assert!(ours.take(80) && ours.taken.is_empty());
        ours.most = 0;
        assert!(ours.take(port) && ours.taken.is_empty());
        let mut theirs = Reservations::none();
        assert!(theirs.take(port) && !ours.take(port));
    }

    #[test]
    fn those_who_ask_are_let_go() {
        let (_listener, port) = port();
        let mut ours = Reservations::none();
        ours.take(port);
        // Until the queue is full: then nobody is kept waiting, and nothing is known.
        let asked = (0..100_000).take_while(|_| holder(port) == me()).count();
        assert!(asked < 100_000);
        for _ in 0..=asked / CALLERS {
            ours.hang_up();
        }
        assert_eq!(holder(port), me());
    }

    #[tokio::test]
    async fn what_the_last_daemon_had_is_waited_for_and_what_another_has_is_not_ours() {
        let ((_one, late), (_two, never)) = (port(), port());
        let (mut last, mut other, mut ours) =
            (Reservations::none(), Reservations::none(), Reservations::none());
        assert!(last.take(late) && other.take(never));
        let gone = async {
            tokio::task::yield_now().await;
            drop(last);
        };
        tokio::join!(ours.take_over([late, never].into_iter()), gone);
        assert_eq!(ours.taken.keys().copied().collect::<Vec<_>>(), [late]);
    }
}
