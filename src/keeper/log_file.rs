//! One open log: the place of its end, when a new segment begins, and what others may have done to
//! it meanwhile.
//!
//! The keeper is the only writer and keeps the offset itself (`splice` refuses a file opened with
//! `O_APPEND`), and as the only writer it is the one who closes segments: there is no moment in
//! which somebody else has to reopen something. Before each move it looks whether somebody
//! truncated, removed or renamed the file: then a segment of another number begins.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt, FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::fcntl::{SpliceFFlags, copy_file_range, splice};

use super::bulk::{Bulk, Identity, MUCH};
use super::index::Index;
use super::line_end::{SIGHT, ahead};
use super::protocol::Segments;
use super::{fifo, say, segments};

/// So much is moved at once, and so much room is made at once. With a whole pipe at once who writes to
/// it would find it full.
const SPLICED: usize = 256 * 1024;
/// So much is copied at once where bytes must be copied.
const PIECE: usize = 16 * 1024;

/// An open log with its index.
pub struct LogFile {
    path: PathBuf,
    file: File,
    /// Device and inode of `file`: kept, so that asking for the same file among hundreds costs nothing.
    identity: Identity,
    /// Where the next byte goes; for `/dev/null` always 0.
    offset: u64,
    /// Absent for `/dev/null`, which has no times either.
    index: Option<Index>,
    /// When a new segment begins.
    rules: Segments,
    /// The segment is full at this offset.
    full_at: u64,
    /// The file system cannot take bytes without a copy.
    copies: bool,
    /// At most [`PIECE`] bytes that are copied and were not taken. Empty with splice.
    held: Vec<u8>,
}

impl LogFile {
    /// Opens a log at its end, or makes it (0600) together with its directory.
    pub fn open(path: &Path, rules: Segments) -> io::Result<LogFile> {
        segments::complete_rotation(path)?;
        LogFile::open_after(path, rules, None)
    }

    /// With `after`, what is there is known to be no continuation of the segment of that number.
    fn open_after(path: &Path, rules: Segments, after: Option<u64>) -> io::Result<LogFile> {
        let file = open_or_create(path)?;
        let meta = file.metadata()?;
        let is_null = meta.file_type().is_char_device() && meta.rdev() == libc::makedev(1, 3);
        if !meta.is_file() && !is_null {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        if !is_null && meta.uid() != nix::unistd::geteuid().as_raw() && others_may_add(path) {
            let whose = format!("it belongs to user {}, in a directory of everybody", meta.uid());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, whose));
        }
        let index = if is_null { None } else { Some(index_of(path, meta.len(), after)?) };
        let mut log = LogFile {
            path: path.to_owned(),
            file,
            identity: (meta.dev(), meta.ino()),
            offset: if is_null { 0 } else { meta.len() },
            index,
            rules: Segments::default(),
            full_at: u64::MAX,
            copies: false,
            held: Vec::new(),
        };
        log.obey(rules);
        Ok(log)
    }

    /// From now on, segments are closed by these rules.
    pub fn obey(&mut self, rules: Segments) {
        self.full_at = rules.max_size.unwrap_or(u64::MAX);
        self.rules = rules;
    }

    /// The highest number that a closed segment can have.
    pub fn closed(&self) -> u64 {
        self.index.as_ref().map_or(0, |index| index.number() - 1)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same file on disk, whatever the two are called.
    pub fn is_same(&self, other: &LogFile) -> bool {
        self.identity == other.identity
    }

    /// Device and inode of its file.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Where the next byte goes.
    pub fn end(&self) -> u64 {
        self.offset
    }

    /// Reads bytes that are in the active segment.
    pub fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(bytes, offset)
    }

    /// Moves at most `most` bytes out of a FIFO to the end of the log; with `bulk` so that where it is
    /// much, its writer does not wait. 0: nobody has the FIFO open for writing any more, and it is
    /// empty.
    pub fn take(&mut self, fifo: BorrowedFd<'_>, most: usize, bulk: Option<&mut Bulk>) -> io::Result<usize> {
        if self.index.is_none() {
            return self.transfer(fifo, most, None);
        }
        self.follow()?;
        let most = self.room(fifo, most)?;
        let moved = self.transfer(fifo, most, bulk)?;
        self.note(moved);
        Ok(moved)
    }

    /// Appends the `length` bytes that `other` took last. An error says how many of them are not
    /// there, and will not be.
    pub fn copy_last(&mut self, other: &LogFile, length: usize) -> Result<(), (io::Error, usize)> {
        let mut from = other.offset.saturating_sub(length as u64);
        let copied = self.follow().and_then(|()| self.copy_from(other, &mut from));
        copied.map_err(|error| (error, (other.offset - from) as usize))
    }

    fn copy_from(&mut self, other: &LogFile, from: &mut u64) -> io::Result<()> {
        while *from < other.offset {
            let mut most = (other.offset - *from) as usize;
            if self.is_due() {
                if self.ends_a_line()? {
                    self.rotate()?;
                } else {
                    most = other.line_at(*from, most)?;
                }
            }
            let copied = self.copy_range(other, *from, most)?;
            if copied == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.note(copied);
            *from += copied as u64;
        }
        Ok(())
    }

    fn copy_range(&self, other: &LogFile, from: u64, most: usize) -> io::Result<usize> {
        let (mut source, mut target) = (from as i64, self.offset as i64);
        match copy_file_range(&other.file, Some(&mut source), &self.file, Some(&mut target), most) {
            // Not between these two file systems.
            Err(Errno::EXDEV | Errno::EINVAL | Errno::EOPNOTSUPP | Errno::ENOSYS) => {
                let mut buffer = [0; PIECE];
                let count = other.file.read_at(&mut buffer[..most.min(PIECE)], from)?;
                self.file.write_at(&buffer[..count], self.offset)
            }
            result => Ok(result?),
        }
    }

    /// How many of the `most` bytes from there on belong to the line that goes on there.
    fn line_at(&self, from: u64, most: usize) -> io::Result<usize> {
        let mut buffer = [0; PIECE];
        let count = self.file.read_at(&mut buffer[..most.min(PIECE)], from)?;
        Ok(buffer[..count].iter().position(|byte| *byte == b'\n').map_or(most, |at| at + 1))
    }

    /// Looks where the end of the log is now.
    pub fn follow(&mut self) -> io::Result<()> {
        let Some(index) = &self.index else { return Ok(()) };
        let ours = self.file.metadata()?;
        if !self.is_in_place() {
            let held = std::mem::take(&mut self.held);
            match LogFile::open_after(&self.path, self.rules, Some(index.number())) {
                Ok(fresh) => *self = LogFile { held, ..fresh },
                Err(error) => {
                    self.held = held;
                    return Err(error);
                }
            }
        } else if ours.len() < self.offset {
            // Truncated: other bytes will lie at the same offsets, so they get another number.
            self.index = Some(index_of(&self.path, ours.len(), Some(index.number()))?);
            self.offset = ours.len();
            self.obey(self.rules);
        } else {
            self.offset = ours.len();
        }
        Ok(())
    }

    /// Closes the active segment, if there is anything in it, and begins the next.
    pub fn rotate(&mut self) -> io::Result<()> {
        let Some(index) = &self.index else { return Ok(()) };
        if self.offset == 0 {
            return Ok(());
        }
        segments::rotate(&self.path, index.number())?;
        let held = std::mem::take(&mut self.held);
        *self = LogFile { held, copies: self.copies, ..LogFile::open_after(&self.path, self.rules, None)? };
        Ok(())
    }

    /// How many bytes may be moved now, `most` at most. Begins a new segment when it is time, if
    /// possible behind the end of a line.
    fn room(&mut self, fifo: BorrowedFd<'_>, most: usize) -> io::Result<usize> {
        if self.is_due() {
            let over = self.offset.saturating_sub(self.full_at);
            if over < SIGHT as u64 && self.held.is_empty() && !self.ends_a_line()? {
                // To the end of the line, but not for ever.
                return Ok(most.min(ahead(fifo)?.unwrap_or(SIGHT)));
            }
            if let Err(error) = self.rotate() {
                if !self.is_in_place() {
                    return Err(error);
                }
                // Nothing is lost by a segment that is longer than it should be.
                say::warning!("cannot begin a new segment of {}: {error}", self.path.display());
                self.full_at = self.offset.saturating_add(self.rules.max_size.unwrap_or(u64::MAX));
            }
        }
        let left = self.full_at.saturating_sub(self.offset).max(1);
        Ok(most.min(usize::try_from(left).unwrap_or(usize::MAX)))
    }

    /// The segment is full or old.
    fn is_due(&self) -> bool {
        let age = || {
            let (max, first) = (self.rules.max_age?, self.index.as_ref()?.first()?);
            Some(now().saturating_sub(first) >= max.saturating_mul(1_000_000))
        };
        self.is_full() || self.offset > 0 && age() == Some(true)
    }

    /// As many bytes are in the segment as it is to have, or more.
    pub fn is_full(&self) -> bool {
        self.offset >= self.full_at
    }

    fn is_in_place(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok_and(|at_path| (at_path.dev(), at_path.ino()) == self.identity)
    }

    fn ends_a_line(&self) -> io::Result<bool> {
        let mut last = [0];
        let Some(at) = self.offset.checked_sub(1) else { return Ok(true) };
        Ok(self.file.read_at(&mut last, at)? == 1 && last == *b"\n")
    }

    /// So many bytes have come to the end.
    fn note(&mut self, moved: usize) {
        if let Some(index) = self.index.as_mut().filter(|_| moved > 0) {
            // The log is what counts: without this record the chunk has the time of the one before.
            let _ = index.append(now(), self.offset);
            self.offset += moved as u64;
        }
    }

    fn transfer(
        &mut self,
        fifo: BorrowedFd<'_>,
        most: usize,
        mut bulk: Option<&mut Bulk>,
    ) -> io::Result<usize> {
        let mut moved = 0;
        while !self.copies && moved < most {
            let piece = SPLICED.min(most - moved);
            let is_much = bulk.is_some() && fifo::waiting(fifo) >= MUCH;
            // What has come meanwhile: the next time, when it is more.
            if bulk.is_some() && moved > 0 && !is_much {
                break;
            }
            let place = (self.identity, self.offset + moved as u64);
            let in_bulk = bulk.as_deref_mut().filter(|_| is_much && piece >= MUCH);
            let done = in_bulk.and_then(|bulk| bulk.shift(fifo, &self.file, place, piece));
            match done.unwrap_or_else(|| self.splice(fifo, place.1, piece)) {
                Ok(count) => {
                    moved += count;
                    if count < piece {
                        break;
                    }
                }
                // What was moved counts; the error will come again.
                Err(_) if moved > 0 => break,
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => self.copies = true,
                Err(error) => return Err(error),
            }
        }
        if self.copies { self.copy(fifo, most) } else { Ok(moved) }
    }

    fn splice(&self, fifo: BorrowedFd<'_>, offset: u64, most: usize) -> io::Result<usize> {
        let (mut offset, flags) = (offset as i64, SpliceFFlags::SPLICE_F_NONBLOCK);
        Ok(splice(fifo, None, self.file.as_fd(), Some(&mut offset), most, flags)?)
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

    /// Gives those bytes up.
    pub fn drop_held(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }
}

/// Whether anybody may put files into the directory of that file.
fn others_may_add(path: &Path) -> bool {
    path.parent().and_then(|dir| fs::metadata(dir).ok()).is_none_or(|dir| dir.mode() & 0o002 != 0)
}

/// The index of a log that is `length` bytes long: the one that is there, if the log continues it.
fn index_of(path: &Path, length: u64, after: Option<u64>) -> io::Result<Index> {
    let there = Index::open(path)?;
    let known = there.as_ref().map(Index::number).max(after);
    if let (Some(index), None) = (there, after) {
        // A chunk has one byte at least.
        if index.last_offset()?.is_none_or(|last| last < length) {
            return Ok(index);
        }
    }
    Index::create(path, known.unwrap_or(0).max(segments::highest(path)?) + 1)
}

fn open_or_create(path: &Path) -> io::Result<File> {
    let mut options = segments::options();
    options.create(true).truncate(false);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = path.parent().unwrap_or(Path::new("/"));
            fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
            options.open(path)
        }
        result => result,
    }
}

/// Microseconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64
}

#[cfg(test)]
#[path = "log_file_tests.rs"]
mod tests;
