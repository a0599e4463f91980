//! What programs write, on its way to the logs.
//!
//! Each output of a run is a named FIFO. The run's end is open for reading too, so the run never
//! sees a broken pipe, whatever becomes of the keeper; the bytes stay in the pipe until a keeper
//! moves them. They are moved by `splice`: the kernel takes from the pipe exactly what the file
//! took, so a keeper that dies in between loses and doubles nothing. Much at once is moved in a way that
//! does not make the program wait: see [`super::bulk`].
//!
//! Waking for every write is what costs. So a FIFO that becomes readable is only noted, and all
//! noted ones are moved together [`COALESCE`] later, at most [`CHUNK`] of each, so that nobody
//! starves. A FIFO into which much is written is not waited for, but visited: see [`super::pace`].
//!
//! A file that takes nothing (disk full) leaves the bytes in the FIFO, which in the end makes the
//! program wait; it is tried again every [`RETRY`]. Or, if its definition says so, they are read
//! away and counted.
//!
//! With a combined file, what has come into the file of its stream is copied from there. That file
//! is the exact one: a keeper that is killed between the two moves, or a combined file that takes
//! nothing, leaves a gap in the copy, and nobody waits for it.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::bulk::Bulk;
use super::fifo;
use super::health::Health;
use super::log::Log;
use super::log_file::LogFile;
use super::pace::Pace;
use super::poll::Which;
use super::protocol::{LogReport, LogStream, Logs, Segments};

/// The pause in which writes are collected.
pub const COALESCE: Duration = Duration::from_millis(5);
/// The pause after a file took nothing.
pub const RETRY: Duration = Duration::from_secs(1);
/// At most this many bytes of one FIFO in one round.
pub const CHUNK: usize = 1 << 20;
/// At most this many bytes are dropped at once.
const DROPPED: usize = 256 * 1024;

/// One output of one run.
pub struct Stream {
    fifo: OwnedFd,
    file: FileKey,
    health: Health,
    copy: Option<(FileKey, Health)>,
    /// What the file does not take is dropped.
    drops: bool,
    /// When it is visited.
    pace: Pace,
    /// It is not in the set of what is waited for.
    pub visited: bool,
}

impl Stream {
    /// So many bytes were moved: when to look again, without waiting for more.
    pub fn visit_after(&mut self, moved: usize) -> Option<Duration> {
        self.pace.next(moved, Instant::now())
    }

    /// When there is something that the daemon is still to be told.
    pub fn news_at(&self) -> Option<Instant> {
        let now = Instant::now();
        let copy = self.copy.as_ref().and_then(|(_, health)| health.news_at(now));
        self.health.news_at(now).into_iter().chain(copy).min()
    }

    /// What the daemon is to be told now.
    pub fn news(&mut self, which: Which) -> Vec<LogReport> {
        let now = Instant::now();
        let (main, copy) = names(which);
        let copied = self.copy.as_mut().and_then(|(_, health)| health.news(copy, now));
        self.health.news(main, now).into_iter().chain(copied).collect()
    }

    /// What came and was not told yet: there will be no other occasion.
    pub fn last_news(&self, which: Which) -> Vec<LogReport> {
        self.reports_of(which, Health::has_news)
    }

    /// How those of its files are into which anything was to be written.
    pub fn reports(&self, which: Which) -> Vec<LogReport> {
        self.reports_of(which, Health::was_tried)
    }

    fn reports_of(&self, which: Which, wanted: fn(&Health) -> bool) -> Vec<LogReport> {
        let (main, copy) = names(which);
        let both = [Some((main, &self.health)), self.copy.as_ref().map(|(_, health)| (copy, health))];
        let wanted = both.into_iter().flatten().filter(|(_, health)| wanted(health));
        wanted.map(|(stream, health)| health.report(stream)).collect()
    }
}

fn names(which: Which) -> (LogStream, LogStream) {
    match which {
        Which::Out => (LogStream::Out, LogStream::OutCopy),
        Which::Err => (LogStream::Err, LogStream::ErrCopy),
    }
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
    /// Bytes, into the file or dropped; there may be more.
    Some(usize),
    /// Nothing there now.
    Empty,
    /// Nothing there, and nobody left to write any.
    Over,
    /// The file takes nothing.
    Refused,
}

/// A log that could not be opened.
pub struct CannotOpen {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub error: io::Error,
}

impl From<CannotOpen> for io::Error {
    fn from(cannot: CannotOpen) -> io::Error {
        cannot.error
    }
}

/// Every open log, and the streams that wait for their turn.
#[derive(Default)]
pub struct Capture {
    logs: Vec<Option<(Log, usize)>>,
    bulk: Option<Bulk>,
    /// Readable, waiting for the next round.
    pub pending: Vec<(u64, Which)>,
    /// Their files took nothing.
    pub refused: Vec<(u64, Which)>,
    /// They fill fast: when each is visited.
    pub visits: Vec<(Instant, u64, Which)>,
}

impl Capture {
    /// One that moves much at once without locking who writes it.
    pub fn with(bulk: Bulk) -> Capture {
        Capture { bulk: Some(bulk), ..Capture::default() }
    }

    /// What an earlier keeper was just moving in that stream is not moved twice. Before anything else
    /// is moved in it.
    pub fn settle(&mut self, stream: &Stream) {
        let log = self.logs[stream.file.0].as_mut().and_then(|(log, _)| log.made());
        if let Some((log, bulk)) = log.zip(self.bulk.as_mut()) {
            bulk.settle(stream.fifo.as_fd(), log);
        }
    }

    /// All streams of an earlier keeper are settled.
    pub fn all_settled(&mut self) {
        if let Some(bulk) = &mut self.bulk {
            bulk.forget();
        }
    }

    /// Joins a FIFO and its logs. Streams into the same file share its end.
    pub fn open(&mut self, fifo: OwnedFd, log: &Path, how: &Logs) -> Result<Stream, CannotOpen> {
        let file = self.open_file(log, how.segments)?;
        let copy = match how.combined_file.as_deref().map(|path| (path, self.open_file(path, how.segments))) {
            None => None,
            Some((path, Ok(key))) if key != file => Some((key, Health::unknown(path, true))),
            // The file of the stream is the combined one.
            Some((_, Ok(key))) => {
                self.close_file(key);
                None
            }
            Some((_, Err(cannot))) => {
                self.close_file(file);
                return Err(cannot);
            }
        };
        let health = Health::unknown(log, how.drop);
        let pace = Pace::of(fifo::room(&fifo));
        Ok(Stream { fifo, file, health, copy, drops: how.drop, pace, visited: false })
    }

    fn open_file(&mut self, path: &Path, segments: Segments) -> Result<FileKey, CannotOpen> {
        let cannot = |error| CannotOpen { path: path.to_owned(), error };
        let of_path = |slot: &Option<(Log, usize)>| slot.as_ref().is_some_and(|(log, _)| log.path() == path);
        if let Some(key) = self.logs.iter().position(of_path) {
            return self.share(key, segments).map_err(cannot);
        }
        let log = Log::at(path, segments).map_err(cannot)?;
        let is_shared =
            |slot: &Option<(Log, usize)>| slot.as_ref().is_some_and(|(other, _)| other.is_same(&log));
        if let Some(key) = self.logs.iter().position(is_shared) {
            return self.share(key, segments).map_err(cannot);
        }
        let key = self.logs.iter().position(Option::is_none).unwrap_or_else(|| {
            self.logs.push(None);
            self.logs.len() - 1
        });
        self.logs[key] = Some((log, 1));
        Ok(FileKey(key))
    }

    /// One more stream into a log that is known; the latest definition says how it is written.
    fn share(&mut self, key: usize, segments: Segments) -> io::Result<FileKey> {
        if let Some((log, users)) = &mut self.logs[key] {
            log.share(segments)?;
            *users += 1;
        }
        Ok(FileKey(key))
    }

    /// Ends a stream; the last one of a log closes it.
    pub fn close(&mut self, stream: Stream) {
        self.close_file(stream.file);
        if let Some((key, _)) = stream.copy {
            self.close_file(key);
        }
    }

    fn close_file(&mut self, key: FileKey) {
        let slot = &mut self.logs[key.0];
        match slot {
            Some((_, users)) if *users > 1 => *users -= 1,
            Some(_) | None => *slot = None,
        }
    }

    /// The log of that path, if its file is open.
    pub fn of_path(&mut self, path: &Path) -> Option<&mut LogFile> {
        self.logs.iter_mut().flatten().map(|(log, _)| log).find(|log| log.path() == path)?.made()
    }

    /// Whether the stream goes into the log of that path.
    pub fn writes_to(&self, stream: &Stream, path: &Path) -> bool {
        let copy = stream.copy.as_ref().map(|(key, _)| *key);
        let keys = [Some(stream.file), copy].into_iter().flatten();
        keys.filter_map(|key| self.logs[key.0].as_ref()).any(|(log, _)| log.path() == path)
    }

    /// Moves at most `most` bytes, also over the end of a segment.
    pub fn shift(&mut self, stream: &mut Stream, most: usize) -> Moved {
        let mut moved = 0;
        loop {
            match self.shift_once(stream, most - moved) {
                Moved::Some(count) => {
                    moved += count;
                    let log = self.logs[stream.file.0].as_mut().and_then(|(log, _)| log.made());
                    if moved >= most || !log.is_some_and(|log| log.is_full()) {
                        return Moved::Some(moved);
                    }
                }
                // It will come again.
                Moved::Empty | Moved::Over | Moved::Refused if moved > 0 => return Moved::Some(moved),
                last => return last,
            }
        }
    }

    fn shift_once(&mut self, stream: &mut Stream, most: usize) -> Moved {
        let Some((log, _)) = &mut self.logs[stream.file.0] else { return Moved::Over };
        if log.made().is_none() && fifo::waiting(stream.as_fd()) == 0 {
            return if fifo::is_over(stream.as_fd()) { Moved::Over } else { Moved::Empty };
        }
        match log.file().and_then(|file| file.take(stream.fifo.as_fd(), most, self.bulk.as_mut())) {
            Ok(0) => Moved::Over,
            Ok(count) => {
                stream.health.took(count);
                self.copy_last(stream, count);
                Moved::Some(count)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Moved::Empty,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Moved::Some(0),
            Err(error) => {
                stream.health.refused(errno_of(&error));
                if stream.drops { self.discard(stream, most) } else { Moved::Refused }
            }
        }
    }

    /// Copies what has just come into the file of the stream.
    fn copy_last(&mut self, stream: &mut Stream, length: usize) {
        let Some((key, health)) = &mut stream.copy else { return };
        let Ok([Some((log, _)), Some((combined, _))]) = self.logs.get_disjoint_mut([stream.file.0, key.0])
        else {
            return;
        };
        let Some(log) = log.made() else { return };
        let combined = combined.file().map_err(|error| (error, length));
        match combined.and_then(|combined| combined.copy_last(log, length)) {
            Ok(()) => health.took(length),
            Err((error, lost)) => {
                health.refused(errno_of(&error));
                health.dropped(lost, 0);
            }
        }
    }

    /// Reads away what the file does not take.
    fn discard(&mut self, stream: &mut Stream, most: usize) -> Moved {
        let log = self.logs[stream.file.0].as_mut().and_then(|(log, _)| log.made());
        let mut bytes = log.map(LogFile::drop_held).unwrap_or_default();
        let held = bytes.len();
        bytes.resize(held.max(most.min(DROPPED)), 0);
        let read = stream.fifo.try_clone().map(File::from).and_then(|mut fifo| fifo.read(&mut bytes[held..]));
        let count = held + *read.as_ref().unwrap_or(&0);
        let lines = bytes[..count].iter().filter(|byte| **byte == b'\n').count();
        if count > 0 {
            stream.health.dropped(count, lines);
        }
        match read {
            _ if count > 0 => Moved::Some(count),
            Ok(_) => Moved::Over,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Moved::Empty,
            Err(_) => Moved::Refused,
        }
    }

    /// Bytes were taken from a FIFO and are in no log yet: if this process became another program
    /// now, they would be lost.
    pub fn holds_bytes(&self) -> bool {
        self.logs.iter().flatten().any(|(log, _)| log.held() > 0)
    }

    /// Moves everything that is in the FIFO now, but does not run after a writer that goes on.
    /// Returns whether something had to stay.
    pub fn empty(&mut self, stream: &mut Stream) -> bool {
        let held = self.logs[stream.file.0].as_ref().map_or(0, |(log, _)| log.held());
        let mut left = fifo::waiting(stream.as_fd()) + held;
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

fn errno_of(error: &io::Error) -> Errno {
    // An error of our own says that what lies there is not ours to write to.
    error.raw_os_error().map_or(Errno::EPERM, Errno::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_log_to_which_nothing_is_written_has_no_file_and_its_end_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.log");
        let mut capture = Capture::default();
        let mut stream = |bytes: &[u8]| {
            let (reader, mut writer) = io::pipe().unwrap();
            writer.write_all(bytes).unwrap();
            let Ok(stream) = capture.open(reader.into(), &path, &Logs::default()) else {
                panic!("not opened")
            };
            let first = match bytes {
                [] => Moved::Empty,
                bytes => Moved::Some(bytes.len()),
            };
            (stream, writer, first)
        };
        let all = [stream(b""), stream(b"hello\n")];
        assert!(!path.exists());
        for (mut stream, writer, first) in all {
            assert_eq!(capture.shift(&mut stream, CHUNK), first);
            drop(writer);
            assert_eq!(capture.shift(&mut stream, CHUNK), Moved::Over);
            assert_eq!(path.exists(), first != Moved::Empty);
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"hello\n");
    }
}
