//! Where the line ends that a FIFO is in the middle of: looked up without taking anything out.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::fcntl::{SpliceFFlags, tee};

/// So far a line end is looked for, in bytes. What a new pipe holds.
pub const SIGHT: usize = 64 * 1024;

/// The first newline that can be seen is the last of so many bytes.
pub fn ahead(fifo: BorrowedFd<'_>) -> io::Result<Option<usize>> {
    let (mut reader, writer) = io::pipe()?;
    let count = match tee(fifo, writer.as_fd(), SIGHT, SpliceFFlags::SPLICE_F_NONBLOCK) {
        Ok(0) | Err(Errno::EAGAIN | Errno::EINTR) => return Ok(None),
        result => result?,
    };
    let mut seen = vec![0; count];
    reader.read_exact(&mut seen)?;
    Ok(seen.iter().position(|byte| *byte == b'\n').map(|at| at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_end_of_the_line_is_seen_and_nothing_is_taken() {
        let (mut reader, mut writer) = io::pipe().unwrap();
        assert_eq!(ahead(reader.as_fd()).unwrap(), None);
        writer.write_all(b"one").unwrap();
        assert_eq!(ahead(reader.as_fd()).unwrap(), None);
        writer.write_all(b" line\ntwo\n").unwrap();
        assert_eq!(ahead(reader.as_fd()).unwrap(), Some(9));
        drop(writer);
        let mut all = String::new();
        reader.read_to_string(&mut all).unwrap();
        assert_eq!(all, "one line\ntwo\n");
        assert_eq!(ahead(reader.as_fd()).unwrap(), None);
    }
}
