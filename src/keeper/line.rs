//! One message on the line: how a document gets into a packet and out of it again.
//!
//! Both sides use these two functions on a non-blocking `SOCK_SEQPACKET` descriptor; who waits
//! until it is ready, and how, is the caller's business (the keeper's epoll loop, the daemon's
//! `AsyncFd`). A short document is the packet. A document longer than [`INLINE_MAX`] lies in a
//! memfd that travels with an empty packet, so no message is too long for the socket's buffer. A
//! short one may have a descriptor with it, for the other side to keep.

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
    send_with(fd, message, None)
}

/// Sends one message with a descriptor, of which the other side gets a copy.
///
/// # Errors
/// As [`send`]; `InvalidInput` when such a message is longer than [`INLINE_MAX`].
pub fn send_with<T: Serialize>(
    fd: BorrowedFd<'_>,
    message: &T,
    attached: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let document = serde_json::to_vec(message)?;
    match attached {
        None if document.len() <= INLINE_MAX => return send_packet(fd, &document, &[]),
        None => {}
        Some(attached) if document.len() <= INLINE_MAX => {
            return send_packet(fd, &document, &[ControlMessage::ScmRights(&[attached.as_raw_fd()])]);
        }
        Some(_) => {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "too long to carry a descriptor"));
        }
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
    Ok(receive_with(fd)?.map(|(message, _)| message))
}

/// Receives one message and the descriptor that came with it, if one did.
///
/// # Errors
/// As [`receive`].
pub fn receive_with<T: DeserializeOwned>(fd: BorrowedFd<'_>) -> io::Result<Option<(T, Option<OwnedFd>)>> {
    let mut packet = vec![0; INLINE_MAX];
    let mut received = receive_packet(fd, &mut packet);
    // What the kernel says, once and before anything else, when the other side was closed with
    // messages of ours unread. Its own messages are still there to be received.
    if received.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset) {
        received = receive_packet(fd, &mut packet);
    }
    let (length, passed) = match received {
        Ok(received) => received,
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
        Err(error) => return Err(error),
    };
    match passed {
        Some(memory) if length == 0 => Ok(Some((serde_json::from_slice(&read_memory(memory)?)?, None))),
        None if length == 0 => Ok(None),
        attached => Ok(Some((serde_json::from_slice(&packet[..length])?, attached))),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::daemon_child::new_line;
    use std::os::fd::AsFd;

    #[test]
    fn messages_of_any_length_arrive_whole_and_in_order() {
        let (ours, theirs) = new_line().unwrap();
        for length in [0, 1, INLINE_MAX - 2, INLINE_MAX - 1, 1_000_000] {
            let message = "x".repeat(length);
            send(ours.as_fd(), &message).unwrap();
            assert_eq!(receive::<String>(theirs.as_fd()).unwrap(), Some(message));
        }
    }

    #[test]
    fn an_empty_line_would_block_and_a_full_one_too() {
        let (ours, theirs) = new_line().unwrap();
        let nothing = receive::<String>(theirs.as_fd()).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
        let message = "x".repeat(INLINE_MAX - 2);
        let mut sent = 0;
        let full = loop {
            match send(ours.as_fd(), &message) {
                Ok(()) => sent += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
        for _ in 0..sent {
            assert_eq!(receive::<String>(theirs.as_fd()).unwrap().as_ref(), Some(&message));
        }
    }

    #[test]
    fn the_end_of_the_other_side_is_none_when_read_and_an_error_when_written() {
        let (ours, theirs) = new_line().unwrap();
        send(theirs.as_fd(), &"unread").unwrap();
        drop(theirs);
        assert!(send(ours.as_fd(), &"late").is_err());
        assert_eq!(receive::<String>(ours.as_fd()).unwrap().as_deref(), Some("unread"));
        assert_eq!(receive::<String>(ours.as_fd()).unwrap(), None);
    }

    #[test]
    fn the_last_words_of_the_other_side_are_heard_also_when_it_left_ours_unread() {
        let (ours, theirs) = new_line().unwrap();
        send(ours.as_fd(), &"never read").unwrap();
        send(theirs.as_fd(), &"last words").unwrap();
        drop(theirs);
        assert_eq!(receive::<String>(ours.as_fd()).unwrap().as_deref(), Some("last words"));
        assert_eq!(receive::<String>(ours.as_fd()).unwrap(), None);
    }

    #[test]
    fn a_descriptor_travels_with_its_message_and_no_other() {
        let (ours, theirs) = new_line().unwrap();
        let file = tempfile::tempfile().unwrap();
        send_with(ours.as_fd(), &"file", Some(file.as_fd())).unwrap();
        send(ours.as_fd(), &"none").unwrap();
        let (message, passed) = receive_with::<String>(theirs.as_fd()).unwrap().unwrap();
        let inode = |file: &File| std::os::unix::fs::MetadataExt::ino(&file.metadata().unwrap());
        assert_eq!(message, "file");
        assert_eq!(inode(&File::from(passed.unwrap())), inode(&file));
        let (message, passed) = receive_with::<String>(theirs.as_fd()).unwrap().unwrap();
        assert_eq!((message.as_str(), passed.is_none()), ("none", true));
        let long = "x".repeat(INLINE_MAX);
        let refused = send_with(ours.as_fd(), &long, Some(file.as_fd())).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_message_that_is_not_understood_does_not_stop_the_next() {
        let (ours, theirs) = new_line().unwrap();
        send(ours.as_fd(), &7).unwrap();
        send(ours.as_fd(), &"good").unwrap();
        let bad = receive::<String>(theirs.as_fd()).unwrap_err();
        assert_eq!(bad.kind(), io::ErrorKind::InvalidData);
        assert_eq!(receive::<String>(theirs.as_fd()).unwrap().as_deref(), Some("good"));
    }
}
