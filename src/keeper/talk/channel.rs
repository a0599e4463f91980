//! The IPC channel of a run: Node's own, JSON values, one per line, on a socket that the program
//! finds by `NODE_CHANNEL_FD`.
//!
//! The run also holds a spare of our end. So it is never disconnected when a keeper dies, and the
//! next keeper takes the spare back, with everything in it that nobody has read.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use super::{Word, out_of_the_way};
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
    pub(super) fn read(&mut self, words: &mut Vec<Word>) -> bool {
        let mut chunk = [0; 16 * 1024];
        let mut total = 0;
        while total < AT_ONCE {
            match self.socket.read(&mut chunk) {
                Ok(0) => return false,
                Ok(count) => {
                    total += count;
                    self.split(&chunk[..count], words);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
        }
        true
    }

    fn split(&mut self, mut bytes: &[u8], words: &mut Vec<Word>) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            bytes = rest;
            if self.begun.len() + line.len() > LONGEST_LINE {
                self.skips = true;
            }
            if std::mem::take(&mut self.skips) {
                words.push(Word::Bad);
                self.begun = Vec::new();
                continue;
            }
            self.begun.extend_from_slice(line);
            // An idle channel needs no memory.
            words.extend(word(std::mem::take(&mut self.begun)));
        }
        if self.skips || self.begun.len() + bytes.len() > LONGEST_LINE {
            self.skips = true;
            self.begun = Vec::new();
        } else {
            self.begun.extend_from_slice(bytes);
        }
    }
}

/// What a line means; nothing, if it is empty or Node's own business.
fn word(line: Vec<u8>) -> Option<Word> {
    let Ok(text) = String::from_utf8(line) else { return Some(Word::Bad) };
    match text.trim() {
        "" => None,
        "\"ready\"" => Some(Word::Sign(Sign::Message)),
        internal if internal.starts_with("{\"cmd\":\"NODE_") => None,
        message => Some(Word::Message(message.to_owned())),
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

    fn read(parts: &[&[u8]]) -> Vec<Word> {
        let (mut channel, ends) = Channel::make().unwrap();
        let mut theirs = UnixStream::from(ends.theirs);
        let mut words = Vec::new();
        for part in parts {
            theirs.write_all(part).unwrap();
            assert!(channel.read(&mut words));
        }
        drop(theirs);
        assert!(!channel.read(&mut words));
        words
    }

    #[test]
    fn lines_come_whole_however_they_were_written() {
        let words = read(&[b"{\"a\":", b"1}\n\"rea", b"dy\"\n\n{\"cmd\":\"NODE_HANDLE\"}\n[2]\n\"half"]);
        let message = |text: &str| Word::Message(text.to_owned());
        assert_eq!(words, [message("{\"a\":1}"), Word::Sign(Sign::Message), message("[2]")]);
    }

    #[test]
    fn a_line_that_is_too_long_or_no_text_is_bad_and_the_next_one_is_heard() {
        let long = [&vec![b'x'; 40 * 1024][..], b""].concat();
        let words = read(&[&long, &long, b"\n\"ready\"\n\xff\n[1]\n"]);
        assert_eq!(words, [Word::Bad, Word::Sign(Sign::Message), Word::Bad, Word::Message("[1]".into())]);
    }

    #[test]
    fn what_nobody_reads_is_not_waited_for() {
        let (channel, _ends) = Channel::make().unwrap();
        let sent = (0..1_000_000).take_while(|_| channel.send("\"shutdown\"")).count();
        assert!(sent > 0 && sent < 1_000_000);
    }
}
