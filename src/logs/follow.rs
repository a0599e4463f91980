//! Going on behind the last lines.
//!
//! A source's file is followed by its path. While the same file lies there it is read on, from
//! its new beginning after a truncation. When another file lies there, the old one is read to its
//! end first and watched a little longer, for a writer that has not noticed yet; the new one is
//! read from its beginning. When nothing lies there, the old one goes on.

use std::io;
use std::sync::Arc;

use super::handle::{identity, look};
use super::merge::{self, Row};
use super::segment::{Piece, Segment};
use super::{Line, Source};
use crate::model::ProcessId;

/// Polls without news after which a file that was replaced is closed. Five seconds at 10 Hz.
const QUIET_POLLS: u32 = 50;

/// Where to begin to follow a file that is there already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// With everything that is in it.
    Beginning,
    /// With what comes after now.
    End,
}

/// Reads what is new in a set of log files: every byte once.
///
/// Ask [`changed`](Follower::changed) often (it costs a `stat` per file) and
/// [`poll`](Follower::poll) when it says so.
#[derive(Debug, Default)]
pub struct Follower {
    watched: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    source: Source,
    name: Arc<str>,
    /// Files that were at the path before, oldest first.
    replaced: Vec<Replaced>,
    current: Option<Segment>,
}

#[derive(Debug)]
struct Replaced {
    segment: Segment,
    quiet_polls: u32,
}

impl Follower {
    /// Follows one more file. A file that is not there yet is followed from its beginning
    /// whatever `start` says. A path that is followed already is not followed twice.
    ///
    /// # Errors
    /// The file exists but cannot be read; then it is not followed.
    pub fn add(&mut self, source: Source, start: Start) -> io::Result<()> {
        match start {
            Start::End => self.add_tail(source, 0).map(drop),
            Start::Beginning => {
                if !self.follows(&source) {
                    self.watched.push(Watched::new(source));
                }
                Ok(())
            }
        }
    }

    /// Follows one more file behind its last lines, and gives those.
    pub(super) fn add_tail(&mut self, source: Source, lines: usize) -> io::Result<Row> {
        let mut row = Row { lines: Vec::new(), assumed: 0 };
        if self.follows(&source) {
            return Ok(row);
        }
        let mut watched = Watched::new(source);
        if let Some((segment, pieces)) = Segment::open_tail(&watched.source.path, lines)? {
            row.lines = pieces.into_iter().map(|piece| watched.line(piece)).collect();
            row.assumed = segment.modified()?;
            watched.current = Some(segment);
        }
        self.watched.push(watched);
        Ok(row)
    }

    /// Follows the files of that process no longer.
    pub fn remove(&mut self, process: ProcessId) {
        self.watched.retain(|watched| watched.source.process != process);
    }

    fn follows(&self, source: &Source) -> bool {
        self.watched.iter().any(|watched| watched.source.path == source.path)
    }

    /// Whether there is something that [`poll`](Follower::poll) has not read. Cheap. An
    /// unfinished line that was read and is held does not count.
    pub fn changed(&self) -> bool {
        self.watched.iter().any(Watched::changed)
    }

    /// The complete lines since last time, in order of time. A line whose newline has not come is
    /// held back until it comes or [`flush_partial`](Follower::flush_partial) asks for it.
    ///
    /// Reads at most about 4 MiB of each file; [`changed`](Follower::changed) stays true while
    /// there is more. Order of time holds within what one call returns.
    ///
    /// # Errors
    /// A file can no longer be looked at or read; the message has its path. Files can be polled
    /// again; a source that stays unreadable can be removed.
    pub fn poll(&mut self) -> io::Result<Vec<Line>> {
        // First everything that can fail for lack of rights, so that no line that was read is
        // thrown away for it.
        for watched in &mut self.watched {
            watched.look_at_path()?;
        }
        let rows = self.watched.iter_mut().map(Watched::read).collect::<io::Result<Vec<_>>>()?;
        Ok(merge::by_time(rows))
    }

    /// What was held back for want of a newline, with `complete: false`; the rest of such a line
    /// comes later as its next piece.
    pub fn flush_partial(&mut self) -> Vec<Line> {
        let flush = |watched: &mut Watched| {
            let piece = watched.current.as_mut().and_then(Segment::flush);
            let lines: Vec<Line> = piece.into_iter().map(|piece| watched.line(piece)).collect();
            Row { lines, assumed: u64::MAX }
        };
        merge::by_time(self.watched.iter_mut().map(flush).collect())
    }

    /// Bytes read so far from the files that are open now.
    #[cfg(test)]
    pub(super) fn bytes_read(&self) -> u64 {
        self.watched.iter().filter_map(|watched| watched.current.as_ref()).map(Segment::bytes_read).sum()
    }
}

impl Watched {
    fn new(source: Source) -> Watched {
        let name = Arc::from(source.name.as_str());
        Watched { source, name, replaced: Vec::new(), current: None }
    }

    fn line(&self, piece: Piece) -> Line {
        let Piece { at, text, complete } = piece;
        let Source { process, stream, .. } = self.source;
        Line { process, name: self.name.clone(), stream, at, text, complete }
    }

    fn changed(&self) -> bool {
        let grown = |segment: &Segment| segment.at_end().is_ok_and(|at_end| !at_end);
        if self.replaced.iter().any(|replaced| grown(&replaced.segment)) {
            return true;
        }
        match (look(&self.source.path), &self.current) {
            (Ok(Some(meta)), Some(now)) => identity(&meta) != now.identity() || meta.len() != now.position(),
            (Ok(Some(_)), None) => true,
            (Ok(None) | Err(_), Some(now)) => grown(now),
            (Ok(None) | Err(_), None) => false,
        }
    }

    /// Opens the file that lies at the path now, if that is another one.
    fn look_at_path(&mut self) -> io::Result<()> {
        let Some(meta) = look(&self.source.path)? else { return Ok(()) };
        if self.current.as_ref().is_some_and(|now| now.identity() == identity(&meta)) {
            return Ok(());
        }
        if let Some(opened) = Segment::open(&self.source.path)?
            && let Some(segment) = self.current.replace(opened)
        {
            self.replaced.push(Replaced { segment, quiet_polls: 0 });
        }
        Ok(())
    }

    fn read(&mut self) -> io::Result<Row> {
        let mut pieces = Vec::new();
        let mut all_of_the_old = true;
        for Replaced { segment, quiet_polls } in &mut self.replaced {
            let rest = segment.read_rest()?;
            *quiet_polls = if rest.is_empty() { *quiet_polls + 1 } else { 0 };
            pieces.extend(rest);
            all_of_the_old = segment.at_end()?;
            if !all_of_the_old {
                break;
            }
            pieces.extend(segment.finish());
        }
        self.replaced.retain(|replaced| replaced.quiet_polls < QUIET_POLLS);
        let mut assumed = 0;
        if let Some(now) = self.current.as_mut().filter(|_| all_of_the_old) {
            let path = &self.source.path;
            let now_identity = now.identity();
            let still_here = || Ok(look(path)?.is_some_and(|meta| identity(&meta) == now_identity));
            pieces.extend(now.read(still_here)?);
            assumed = now.modified()?;
        }
        Ok(Row { lines: pieces.into_iter().map(|piece| self.line(piece)).collect(), assumed })
    }
}
