//! Reading one log backwards: the last lines first, at a cost that depends on how many are taken.

use std::io;
use std::path::{Path, PathBuf};

use super::directory::{self, Directories};
use super::grep::Grep;
use super::index::Index;
use super::piece::{MAX_LINE, Piece};
use super::place::Position;
use super::segment::{Direction, Segment};
use super::window::Window;
use crate::model::log_segment::closed_path;

const BLOCK: u64 = 64 << 10;

#[derive(Debug)]
pub(super) struct Backward {
    log: PathBuf,
    segment: Option<Segment>,
    /// What lies before was not read yet.
    next: Position,
    /// Nothing is read before that.
    floor: Position,
    /// The rest of a line of which the beginning was not read yet.
    window: Window,
    /// When the first byte of the window came, where its segment was left already.
    carried: Option<u64>,
    /// Lines that were found, oldest first.
    found: Vec<Piece>,
    over: bool,
}

impl Backward {
    /// Reads what lies before `end`, down to `floor`.
    pub fn new(log: &Path, end: Position, floor: Position) -> Backward {
        Backward {
            log: log.to_owned(),
            segment: None,
            next: end,
            floor,
            window: Window::default(),
            carried: None,
            found: Vec::new(),
            over: end <= floor,
        }
    }

    /// A time before which the last line came; costs no unpacking.
    pub fn bound(&self, directories: &Directories) -> io::Result<u64> {
        let active = directory::active(&self.log)?.filter(|active| active.number == self.next.segment);
        if let Some(mut active) = active
            && self.next.offset > 0
        {
            return Ok(active.index.last_time()?.unwrap_or(u64::MAX));
        }
        match self.older(directories, self.next.segment + u64::from(self.next.offset > 0))? {
            Some(number) => {
                let (mut index, _) = Index::beside(&closed_path(&self.log, number))?;
                Ok(index.last_time()?.unwrap_or(u64::MAX))
            }
            None => Ok(u64::MAX),
        }
    }

    /// The line before, of those that `grep` takes.
    pub fn previous(&mut self, directories: &Directories, grep: Option<&Grep>) -> io::Result<Option<Piece>> {
        while self.found.is_empty() && !self.over {
            self.read(directories, grep)?;
        }
        Ok(self.found.pop())
    }

    fn read(&mut self, directories: &Directories, grep: Option<&Grep>) -> io::Result<()> {
        let Some(segment) = &mut self.segment else { return self.open(directories, grep) };
        let bottom = if segment.number == self.floor.segment { self.floor.offset } else { 0 };
        if self.next.offset <= bottom {
            return self.leave(directories, grep);
        }
        let from = bottom.max(self.next.offset.saturating_sub(BLOCK));
        let mut block = vec![0; (self.next.offset - from) as usize];
        let got = segment.read_at(&mut block, from)?;
        block.truncate(got);
        self.next.offset = from;
        self.window.prepend(&block, self.next);
        self.split(false, grep)
    }

    fn open(&mut self, directories: &Directories, grep: Option<&Grep>) -> io::Result<()> {
        let wanted = self.next.segment;
        let active = directory::active(&self.log)?.filter(|active| active.number == wanted);
        let segment = match active {
            Some(active) => Some(Segment::active(active)),
            None => Segment::closed(&self.log, wanted, Direction::Backward)?,
        };
        match segment {
            Some(segment) => {
                self.next.offset = self.next.offset.min(segment.size()?);
                self.segment = Some(segment);
                Ok(())
            }
            None => self.leave(directories, grep),
        }
    }

    /// The segment is read, or not there: goes to the one before.
    fn leave(&mut self, directories: &Directories, grep: Option<&Grep>) -> io::Result<()> {
        let left = self.next.segment;
        let older = match left > self.floor.segment {
            true => self.older(directories, left)?.filter(|number| *number >= self.floor.segment),
            false => None,
        };
        // Without the bytes before, the line begins here.
        if older.is_none_or(|number| number + 1 != left) {
            self.split(true, grep)?;
        }
        if !self.window.rest().is_empty() {
            let start = self.window.position(0);
            self.carried = self.time(start)?;
        }
        self.segment = None;
        match older {
            Some(number) => self.next = Position { segment: number, offset: u64::MAX },
            None => self.over = true,
        }
        Ok(())
    }

    fn older(&self, directories: &Directories, than: u64) -> io::Result<Option<u64>> {
        Ok(directories.closed(&self.log)?.into_iter().filter(|number| *number < than).max())
    }

    /// Takes the lines out of the window whose beginning is in it. With `all`, the window begins with
    /// a line.
    fn split(&mut self, all: bool, grep: Option<&Grep>) -> io::Result<()> {
        let bytes = self.window.rest();
        let begin = match memchr::memchr(b'\n', bytes) {
            _ if all => 0,
            Some(newline) if newline + 1 < bytes.len() => newline + 1,
            // A line that is too long to be one: what is known of it is a piece.
            _ if bytes.len() > MAX_LINE => 0,
            _ => return Ok(()),
        };
        let mut from = begin;
        while from < self.window.rest().len() {
            let rest = &self.window.rest()[from..];
            let line = match grep {
                Some(grep) => grep.find(rest),
                None => Some(0..memchr::memchr(b'\n', rest).unwrap_or(rest.len())),
            };
            let Some(line) = line else { break };
            let complete = line.end < rest.len();
            let text = rest[line.clone()].to_vec();
            let end = from + line.end + usize::from(complete);
            let start = self.window.position(from + line.start);
            let (at, place) = (self.time(start)?, self.window.end(end));
            // Older lines are found later, but one block's are found oldest first.
            self.found.push(Piece { start, end: place, at, text, complete });
            from = end;
        }
        self.window.truncate(begin);
        Ok(())
    }

    fn time(&mut self, place: Position) -> io::Result<Option<u64>> {
        match &mut self.segment {
            Some(segment) if segment.number == place.segment => segment.index.at(place.offset),
            Some(_) | None => Ok(self.carried),
        }
    }
}
