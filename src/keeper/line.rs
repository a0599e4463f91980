//! One message on the line: how a document gets into a packet and out of it again.
//!
//! Both sides use these two functions on a non-blocking `SOCK_SEQPACKET` descriptor; who waits
//! until it is ready, and how, is the caller's business (the keeper's epoll loop, the daemon's
//! `AsyncFd`). A short document is the packet. A document longer than [`INLINE_MAX`] lies in a
//! memfd that travels with an empty packet, so no message is too long for the socket's buffer.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Write};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::FileExt;

use nix::cmsg_space;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::protocol::INLINE_MAX;

/// No document is longer, in bytes. A length above it is nonsense, not a message.
const DOCUMENT_MAX: u64 = 256 * 1024 * 1024;

/// Sends one message, whole or not at all.
///
/// # Errors
/// `WouldBlock` when the line is full: send the same message again when it is writable.
/// `BrokenPipe` or `ConnectionReset` when the other side is gone.
pub fn send<T: Serialize>(fd: BorrowedFd<'_>, message: &T) -> io::Result<()> {
    let document = serde_json::to_vec(message)?;
    if document.len() <= INLINE_MAX {
        return send_packet(fd, &document, &[]);
    }
    let mut memory = File::from(memfd_create(c"pmdaemon-line", MFdFlags::MFD_CLOEXEC)?);
    memory.write_all(&document)?;
    send_packet(fd, &[], &[ControlMessage::ScmRights(&[memory.as_raw_fd()])])
}

fn send_packet(fd: BorrowedFd<'_>, bytes: &[u8], passed: &[ControlMessage<'_>]) -> io::Result<()> {
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    sendmsg::<()>(fd.as_raw_fd(), &[IoSlice::new(bytes)], passed, flags, None)?;
    Ok(())
}

/// Receives one message; `None` when the other side is gone.
///
/// # Errors
/// `WouldBlock` when there is none. `InvalidData` when it is not a `T`; that message is consumed,
/// the next can be received.
pub fn receive<T: DeserializeOwned>(fd: BorrowedFd<'_>) -> io::Result<Option<T>> {
    let mut packet = vec![0; INLINE_MAX];
    let (length, passed) = match receive_packet(fd, &mut packet) {
        Ok(received) => received,
        // What the kernel says when the other side was closed with messages of ours unread.
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
        Err(error) => return Err(error),
    };
    match passed {
        Some(memory) => Ok(Some(serde_json::from_slice(&read_memory(memory)?)?)),
        None if length == 0 => Ok(None),
        None => Ok(Some(serde_json::from_slice(&packet[..length])?)),
    }
}

fn receive_packet(fd: BorrowedFd<'_>, packet: &mut [u8]) -> io::Result<(usize, Option<OwnedFd>)> {
    let mut control = cmsg_space!([i32; 1]);
    let mut buffers = [IoSliceMut::new(packet)];
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
    let received = recvmsg::<()>(fd.as_raw_fd(), &mut buffers, Some(&mut control), flags)?;
    let mut passed = None;
    for message in received.cmsgs()? {
        if let ControlMessageOwned::ScmRights(descriptors) = message {
            for descriptor in descriptors {
                // SAFETY: the kernel has just made this descriptor for us; nobody else knows it.
                passed = Some(unsafe { OwnedFd::from_raw_fd(descriptor) });
            }
        }
    }
    if received.flags.contains(MsgFlags::MSG_TRUNC) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a packet longer than the protocol allows"));
    }
    Ok((received.bytes, passed))
}

fn read_memory(memory: OwnedFd) -> io::Result<Vec<u8>> {
    let memory = File::from(memory);
    let length = memory.metadata()?.len();
    if length > DOCUMENT_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a document longer than 256 MiB"));
    }
    let mut document = vec![0; length as usize];
    memory.read_exact_at(&mut document, 0)?;
    Ok(document)
}
