//! What programs write, on its way to the logs.
//!
//! Each output of a run is a named FIFO. The run's end is open for reading too, so the run never
//! sees a broken pipe, whatever becomes of the keeper; the bytes stay in the pipe until a keeper
//! moves them. They are moved by `splice`: the kernel takes from the pipe exactly what the file
//! took, so a keeper that dies in between loses and doubles nothing.
//!
//! Waking for every write is what costs. So a FIFO that becomes readable is only noted, and all
//! noted ones are moved together [`COALESCE`] later, at most [`CHUNK`] of each, so that nobody
//! starves. A FIFO that delivered more than [`BUSY`] at once is moved again without a pause.
//!
//! A file that takes nothing (disk full) leaves the bytes in the FIFO, which in the end makes the
//! program wait; it is tried again every [`RETRY`].

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;

use super::log_file::LogFile;
use super::poll::Which;
use super::say;

/// The pause in which writes are collected.
pub const COALESCE: Duration = Duration::from_millis(5);
/// The pause after a file took nothing.
pub const RETRY: Duration = Duration::from_secs(1);
/// At most this many bytes of one FIFO in one round.
pub const CHUNK: usize = 1 << 20;
/// More than this many bytes at once, and there is no pause.
pub const BUSY: usize = 256 * 1024;

/// One output of one run.
pub struct Stream {
    fifo: OwnedFd,
    file: FileKey,
    /// The last move was more than [`BUSY`] bytes.
    pub busy: bool,
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fifo.as_fd()
    }
}

/// An open log among all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct FileKey(usize);

/// What a move brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moved {
    /// Bytes; there may be more.
    Some(usize),
    /// Nothing there now.
    Empty,
    /// Nothing there, and nobody left to write any.
    Over,
    /// The file takes nothing.
    Refused,
}

/// Every open log, and the streams that wait for their turn.
#[derive(Default)]
pub struct Capture {
    files: Vec<Option<(LogFile, usize)>>,
    /// Readable, waiting for the next round.
    pub pending: Vec<(u64, Which)>,
    /// Their files took nothing.
    pub refused: Vec<(u64, Which)>,
}

impl Capture {
    /// Joins a FIFO and a log. Streams into the same file share its end.
    pub fn open(&mut self, fifo: OwnedFd, log: &Path) -> io::Result<Stream> {
        let opened = LogFile::open(log)?;
        let is_shared = |open: &(LogFile, usize)| open.0.is_same(&opened);
        let shared = self.files.iter().position(|slot| slot.as_ref().is_some_and(is_shared));
        let key = shared.or_else(|| self.files.iter().position(Option::is_none)).unwrap_or_else(|| {
            self.files.push(None);
            self.files.len() - 1
        });
        match &mut self.files[key] {
            Some((_, users)) => *users += 1,
            free => *free = Some((opened, 1)),
        }
        Ok(Stream { fifo, file: FileKey(key), busy: false })
    }

    /// Ends a stream; the last one of a log closes it.
    pub fn close(&mut self, stream: Stream) {
        let slot = &mut self.files[stream.file.0];
        match slot {
            Some((_, users)) if *users > 1 => *users -= 1,
            Some(_) | None => *slot = None,
        }
    }

    /// Moves at most `most` bytes.
    pub fn shift(&mut self, stream: &mut Stream, most: usize) -> Moved {
        let Some((log, _)) = &mut self.files[stream.file.0] else { return Moved::Over };
        let result = log.take(stream.fifo.as_fd(), most);
        stream.busy = matches!(result, Ok(count) if count > BUSY);
        match result {
            Ok(0) => Moved::Over,
            Ok(count) => {
                if log.trouble.take().is_some() {
                    say::info!("{} takes output again", log.path().display());
                }
                Moved::Some(count)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Moved::Empty,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Moved::Some(0),
            Err(error) => {
                let errno = Errno::from_raw(error.raw_os_error().unwrap_or(0));
                if log.trouble.replace(errno) != Some(errno) {
                    say::warning!(
                        "cannot write to {}: {error}; its program waits once the pipe is full",
                        log.path().display()
                    );
                }
                Moved::Refused
            }
        }
    }

    /// Bytes were taken from a FIFO and are in no log yet: if this process became another program
    /// now, they would be lost.
    pub fn holds_bytes(&self) -> bool {
        self.files.iter().flatten().any(|(log, _)| log.held() > 0)
    }

    /// Moves everything that is in the FIFO now, but does not run after a writer that goes on.
    /// Returns whether something had to stay.
    pub fn empty(&mut self, stream: &mut Stream) -> bool {
        let held = self.files[stream.file.0].as_ref().map_or(0, |(log, _)| log.held());
        let mut left = waiting(stream.as_fd()) + held;
        while left > 0 {
            match self.shift(stream, left.min(CHUNK)) {
                Moved::Some(count) => left = left.saturating_sub(count),
                Moved::Empty | Moved::Over => return false,
                Moved::Refused => return true,
            }
        }
        false
    }
}

/// How many bytes are in a FIFO.
pub fn waiting(fifo: BorrowedFd<'_>) -> usize {
    use std::os::fd::AsRawFd;
    let mut count: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int to the place that it is given.
    let asked = unsafe { libc::ioctl(fifo.as_raw_fd(), libc::FIONREAD, &mut count) };
    if asked == 0 { count.max(0) as usize } else { 0 }
}
