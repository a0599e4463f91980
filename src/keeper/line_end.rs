//! Where the line ends that a FIFO is in the middle of: looked up without taking anything out.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::fcntl::{SpliceFFlags, tee};

/// So far a line end is looked for. What a new pipe holds.
const SIGHT: usize = 64 * 1024;

/// What lies ahead in a FIFO.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ahead {
    /// Nothing at all.
    Nothing,
    /// The first newline is the last of so many bytes.
    Newline(usize),
    /// No newline as far as one can see.
    NoNewline,
}

/// Looks ahead.
pub fn ahead(fifo: BorrowedFd<'_>) -> io::Result<Ahead> {
    let (mut reader, writer) = io::pipe()?;
    let count = match tee(fifo, writer.as_fd(), SIGHT, SpliceFFlags::SPLICE_F_NONBLOCK) {
        Ok(0) | Err(Errno::EAGAIN | Errno::EINTR) => return Ok(Ahead::Nothing),
        result => result?,
    };
    let mut seen = vec![0; count];
    reader.read_exact(&mut seen)?;
    Ok(match seen.iter().position(|byte| *byte == b'\n') {
        Some(at) => Ahead::Newline(at + 1),
        None => Ahead::NoNewline,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_end_of_the_line_is_seen_and_nothing_is_taken() {
        let (mut reader, mut writer) = io::pipe().unwrap();
        assert_eq!(ahead(reader.as_fd()).unwrap(), Ahead::Nothing);
        writer.write_all(b"one").unwrap();
        assert_eq!(ahead(reader.as_fd()).unwrap(), Ahead::NoNewline);
        writer.write_all(b" line\ntwo\n").unwrap();
        assert_eq!(ahead(reader.as_fd()).unwrap(), Ahead::Newline(9));
        drop(writer);
        let mut all = String::new();
        reader.read_to_string(&mut all).unwrap();
        assert_eq!(all, "one line\ntwo\n");
        assert_eq!(ahead(reader.as_fd()).unwrap(), Ahead::Nothing);
    }
}
