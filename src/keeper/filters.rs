//! Which packets a listening socket takes: programs of the kernel's classic packet filter, which see each
//! packet from its TCP header on (socket(7), `SO_ATTACH_FILTER`). A socket has one at a time.

use std::os::fd::OwnedFd;

use nix::sys::socket::setsockopt;
use nix::{setsockopt_impl, sockopt_impl};

sockopt_impl!(
    /// Which packets a socket takes.
    AttachFilter,
    SetOnly,
    libc::SOL_SOCKET,
    libc::SO_ATTACH_FILTER,
    libc::sock_fprog
);
sockopt_impl!(
    /// It takes all again. The value says nothing.
    DetachFilter,
    SetOnly,
    libc::SOL_SOCKET,
    libc::SO_DETACH_FILTER,
    bool
);

/// The number of `lo` in every network namespace (`LOOPBACK_IFINDEX` of the kernel).
const LOOPBACK: u32 = 1;

/// Takes everything but the first packet of a connection: SYN, and no ACK. Who connects asks again after
/// a second.
pub fn take_nobody_new(socket: &OwnedFd) -> nix::Result<()> {
    attach(
        socket,
        &mut [
            // The flags of a TCP header.
            step(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, 0, 0, 13),
            step(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, 0, 0, 0x12),
            step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, 0x02),
            step(libc::BPF_RET | libc::BPF_K, 0, 0, 0),
            step(libc::BPF_RET | libc::BPF_K, 0, 0, u32::MAX),
        ],
    )
}

/// Takes only what this host sends to itself, by whichever of its addresses.
pub fn take_from_this_host(socket: &OwnedFd) -> nix::Result<()> {
    take_from(socket, LOOPBACK)
}

/// Only what comes in by the network interface of that number.
fn take_from(socket: &OwnedFd, interface: u32) -> nix::Result<()> {
    let number = (libc::SKF_AD_OFF + libc::SKF_AD_IFINDEX) as u32;
    attach(
        socket,
        &mut [
            step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, number),
            step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, interface),
            step(libc::BPF_RET | libc::BPF_K, 0, 0, u32::MAX),
            step(libc::BPF_RET | libc::BPF_K, 0, 0, 0),
        ],
    )
}

/// Takes all again.
pub fn take_all(socket: &OwnedFd) {
    // One that has no filter says so.
    let _ = setsockopt(socket, DetachFilter, &true);
}

fn attach(socket: &OwnedFd, steps: &mut [libc::sock_filter]) -> nix::Result<()> {
    let program = libc::sock_fprog { len: steps.len() as u16, filter: steps.as_mut_ptr() };
    setsockopt(socket, AttachFilter, &program)
}

const fn step(code: u32, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt, jf, k }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_socket_for_one_interface_is_reached_by_that_alone() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let socket = OwnedFd::from(listener);
        let soon = |wait| TcpStream::connect_timeout(&address, Duration::from_millis(wait));
        take_from_this_host(&socket).unwrap();
        soon(20_000).unwrap();
        // There is none of that number; the packet goes nowhere, and nobody is told.
        take_from(&socket, u32::MAX).unwrap();
        soon(200).unwrap_err();
        take_nobody_new(&socket).unwrap();
        soon(200).unwrap_err();
        take_all(&socket);
        soon(20_000).unwrap();
    }
}
