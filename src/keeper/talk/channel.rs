//! The IPC channel of a run: Node's own, JSON values, one per line, on a socket that the program
//! finds by `NODE_CHANNEL_FD`.
//!
//! The run also holds a spare of our end. So it is never disconnected when a keeper dies, and the
//! next keeper takes the spare back, with everything in it that nobody has read.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use super::{Heard, out_of_the_way};
use crate::keeper::process::Pidfd;
use crate::keeper::protocol::Sign;

/// The descriptor on which a program finds its channel. Not the first ones: those are for sockets
/// that are handed over (`LISTEN_FDS` counts from 3). One digit, so that a shell can write to it.
pub const CHANNEL_FD: i32 = 8;
/// The descriptor on which a run holds the spare of our end.
const SPARE_FD: i32 = 9;

/// No line is longer, in bytes.
const LONGEST_LINE: usize = 64 * 1024;
/// So much is read before others have their turn.
const AT_ONCE: usize = 256 * 1024;

/// Our end.
pub struct Channel {
    socket: UnixStream,
    /// The beginning of a line.
    begun: Vec<u8>,
    /// In the middle of a line that is too long.
    skips: bool,
}

/// What the run gets.
pub struct Ends {
    /// Its own end.
    pub theirs: OwnedFd,
    /// A spare of ours.
    pub spare: OwnedFd,
}

impl Channel {
    /// A new channel, and what the run gets of it.
    pub fn make() -> io::Result<(Channel, Ends)> {
        let (ours, theirs) = UnixStream::pair()?;
        let ends = Ends { theirs: out_of_the_way(theirs.as_fd())?, spare: out_of_the_way(ours.as_fd())? };
        Ok((Channel::over(ours)?, ends))
    }

    fn over(socket: UnixStream) -> io::Result<Channel> {
        socket.set_nonblocking(true)?;
        Ok(Channel { socket, begun: Vec::new(), skips: false })
    }

    /// Takes the spare of an earlier keeper's end out of a main process (Linux 5.6 and later).
    ///
    /// # Errors
    /// `PermissionDenied` when we may not trace it, `NotFound` when it has closed it or put something
    /// else in its place.
    pub fn take_back(main: &Pidfd, inode: u64) -> io::Result<Channel> {
        let taken = main.descriptor(SPARE_FD)?;
        if inode_of(taken.as_fd())? != inode {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the program has closed it"));
        }
        Channel::over(UnixStream::from(taken))
    }

    /// By what the next keeper knows our end.
    pub fn inode(&self) -> io::Result<u64> {
        inode_of(self.as_fd())
    }

    /// Sends one JSON value, whole or not at all. Returns whether it did.
    pub fn send(&self, json: &str) -> bool {
        let line = format!("{json}\n");
        // A socket takes so few bytes at once or none of them.
        (&self.socket).write(line.as_bytes()).is_ok_and(|written| written == line.len())
    }

    /// Takes what is there. Returns whether more can come.
    pub(super) fn read(&mut self, heard: &mut Heard) -> bool {
        let mut chunk = [0; 16 * 1024];
        let mut total = 0;
        while total < AT_ONCE {
            match self.socket.read(&mut chunk) {
                Ok(0) => return false,
                Ok(count) => {
                    total += count;
                    self.split(&chunk[..count], heard);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
        }
        true
    }

    fn split(&mut self, mut bytes: &[u8], heard: &mut Heard) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            bytes = rest;
            if self.begun.len() + line.len() > LONGEST_LINE {
                self.skips = true;
            }
            if std::mem::take(&mut self.skips) {
                heard.dropped += 1;
                self.begun = Vec::new();
                continue;
            }
            self.begun.extend_from_slice(line);
            // An idle channel needs no memory.
            understand(&std::mem::take(&mut self.begun), heard);
        }
        if self.skips || self.begun.len() + bytes.len() > LONGEST_LINE {
            self.skips = true;
            self.begun = Vec::new();
        } else {
            self.begun.extend_from_slice(bytes);
        }
    }
}

/// What a line means. Empty ones, and what is Node's own business, mean nothing.
fn understand(line: &[u8], heard: &mut Heard) {
    match std::str::from_utf8(line).map(str::trim) {
        Ok("") => {}
        Ok("\"ready\"") => heard.sign(Sign::Message),
        Ok(internal) if internal.starts_with("{\"cmd\":\"NODE_") => {}
        Ok(message) => heard.message(message),
        Err(_) => heard.dropped += 1,
    }
}

fn inode_of(fd: BorrowedFd<'_>) -> io::Result<u64> {
    Ok(nix::sys::stat::fstat(fd)?.st_ino)
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl From<Channel> for OwnedFd {
    fn from(channel: Channel) -> OwnedFd {
        channel.socket.into()
    }
}

impl Ends {
    /// The numbers of both, for the child.
    pub fn numbers(&self) -> [(i32, i32); 2] {
        [(self.theirs.as_raw_fd(), CHANNEL_FD), (self.spare.as_raw_fd(), SPARE_FD)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parts: &[&[u8]]) -> Heard {
        let (mut channel, ends) = Channel::make().unwrap();
        let mut theirs = UnixStream::from(ends.theirs);
        let mut heard = Heard::default();
        for part in parts {
            theirs.write_all(part).unwrap();
            assert!(channel.read(&mut heard));
        }
        drop(theirs);
        assert!(!channel.read(&mut heard));
        heard
    }

    #[test]
    fn lines_come_whole_however_they_were_written() {
        let heard = read(&[b"{\"a\":", b"1}\n\"rea", b"dy\"\n\n{\"cmd\":\"NODE_HANDLE\"}\n[2]\n\"half"]);
        assert_eq!(
            (heard.messages, heard.signs),
            (vec!["{\"a\":1}".into(), "[2]".into()], vec![Sign::Message])
        );
        assert_eq!(heard.dropped, 0);
    }

    #[test]
    fn a_line_that_is_too_long_or_no_text_is_dropped_and_the_next_one_is_heard() {
        let long = vec![b'x'; 40 * 1024];
        let heard = read(&[&long, &long, b"\n\"ready\"\n\xff\n[1]\n"]);
        assert_eq!((heard.messages, heard.signs), (vec!["[1]".to_owned()], vec![Sign::Message]));
        assert_eq!(heard.dropped, 2);
    }

    #[test]
    fn of_a_flood_as_much_is_kept_as_can_be_passed_on() {
        let heard = read(&[&b"1\n\"ready\"\n".repeat(5_000)]);
        assert_eq!((heard.messages.len(), heard.signs.len(), heard.dropped), (100, 1, 4_900));
    }

    #[test]
    fn what_nobody_reads_is_not_waited_for() {
        let (channel, _ends) = Channel::make().unwrap();
        let sent = (0..1_000_000).take_while(|_| channel.send("\"shutdown\"")).count();
        assert!(sent > 0 && sent < 1_000_000);
    }
}
