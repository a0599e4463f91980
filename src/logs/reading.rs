//! Several logs as one, in order of time.
//!
//! Each log is read by a [`Reader`] that holds its next line; the oldest of those goes first. So as
//! many lines are in memory as there are logs, whatever is asked for. The last N lines are found by
//! going backwards through all logs in the same way, which gives the places to begin at.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::Arc;

use super::backward::Backward;
use super::cursor::{Cursor, Log};
use super::directory::Directories;
use super::piece::Piece;
use super::reader::{Found, Reader};
use super::{Filter, Line, Position, Source, ansi, time};
use crate::model::ProcessId;

/// Lines that may be looked at in one go and not be wanted.
const UNWANTED: usize = 20_000;

/// Where to begin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Start {
    /// With the oldest line that is there.
    Beginning,
    /// With the last so many lines that are wanted, of all logs together.
    Tail(usize),
    /// Behind that place.
    After(Cursor),
    /// With the last so many lines before that place; it ends there.
    Before(Cursor, usize),
}

/// Where to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Until {
    /// With what is there now.
    Now,
    /// Never: [`Reading::refresh`] looks for more.
    Ever,
}

/// What comes next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Item {
    /// A line.
    Line(Line),
    /// Bytes of that log were removed before they could be read.
    Gone(Log),
    /// Much was read, and nothing was found in it yet: ask again.
    Busy,
}

/// Reads several logs.
#[derive(Debug)]
pub struct Reading {
    rows: Vec<Row>,
    /// Rows that hold a line: its time, and the number of the row.
    ready: BinaryHeap<Reverse<(u64, usize)>>,
    /// Rows that hold none and may have one.
    hungry: Vec<usize>,
    filter: Filter,
    until: Until,
}

#[derive(Debug)]
struct Row {
    source: Source,
    name: Arc<str>,
    reader: Reader,
    head: Option<Piece>,
    /// The latest time so far: the order of a file stays, whatever the clock did.
    key: u64,
    /// No longer followed.
    over: bool,
}

impl Reading {
    /// Begins to read. A path that is named twice (both streams in one file) is read once.
    ///
    /// # Errors
    /// A log exists but cannot be read; the message has its path.
    pub fn open(sources: Vec<Source>, start: &Start, filter: Filter, until: Until) -> io::Result<Reading> {
        let mut reading =
            Reading { rows: Vec::new(), ready: BinaryHeap::new(), hungry: Vec::new(), filter, until };
        let directories = Directories::default();
        let mut spans = Vec::new();
        let mut kept: Vec<Source> = Vec::new();
        for source in sources {
            if kept.iter().any(|other| other.path == source.path) {
                continue;
            }
            let log = (source.process, source.stream);
            let mut end = time::end_of(&source.path, &directories)?;
            let place = |at| time::line_at(&source.path, at, end, &directories);
            let since = source.since.map(place).transpose()?;
            let before = source.until.map(|last| place(last.saturating_add(1))).transpose()?;
            let floor = since.unwrap_or(Position::BEGINNING);
            end = before.unwrap_or(end);
            if let Start::Before(cursor, _) = start {
                end = end.min(cursor.before(log));
            }
            spans.push((floor, end));
            kept.push(source);
        }
        let starts: Vec<Position> = match start {
            Start::Beginning => spans.iter().map(|(floor, _)| *floor).collect(),
            Start::After(cursor) => {
                let after = |(source, (floor, _)): (&Source, &(Position, Position))| {
                    cursor.after((source.process, source.stream)).max(*floor)
                };
                kept.iter().zip(&spans).map(after).collect()
            }
            Start::Tail(lines) | Start::Before(_, lines) => {
                last_lines(&kept, &spans, *lines, &reading.filter, &directories)?
            }
        };
        for (source, (from, (_, end))) in kept.into_iter().zip(starts.into_iter().zip(spans)) {
            let limit = match until {
                Until::Now => Some(end),
                Until::Ever => None,
            };
            reading.push(source, from, limit);
        }
        Ok(reading)
    }

    fn push(&mut self, source: Source, from: Position, limit: Option<Position>) {
        let reader = Reader::new(&source.path, from, limit);
        let name = Arc::from(source.name.as_str());
        self.hungry.push(self.rows.len());
        self.rows.push(Row { source, name, reader, head: None, key: 0, over: false });
    }

    /// Reads one more log, from its beginning. One that is read already is not read twice.
    pub fn add(&mut self, source: Source) {
        if !self.rows.iter().any(|row| !row.over && row.source.path == source.path) {
            self.push(source, Position::BEGINNING, None);
        }
    }

    /// Reads the logs of that process no longer.
    pub fn remove(&mut self, process: ProcessId) {
        for row in self.rows.iter_mut().filter(|row| row.source.process == process) {
            row.over = true;
            row.reader.close();
        }
    }

    /// When the line came that will be the first, if it is known.
    ///
    /// # Errors
    /// As [`next_item`](Reading::next_item).
    pub fn earliest(&mut self) -> io::Result<Option<u64>> {
        for i in std::mem::take(&mut self.hungry) {
            match self.feed(i)? {
                Found::Line(piece) => self.hold(i, piece),
                Found::Nothing => {}
                // A second look tells the same.
                Found::Gone | Found::Busy => self.hungry.push(i),
            }
        }
        Ok(self.ready.peek().map(|Reverse((key, _))| *key))
    }

    fn hold(&mut self, i: usize, piece: Piece) {
        let row = &mut self.rows[i];
        row.key = row.key.max(piece.at.unwrap_or(0));
        row.head = Some(piece);
        self.ready.push(Reverse((row.key, i)));
    }

    /// Looks again for what has been written since.
    pub fn refresh(&mut self) {
        let idle = |(_, row): &(usize, &Row)| row.head.is_none() && !row.over;
        self.hungry = self.rows.iter().enumerate().filter(idle).map(|(i, _)| i).collect();
    }

    /// The next line in order of time. `None`: nothing more, until [`refresh`](Reading::refresh).
    ///
    /// # Errors
    /// A log can no longer be read; the message has its path. It may be asked again.
    pub fn next_item(&mut self) -> io::Result<Option<Item>> {
        while let Some(i) = self.hungry.last().copied() {
            match self.feed(i)? {
                Found::Line(piece) => {
                    self.hold(i, piece);
                    self.hungry.pop();
                }
                Found::Nothing => drop(self.hungry.pop()),
                Found::Gone => {
                    let source = &self.rows[i].source;
                    return Ok(Some(Item::Gone((source.process, source.stream))));
                }
                Found::Busy => return Ok(Some(Item::Busy)),
            }
        }
        while let Some(Reverse((_, i))) = self.ready.pop() {
            self.hungry.push(i);
            let row = &mut self.rows[i];
            if let Some(piece) = row.head.take()
                && !row.over
            {
                return Ok(Some(Item::Line(row.line(piece))));
            }
        }
        Ok(None)
    }

    /// Lines whose newline has not come: what follows will be the next piece of them. Only where
    /// nothing else is to be read.
    ///
    /// # Errors
    /// As [`next_item`](Reading::next_item).
    pub fn unfinished(&mut self) -> io::Result<Option<Line>> {
        for row in self.rows.iter_mut().filter(|row| row.head.is_none() && !row.over) {
            if let Some(piece) = row.reader.flush(self.filter.grep.as_ref())?
                && wanted(&self.filter, &piece)
            {
                return Ok(Some(row.line(piece)));
            }
        }
        Ok(None)
    }

    /// The next wanted line of one log.
    fn feed(&mut self, i: usize) -> io::Result<Found> {
        let row = &mut self.rows[i];
        if row.over {
            return Ok(Found::Nothing);
        }
        let grep = self.filter.grep.as_ref();
        for _ in 0..UNWANTED {
            match row.reader.next(grep)? {
                Found::Line(piece) if wanted(&self.filter, &piece) => return Ok(Found::Line(piece)),
                Found::Line(_) => {}
                Found::Nothing if self.until == Until::Now => {
                    let rest = row.reader.rest(grep)?.filter(|piece| wanted(&self.filter, piece));
                    return Ok(rest.map_or(Found::Nothing, Found::Line));
                }
                other => return Ok(other),
            }
        }
        Ok(Found::Busy)
    }

    /// The place that was reached: behind every line that was given out, before every other.
    pub fn cursor(&self) -> Cursor {
        let mut cursor = Cursor::default();
        for row in self.rows.iter().filter(|row| !row.over) {
            cursor.put((row.source.process, row.source.stream), row.place());
        }
        cursor
    }

    /// The place behind the line that [`next_item`](Reading::next_item) gave out last; it knows also where that
    /// line begins.
    pub fn cursor_of(&self, line: &Line) -> Cursor {
        let mut cursor = self.cursor();
        cursor.put((line.process, line.stream), line.end);
        cursor.begin((line.process, line.stream), line.start);
        cursor
    }
}

impl Row {
    fn place(&self) -> Position {
        self.head.as_ref().map_or_else(|| self.reader.position(), |piece| piece.start)
    }

    fn line(&self, piece: Piece) -> Line {
        let Piece { start, end, at, text, complete } = piece;
        let Source { process, stream, .. } = self.source;
        Line { process, name: self.name.clone(), stream, at, text, complete, start, end }
    }
}

fn wanted(filter: &Filter, piece: &Piece) -> bool {
    filter.level.is_none_or(|least| {
        super::Level::of_line(&ansi::plain(&piece.text)).is_some_and(|level| level >= least)
    })
}

/// Where the last lines begin that are wanted, of all logs together: in each log between its floor
/// and its end.
fn last_lines(
    sources: &[Source],
    spans: &[(Position, Position)],
    lines: usize,
    filter: &Filter,
    directories: &Directories,
) -> io::Result<Vec<Position>> {
    let mut starts: Vec<Position> = spans.iter().map(|(_, end)| *end).collect();
    let mut rows = Vec::with_capacity(sources.len());
    // What is known of a row: a bound for the time of its line, or the line.
    let mut latest = BinaryHeap::new();
    for (i, (source, (floor, end))) in sources.iter().zip(spans).enumerate() {
        let row = Backward::new(&source.path, *end, *floor);
        if end > floor && lines > 0 {
            latest.push((row.bound(directories)?, i, None));
        }
        rows.push(row);
    }
    let mut taken = 0;
    while taken < lines
        && let Some((_, i, start)) = latest.pop()
    {
        if let Some(start) = start {
            starts[i] = start;
            taken += 1;
            if taken == lines {
                break;
            }
        }
        let line = loop {
            match rows[i].previous(directories, filter.grep.as_ref())? {
                Some(piece) if !wanted(filter, &piece) => {}
                other => break other,
            }
        };
        if let Some(piece) = line {
            latest.push((piece.at.unwrap_or(0), i, Some(piece.start)));
        }
    }
    Ok(starts)
}
