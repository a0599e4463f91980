//! Where the line ends that a FIFO is in the middle of: looked up without taking anything out.

use std::io;
use std::os::fd::BorrowedFd;

use super::fifo;

/// So far a line end is looked for, in bytes. What a new pipe holds.
pub const SIGHT: usize = 64 * 1024;

/// The first newline that can be seen is the last of so many bytes.
pub fn ahead(fifo: BorrowedFd<'_>) -> io::Result<Option<usize>> {
    let seen = fifo::peek(fifo, SIGHT)?;
    Ok(seen.iter().position(|byte| *byte == b'\n').map(|at| at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::fd::AsFd;

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
