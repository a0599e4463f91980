//! Taking over the descriptor that whoever started us handed over.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::socket::{SockType, getsockopt, sockopt};

use super::protocol::LINE_FD;

/// The first descriptor of those that the keeper gives a run, by the protocol of systemd.
const FIRST_SOCKET: i32 = 3;

/// The listening socket that the keeper gave this run. To be called once, before anything else is
/// opened.
///
/// # Errors
/// When it gave none.
pub fn listener() -> io::Result<std::net::TcpListener> {
    let ours = std::env::var("LISTEN_PID").is_ok_and(|pid| pid == std::process::id().to_string());
    if !ours || !std::path::Path::new(&format!("/proc/self/fd/{FIRST_SOCKET}")).exists() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "no listening socket was handed over"));
    }
    // SAFETY: the descriptor is open, as was just seen, and nobody in this process owns it: it was
    // inherited, as the variable says to this very process, and this is called once.
    let socket = unsafe { OwnedFd::from_raw_fd(FIRST_SOCKET) };
    fcntl(&socket, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    Ok(socket.into())
}

/// The end of the line that is open at [`LINE_FD`], made non-blocking and close-on-exec. To be
/// called once, before anything else is opened.
///
/// # Errors
/// When nothing is open there, or something that is no such line.
pub fn line() -> io::Result<OwnedFd> {
    if !std::path::Path::new(&format!("/proc/self/fd/{LINE_FD}")).exists() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "no line was handed over"));
    }
    // SAFETY: the descriptor is open, as was just seen, and nobody in this process owns it: it was
    // inherited, and this is called once.
    let line = unsafe { OwnedFd::from_raw_fd(LINE_FD) };
    // A file or pipe has no type of socket at all.
    if getsockopt(&line, sockopt::SockType) != Ok(SockType::SeqPacket) {
        // Somebody else's descriptor: leave it open.
        std::mem::forget(line);
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the line is not a packet socket"));
    }
    fcntl(&line, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    let flags = OFlag::from_bits_truncate(fcntl(&line, FcntlArg::F_GETFL)?);
    fcntl(&line, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    debug_assert_eq!(line.as_raw_fd(), LINE_FD);
    Ok(line)
}
