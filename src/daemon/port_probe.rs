//! Tries ports, as a server would: can one listen there?
//!
//! A socket of its own is bound to all addresses of both families, with `SO_REUSEADDR` as servers
//! do, so that connections of an earlier run that linger are in nobody's way, and is closed at
//! once. It never listens, so no client can get lost in it. Anybody who listens on any address of
//! the port is in the way: which address the app will use is not known. So is, for
//! who chooses from a range, another pmdaemon that has given the port to a process which does not listen
//! yet ([`super::reservations`]). Who names a port gets it, unless somebody listens there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrIn6, SockaddrLike, bind, setsockopt, socket,
    sockopt,
};

use super::listening;
use super::reservations::{self, Reservations};
use crate::model::{Pid, PortOwner};
use crate::supervisor::PortQuestion;

/// Tries what the questions ask for, and says which ports are busy, and by whom. Of each question
/// as many ports are tried as can matter: until so many are free as there are questions. On a port
/// of which `is_held` the keeper has the socket, so nobody else listens there and it is not tried.
/// What is tried is reserved before, so what is found to be free of a range stays so for us. `ours` gives the main
/// processes of our runs; it is asked only when something is busy.
pub fn look(
    questions: &[PortQuestion],
    reserved: &mut Reservations,
    is_held: impl Fn(u16) -> bool,
    ours: impl FnOnce() -> Vec<(Pid, PortOwner)>,
) -> BTreeMap<u16, PortOwner> {
    let busy = try_ports(
        questions,
        |port| is_held(port) || reserved.take(port),
        |port| !is_held(port) && is_busy(port),
    );
    if busy.is_empty() {
        return BTreeMap::new();
    }
    let owners = listening::owners(&busy, &ours());
    let listens = |port| owners.get(&port).filter(|owner| **owner != PortOwner::Unknown).cloned();
    let has_it = |port| reservations::holder(port).filter(|pid| pid.0 as u32 != std::process::id());
    let owner = |port| listens(port).or_else(|| has_it(port).map(listening::foreign));
    let owner = |port| owner(port).unwrap_or(PortOwner::Unknown);
    busy.into_iter().map(|port| (port, owner(port))).collect()
}

fn try_ports(
    questions: &[PortQuestion],
    mut take: impl FnMut(u16) -> bool,
    is_busy: impl Fn(u16) -> bool,
) -> BTreeSet<u16> {
    let mut tried: BTreeMap<u16, bool> = BTreeMap::new();
    // Who names a port is not refused because somebody else may want to listen there.
    let named: BTreeSet<u16> = questions.iter().filter_map(|question| question.first).collect();
    let mut is_busy = |port: &u16| (!take(*port) && !named.contains(port)) || is_busy(*port);
    let mut is_free = |port: u16| !*tried.entry(port).or_insert_with_key(&mut is_busy);
    for question in questions {
        if question.first.is_some_and(&mut is_free) {
            continue;
        }
        let free = question.others.iter().filter(|port| is_free(**port));
        free.take(questions.len()).for_each(drop);
    }
    tried.into_iter().filter(|(_, busy)| *busy).map(|(port, _)| port).collect()
}

/// Is there somebody on that port? Whatever else keeps us from it (a privileged port, no file
/// descriptors) says nothing about that.
fn is_busy(port: u16) -> bool {
    let v6 = SockaddrIn6::from(SocketAddrV6::new(std::net::Ipv6Addr::UNSPECIFIED, port, 0, 0));
    match try_bind(AddressFamily::Inet6, &v6) {
        Ok(()) => return false,
        Err(Errno::EADDRINUSE) => return true,
        Err(_) => {}
    }
    let v4 = SockaddrIn::from(SocketAddrV4::new(std::net::Ipv4Addr::UNSPECIFIED, port));
    try_bind(AddressFamily::Inet, &v4) == Err(Errno::EADDRINUSE)
}

fn try_bind(family: AddressFamily, address: &dyn SockaddrLike) -> Result<(), Errno> {
    let socket = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&socket, sockopt::ReuseAddr, &true)?;
    if family == AddressFamily::Inet6 {
        // So that it stands for both families, whatever the host's default is.
        setsockopt(&socket, sockopt::Ipv6V6Only, &false)?;
    }
    bind(socket.as_raw_fd(), address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_busy_while_anybody_listens_on_any_address_of_it() {
        for address in ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0"] {
            let Ok(listener) = std::net::TcpListener::bind(address) else { continue };
            let port = listener.local_addr().unwrap().port();
            assert!(is_busy(port), "{address}");
            let question = PortQuestion { first: Some(port), others: Vec::new() };
            let questions = [question];
            let mut reserved = Reservations::none();
            assert!(look(&questions, &mut reserved, |_| false, Vec::new).contains_key(&port));
            assert!(look(&questions, &mut reserved, |held| held == port, Vec::new).is_empty());
            drop(listener);
            assert!(!is_busy(port), "{address}");
        }
    }

    #[test]
    fn a_port_that_was_found_to_be_free_is_busy_for_others_until_it_is_let_go() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let questions = [PortQuestion { first: None, others: vec![port] }];
        let (mut ours, mut theirs) = (Reservations::none(), Reservations::none());
        for _ in 0..2 {
            assert_eq!(look(&questions, &mut ours, |_| false, Vec::new), BTreeMap::new());
        }
        // Two of one process: nobody is said to have it, least of all we.
        let busy = look(&questions, &mut theirs, |_| false, Vec::new);
        assert_eq!(busy, BTreeMap::from([(port, PortOwner::Unknown)]));
        assert_eq!(look(&questions, &mut theirs, |_| true, Vec::new), BTreeMap::new());
        let named = [PortQuestion { first: Some(port), others: Vec::new() }];
        assert_eq!(look(&named, &mut theirs, |_| false, Vec::new), BTreeMap::new(), "nobody listens there");
        let both = [questions[0].clone(), named[0].clone()];
        assert_eq!(look(&both, &mut theirs, |_| false, Vec::new), BTreeMap::new(), "whoever asks first");
        ours.keep_only(0, |_| false);
        assert_eq!(look(&questions, &mut theirs, |_| false, Vec::new), BTreeMap::new());
    }

    #[test]
    fn connections_that_linger_do_not_keep_a_port() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        // Who closes first has the connection in TIME_WAIT.
        let (server, _) = listener.accept().unwrap();
        drop(server);
        drop(client);
        drop(listener);
        assert!(!is_busy(port));
    }

    #[test]
    fn no_more_ports_are_tried_than_can_matter() {
        let tried = std::cell::RefCell::new(Vec::new());
        let is_busy = |port| {
            tried.borrow_mut().push(port);
            port % 2 == 0
        };
        let question = |first| PortQuestion { first, others: (10..1000).collect() };
        let try_ports = |questions: &[PortQuestion]| super::try_ports(questions, |_| true, is_busy);
        assert_eq!(try_ports(&[question(Some(5))]), BTreeSet::new());
        assert_eq!(tried.take(), [5]);
        let busy = try_ports(&[question(None), question(Some(4))]);
        assert_eq!(busy, BTreeSet::from([4, 10, 12]));
        assert_eq!(tried.take(), [10, 11, 12, 13, 4]);
    }
}
