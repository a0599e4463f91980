//! Reading one log forward: a row of segments as one stream of bytes, split into lines.
//!
//! ```text
//!                      ┌──────────── nothing more in it ────────────┐
//!                      ▼                                            │
//!   place ──► open its segment ──► read a block ──► lines ──► end of the segment
//!                      │                                            │
//!                      └─► not there any more: gone         it is the active one: nothing now
//! ```
//!
//! A segment that is open is read to its end whatever happens to its name: rotation, compression and
//! removal take nothing from a reader that is in it.

use std::io;
use std::path::{Path, PathBuf};

use super::directory::{self, Directories};
use super::grep::Grep;
use super::piece::{MAX_LINE, Piece, character_border, whole_characters};
use super::place::Position;
use super::segment::{Direction, Segment, Standing};
use super::time;
use super::window::Window;

const BLOCK: usize = 64 << 10;

/// So many blocks are looked through in one go.
const BLOCKS: usize = 128;

/// What a log has next.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// A line, or a piece of one.
    Line(Piece),
    /// Bytes were removed before they could be read. What follows is the oldest that is there.
    Gone,
    /// Nothing more at the moment.
    Nothing,
    /// Much was read and nothing was found in it so far.
    Busy,
}

#[derive(Debug)]
pub(super) struct Reader {
    log: PathBuf,
    segment: Option<Segment>,
    /// Where the next byte is read: behind everything in the window.
    next: Position,
    /// Nothing is read from there on.
    limit: Option<Position>,
    window: Window,
    /// So many bytes of the window are whole lines.
    whole: usize,
    /// When the first byte of the window came, where its segment was left already.
    carried: Option<Option<u64>>,
    /// Everything before this in the active segment was there at an earlier look.
    known: u64,
    /// That look was made again, for the record of bytes that had just come.
    waited: bool,
}

enum Fill {
    Bytes,
    Nothing,
    Gone,
    /// The segment is over, and what is held continues nowhere.
    Ends,
}

impl Reader {
    /// Reads from there on; up to `limit`, if there is one.
    pub fn new(log: &Path, from: Position, limit: Option<Position>) -> Reader {
        Reader {
            log: log.to_owned(),
            segment: None,
            next: from,
            limit,
            window: Window::default(),
            whole: 0,
            carried: None,
            known: 0,
            waited: false,
        }
    }

    /// Where it will go on: before the next byte that was not given out.
    pub fn position(&self) -> Position {
        match self.window.rest().is_empty() {
            true => self.next,
            false => self.window.position(0),
        }
    }

    /// Whether the path still is that of the log that is read. So it is for one that was not begun.
    pub fn is_at_its_path(&self) -> io::Result<bool> {
        self.segment.as_ref().map_or(Ok(true), |segment| segment.is_of(&self.log))
    }

    /// From now on there is no more than what is there now; where another log is at the path, no more than what
    /// is open.
    pub fn end_here(&mut self) -> io::Result<()> {
        let open = match &self.segment {
            None => self.next,
            Some(segment) if segment.active => Position { segment: segment.number, offset: segment.size()? },
            Some(segment) => Position { segment: segment.number + 1, offset: 0 },
        };
        let there = match self.is_at_its_path()? {
            true => time::end_of(&self.log, &Directories::default())?,
            false => open,
        };
        self.limit = Some(open.max(there));
        Ok(())
    }

    /// Lets go of the file.
    pub fn close(&mut self) {
        self.segment = None;
        self.window.clear();
        self.whole = 0;
    }

    /// The next line, of those that `grep` takes. An unfinished line is held back.
    pub fn next(&mut self, grep: Option<&Grep>) -> io::Result<Found> {
        for _ in 0..BLOCKS {
            if let Some(piece) = self.line(grep)? {
                return Ok(Found::Line(piece));
            }
            match self.fill()? {
                Fill::Bytes => {}
                Fill::Nothing => return Ok(Found::Nothing),
                Fill::Gone => return Ok(Found::Gone),
                Fill::Ends => {
                    if let Some(piece) = self.rest(grep)? {
                        return Ok(Found::Line(piece));
                    }
                }
            }
        }
        Ok(Found::Busy)
    }

    /// What is held back for want of a newline: what follows will be the next piece of that line. A
    /// character of which the last bytes are missing waits for them.
    pub fn flush(&mut self, grep: Option<&Grep>) -> io::Result<Option<Piece>> {
        let length = whole_characters(self.window.rest());
        self.give(length, grep)
    }

    /// As [`flush`](Reader::flush), where nothing will follow.
    pub fn rest(&mut self, grep: Option<&Grep>) -> io::Result<Option<Piece>> {
        self.give(self.window.rest().len(), grep)
    }

    fn give(&mut self, length: usize, grep: Option<&Grep>) -> io::Result<Option<Piece>> {
        if length == 0 {
            return Ok(None);
        }
        let piece = self.take(length, false)?;
        Ok(grep.is_none_or(|grep| grep.matches(&piece.text)).then_some(piece))
    }

    /// The next line that is in the window already.
    fn line(&mut self, grep: Option<&Grep>) -> io::Result<Option<Piece>> {
        loop {
            let whole = &self.window.rest()[..self.whole];
            if whole.is_empty() && self.window.rest().len() <= MAX_LINE {
                return Ok(None);
            }
            let line = match (grep, whole.is_empty()) {
                (_, true) => 0..self.window.rest().len(),
                (None, false) => 0..memchr::memchr(b'\n', whole).unwrap_or(whole.len()),
                (Some(grep), false) => match grep.find(whole) {
                    Some(line) => line,
                    None => {
                        self.consume(self.whole);
                        continue;
                    }
                },
            };
            self.consume(line.start);
            if line.len() <= MAX_LINE {
                return self.take(line.len(), true).map(Some);
            }
            let cut = character_border(self.window.rest(), MAX_LINE);
            let piece = self.take(cut, false)?;
            if grep.is_none_or(|grep| grep.matches(&piece.text)) {
                return Ok(Some(piece));
            }
        }
    }

    /// Gives out the first bytes of the window, with the newline behind them where there is one.
    fn take(&mut self, length: usize, complete: bool) -> io::Result<Piece> {
        let start = self.window.position(0);
        let at = self.time(start)?;
        let text = self.window.rest()[..length].to_vec();
        let length = length + usize::from(complete);
        let end = self.window.end(length);
        self.consume(length);
        Ok(Piece { start, end, at, text, complete })
    }

    fn consume(&mut self, count: usize) {
        self.window.consume(count);
        self.whole = self.whole.saturating_sub(count);
        if count > 0 {
            self.carried = None;
        }
    }

    /// When the byte at the beginning of the window came.
    fn time(&mut self, place: Position) -> io::Result<Option<u64>> {
        match (&mut self.segment, self.carried) {
            (Some(segment), _) if segment.number == place.segment => segment.index.at(place.offset),
            (_, carried) => Ok(carried.flatten()),
        }
    }

    /// Reads a block.
    fn fill(&mut self) -> io::Result<Fill> {
        loop {
            let limit = self.limit.unwrap_or(Position { segment: u64::MAX, offset: 0 });
            if self.next >= limit {
                return Ok(Fill::Nothing);
            }
            let Some(segment) = &mut self.segment else {
                match self.open()? {
                    Fill::Bytes => continue,
                    other => return Ok(other),
                }
            };
            let most = match limit.segment == segment.number {
                true => BLOCK.min((limit.offset - self.next.offset).try_into().unwrap_or(BLOCK)),
                false => BLOCK,
            };
            if segment.active {
                let size = segment.size()?;
                segment.index.refresh()?;
                // The record of a chunk comes right after its bytes: a moment later it is there.
                let untimed = size > self.known && self.known > 0 && !segment.index.reaches(self.known)?;
                if untimed && segment.index.identity().is_some() && !self.waited && self.limit.is_none() {
                    self.waited = true;
                    return Ok(Fill::Nothing);
                }
                self.waited = false;
                self.known = size;
                if size <= self.next.offset {
                    match self.leave()? {
                        Fill::Bytes => continue,
                        other => return Ok(other),
                    }
                }
            }
            let mut block = vec![0; most];
            let got = segment.read_at(&mut block, self.next.offset)?;
            if got == 0 {
                match self.leave()? {
                    Fill::Bytes => continue,
                    other => return Ok(other),
                }
            }
            block.truncate(got);
            // Bytes that came under another number are not those that were asked for.
            if segment.active && segment.standing(&self.log)? == Standing::Emptied {
                match self.advance()? {
                    Fill::Bytes => continue,
                    other => return Ok(other),
                }
            }
            if let Some(newline) = memchr::memrchr(b'\n', &block) {
                self.whole = self.window.rest().len() + newline + 1;
            }
            self.window.append(&block, self.next);
            self.next = self.next.plus(got);
            return Ok(Fill::Bytes);
        }
    }

    /// Opens the segment of the place where it is to go on, or of the oldest byte behind it.
    fn open(&mut self) -> io::Result<Fill> {
        let wanted = self.next.segment;
        let active = directory::active(&self.log)?;
        let now = active.as_ref().map(|active| active.number);
        self.known = 0;
        if let Some(active) = active
            && wanted == active.number
        {
            self.segment = Some(Segment::active(active));
            return Ok(Fill::Bytes);
        }
        if let Some(segment) = Segment::closed(&self.log, wanted, Direction::Forward)? {
            self.segment = Some(segment);
            return Ok(Fill::Bytes);
        }
        let there: Vec<u64> = directory::closed(&self.log)?.into_iter().chain(now).collect();
        let later = there.iter().copied().filter(|number| *number > wanted).min();
        let Some(number) = later.or(there.iter().copied().min()) else { return Ok(Fill::Nothing) };
        // Between two names of a rotation there is no active segment for a moment.
        if later.is_none() && now.is_none() {
            return Ok(Fill::Nothing);
        }
        self.next = Position { segment: number, offset: 0 };
        match wanted == Position::BEGINNING.segment {
            true => Ok(Fill::Bytes),
            false => Ok(Fill::Gone),
        }
    }

    /// The segment has no more bytes now.
    fn leave(&mut self) -> io::Result<Fill> {
        let Some(segment) = &mut self.segment else { return Ok(Fill::Nothing) };
        if !segment.active {
            return self.advance();
        }
        match segment.standing(&self.log)? {
            Standing::Active => Ok(Fill::Nothing),
            Standing::Emptied => self.advance(),
            // Whatever came until it was closed is in it now.
            Standing::Moved => {
                segment.active = false;
                Ok(Fill::Bytes)
            }
        }
    }

    /// Goes to the next segment, when there is one.
    fn advance(&mut self) -> io::Result<Fill> {
        let Some(segment) = &self.segment else { return Ok(Fill::Nothing) };
        let left = segment.number;
        let now = directory::active(&self.log)?.map(|active| active.number);
        let next = match now {
            Some(now) if now == left + 1 => Some(now),
            _ => directory::closed(&self.log)?.into_iter().chain(now).filter(|number| *number > left).min(),
        };
        let Some(next) = next else { return Ok(Fill::Nothing) };
        let held = !self.window.rest().is_empty();
        if held && (next != left + 1 || !directory::has_closed(&self.log, left)?) {
            return Ok(Fill::Ends);
        }
        if held {
            let start = self.window.position(0);
            self.carried = Some(self.time(start)?);
        }
        self.segment = None;
        self.next = Position { segment: next, offset: 0 };
        match next == left + 1 {
            true => Ok(Fill::Bytes),
            false => Ok(Fill::Gone),
        }
    }
}
