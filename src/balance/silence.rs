//! Clients that have connected and said nothing yet.
//!
//! Whoever speaks HTTP speaks first. The kernel keeps the connection back until that comes, so that
//! a thread wakes once for it and finds something to do; who says nothing for a second is handed over
//! all the same, and counted and closed like any other. In TCP mode the process may have the first
//! word, so there nothing is kept back.

use std::os::fd::AsFd;

use nix::sys::socket::setsockopt;
use nix::{setsockopt_impl, sockopt_impl};

use super::table::Mode;

sockopt_impl!(
    /// Seconds for which a connection without a word is kept back; none for 0.
    DeferAccept,
    SetOnly,
    libc::IPPROTO_TCP,
    libc::TCP_DEFER_ACCEPT,
    usize
);

/// Keeps back those who say nothing, or does not. That stays with the socket, which others hold, too.
pub fn keep_back(listener: &impl AsFd, mode: Mode) {
    let seconds = match mode {
        Mode::Http => 1,
        Mode::Tcp => 0,
    };
    if let Err(error) = setsockopt(listener, DeferAccept, &seconds) {
        tracing::warn!("silent connections are not kept back: {error}");
    }
}

/// Nobody is kept back any more: whoever gets the socket next may speak first.
pub fn let_go(listener: &impl AsFd) {
    keep_back(listener, Mode::Tcp);
}
