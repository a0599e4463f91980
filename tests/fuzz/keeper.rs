//! What keeper and daemon say to each other, and what the keeper keeps with a run.

use std::fmt::Debug;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, send, socketpair};
use pmdaemon::keeper::line;
use pmdaemon::keeper::protocol::{INLINE_MAX, Order, Report};
use pmdaemon::store::Keepsake;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub fn check(data: &[u8]) {
    same::<Order>(data);
    same::<Report>(data);
    if !data.is_empty() && data.len() <= INLINE_MAX {
        packet(data);
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(keepsake) = Keepsake::parse(text)
    {
        let written = keepsake.to_text();
        assert_eq!(Keepsake::parse(&written).expect("we wrote it").to_text(), written);
    }
}

/// What is understood is said again the same.
fn same<T: Serialize + DeserializeOwned + Debug>(data: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(data) else { return };
    let written = serde_json::to_string(&read).expect("it can be said");
    let again: T = serde_json::from_str(&written).expect("it is understood");
    assert_eq!(serde_json::to_string(&again).expect("it can be said"), written);
}

/// Any packet is a message or an error, and the next one is understood.
fn packet(data: &[u8]) {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let (ours, theirs) =
        socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags).expect("two sockets");
    send(theirs.as_raw_fd(), data, MsgFlags::MSG_DONTWAIT).expect("it fits");
    line::send(theirs.as_fd(), &Order::Ready).expect("it fits");
    let first = line::receive::<Order>(ours.as_fd());
    assert_eq!(first.is_ok(), serde_json::from_slice::<Order>(data).is_ok());
    let second = line::receive::<Order>(ours.as_fd());
    assert!(matches!(second, Ok(Some(Order::Ready))), "{second:?}");
}
