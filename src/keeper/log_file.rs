//! One open log: the place of its end, and what others may have done to it meanwhile.
//!
//! The keeper is the only writer and keeps the offset itself (`splice` refuses a file opened with
//! `O_APPEND`). Before each move it looks whether somebody truncated, removed or renamed the file:
//! a shorter file is continued at its new end, a file that is no longer at its path is made anew.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt, FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{SpliceFFlags, splice};

use super::index::Index;

/// So much is copied at once where bytes must be copied.
const PIECE: usize = 16 * 1024;

/// An open log with its index.
pub struct LogFile {
    path: PathBuf,
    file: File,
    /// Device and inode of `file`: kept, so that asking for the same file among hundreds costs nothing.
    identity: (u64, u64),
    /// Where the next byte goes; for `/dev/null` always 0.
    offset: u64,
    /// Absent for `/dev/null`, which has no times either.
    index: Option<Index>,
    /// The file system cannot take bytes without a copy.
    copies: bool,
    /// At most [`PIECE`] bytes that are copied and were not taken. Empty with splice.
    held: Vec<u8>,
    /// Why the last write failed, as long as it does: said once, not once a second.
    pub trouble: Option<Errno>,
}

impl LogFile {
    /// Opens a log at its end, or makes it (0600) together with its directory.
    pub fn open(path: &Path) -> io::Result<LogFile> {
        let file = open_or_create(path)?;
        let meta = file.metadata()?;
        let is_null = meta.file_type().is_char_device() && meta.rdev() == libc::makedev(1, 3);
        if !meta.is_file() && !is_null {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        let offset = if is_null { 0 } else { meta.len() };
        let index = if is_null { None } else { Some(Index::open(path, offset)?) };
        Ok(LogFile {
            path: path.to_owned(),
            file,
            identity: (meta.dev(), meta.ino()),
            offset,
            index,
            copies: false,
            held: Vec::new(),
            trouble: None,
        })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same file on disk, whatever the two are called.
    pub fn is_same(&self, other: &LogFile) -> bool {
        self.identity == other.identity
    }

    /// Moves at most `most` bytes out of a FIFO to the end of the log. 0: nobody has the FIFO open
    /// for writing any more, and it is empty.
    pub fn take(&mut self, fifo: BorrowedFd<'_>, most: usize) -> io::Result<usize> {
        if self.index.is_some() {
            self.follow()?;
        }
        let moved = self.transfer(fifo, most)?;
        if let Some(index) = self.index.as_ref().filter(|_| moved > 0) {
            // The log is what counts: without this record the chunk has the time of the one before.
            let _ = index.append(self.offset);
            self.offset += moved as u64;
        }
        Ok(moved)
    }

    /// Looks where the end of the log is now.
    fn follow(&mut self) -> io::Result<()> {
        let ours = self.file.metadata()?;
        let in_place = fs::symlink_metadata(&self.path)
            .is_ok_and(|at_path| (at_path.dev(), at_path.ino()) == self.identity);
        if !in_place {
            let fresh = LogFile::open(&self.path)?;
            *self = LogFile { trouble: self.trouble, held: std::mem::take(&mut self.held), ..fresh };
        } else if ours.len() != self.offset {
            self.offset = ours.len();
            if let Some(index) = &self.index {
                index.cut(self.offset)?;
            }
        }
        Ok(())
    }

    fn transfer(&mut self, fifo: BorrowedFd<'_>, most: usize) -> io::Result<usize> {
        if !self.copies {
            let mut offset = self.offset as i64;
            let flags = SpliceFFlags::SPLICE_F_NONBLOCK;
            match splice(fifo, None, self.file.as_fd(), Some(&mut offset), most, flags) {
                Err(Errno::EINVAL) => self.copies = true,
                result => return Ok(result?),
            }
        }
        self.copy(fifo, most)
    }

    /// For file systems without splice. What was read and could not be written is held, and is the
    /// first thing to be written the next time.
    fn copy(&mut self, fifo: BorrowedFd<'_>, most: usize) -> io::Result<usize> {
        let mut pipe = File::from(fifo.try_clone_to_owned()?);
        let mut moved = 0;
        while moved < most {
            match self.copy_piece(&mut pipe, moved as u64) {
                Ok(0) => break,
                Ok(count) => moved += count,
                // What was moved counts; the error will come again.
                Err(_) if moved > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(moved)
    }

    fn copy_piece(&mut self, pipe: &mut File, moved: u64) -> io::Result<usize> {
        if self.held.is_empty() {
            let mut buffer = [0; PIECE];
            let count = pipe.read(&mut buffer)?;
            self.held.extend_from_slice(&buffer[..count]);
        }
        let written = self.file.write_at(&self.held, self.offset + moved)?;
        self.held.drain(..written);
        Ok(written)
    }

    /// Bytes that were taken from a FIFO and are not in the log yet.
    pub fn held(&self) -> usize {
        self.held.len()
    }
}

fn open_or_create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    // Never through a link that somebody put there; never wait for the reader of a FIFO.
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = path.parent().unwrap_or(Path::new("/"));
            fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
            options.open(path)
        }
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn pipe_with(bytes: &[u8]) -> (std::io::PipeReader, std::io::PipeWriter) {
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(bytes).unwrap();
        (reader, writer)
    }

    #[test]
    fn a_log_is_continued_at_its_end_by_splice_and_by_copy() {
        for copies in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("new/a.log");
            let mut log = LogFile::open(&path).unwrap();
            log.copies = copies;
            let (reader, writer) = pipe_with(b"one\n");
            drop(writer);
            assert_eq!(log.take(reader.as_fd(), 1 << 20).unwrap(), 4);
            let mut log = LogFile::open(&path).unwrap();
            let (reader, writer) = pipe_with(b"two");
            drop(writer);
            assert_eq!(log.take(reader.as_fd(), 1 << 20).unwrap(), 3);
            assert_eq!(fs::read(&path).unwrap(), b"one\ntwo");
        }
    }

    #[test]
    fn a_copy_that_is_not_taken_is_held_and_written_first_the_next_time() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = LogFile::open(&dir.path().join("a.log")).unwrap();
        log.copies = true;
        let (reader, writer) = pipe_with(b"two");
        log.file = File::open("/dev/null").unwrap();
        let mut pipe = File::from(reader.as_fd().try_clone_to_owned().unwrap());
        assert!(log.copy_piece(&mut pipe, 0).is_err(), "it is not open for writing");
        assert_eq!(log.held(), 3);
        drop(writer);
        log.file = open_or_create(&log.path).unwrap();
        assert_eq!(log.take(reader.as_fd(), 1 << 20).unwrap(), 3);
        assert_eq!((log.held(), fs::read(&log.path).unwrap()), (0, b"two".to_vec()));
    }

    #[test]
    fn null_is_a_log_without_an_index() {
        let mut log = LogFile::open(Path::new("/dev/null")).unwrap();
        let (reader, _writer) = pipe_with(b"gone");
        assert_eq!(log.take(reader.as_fd(), 1 << 20).unwrap(), 4);
        assert!(!Path::new("/dev/null.idx").exists());
    }

    #[test]
    fn links_directories_and_fifos_are_not_logs() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path().join("target"), &link).unwrap();
        assert!(LogFile::open(&link).is_err());
        assert!(LogFile::open(dir.path()).is_err());
        let fifo = dir.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(LogFile::open(&fifo).is_err());
    }
}
