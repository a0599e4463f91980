//! Several logs as one, in order of time.
//!
//! Each log is read by a [`Reader`] that holds its next line; the oldest of those goes first. So as
//! many lines are in memory as there are logs, whatever is asked for. The last N lines are found by
//! going backwards through all logs in the same way, which gives the places to begin at.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::backward::Backward;
use super::cursor::{Cursor, Log};
use super::directory::Directories;
use super::piece::Piece;
use super::reader::{Found, Reader};
use super::{Filter, Line, Position, Source, ansi, time};

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
    /// Rows that are done with.
    free: Vec<usize>,
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
    stay: Stay,
}

/// How long a log is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stay {
    /// As long as it is meant.
    Meant,
    /// Until its end.
    Leaving,
    /// No longer.
    Over,
}

impl Reading {
    /// Begins to read. A path that is named twice (both streams in one file) is read once.
    ///
    /// # Errors
    /// A log exists but cannot be read; the message has its path.
    pub fn open(sources: Vec<Source>, start: &Start, filter: Filter, until: Until) -> io::Result<Reading> {
        let mut reading = Reading {
            rows: Vec::new(),
            ready: BinaryHeap::new(),
            hungry: Vec::new(),
            free: Vec::new(),
            filter,
            until,
        };
        let directories = Directories::default();
        let mut spans = Vec::new();
        let mut kept: Vec<Source> = Vec::new();
        for source in sources {
            if kept.iter().any(|other| other.path == source.path) {
                continue;
            }
            let log = source.log();
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
                    cursor.after(source.log()).max(*floor)
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
        let row = Row { source, name, reader, head: None, key: 0, stay: Stay::Meant };
        let i = match self.free.pop() {
            Some(i) => {
                self.rows[i] = row;
                i
            }
            None => {
                self.rows.push(row);
                self.rows.len() - 1
            }
        };
        self.hungry.push(i);
    }

    /// From now on these logs are meant. One that is new is read from its beginning. One that is not
    /// meant any more is read to the end that it has, then let go; also where its app was defined anew
    /// meanwhile, and a new log is at its path. One that several processes write to goes on in the name
    /// of another when the first is gone.
    ///
    /// # Errors
    /// A log cannot be looked at; the message has its path.
    pub fn follow(&mut self, sources: Vec<Source>) -> io::Result<()> {
        let mut writers: HashMap<&Path, Vec<&Source>> = HashMap::new();
        for source in &sources {
            writers.entry(&source.path).or_default().push(source);
        }
        let mut read = HashSet::new();
        for row in self.rows.iter_mut().filter(|row| row.stay == Stay::Meant) {
            let writers = writers.get(row.source.path.as_path()).map(Vec::as_slice).unwrap_or_default();
            let itself = writers.iter().find(|source| source.log() == row.source.log());
            let heir = match itself {
                None if row.reader.is_at_its_path()? => writers.first(),
                same => same,
            };
            match heir {
                Some(heir) => {
                    read.insert(row.source.path.clone());
                    row.go_on_as(heir);
                }
                None => {
                    row.reader.end_here()?;
                    row.stay = Stay::Leaving;
                }
            }
        }
        for source in sources {
            if read.insert(source.path.clone()) {
                self.push(source, Position::BEGINNING, None);
            }
        }
        self.refresh();
        Ok(())
    }

    /// What is read.
    pub fn logs(&self) -> impl Iterator<Item = Log> {
        self.rows.iter().filter(|row| row.stay != Stay::Over).map(|row| row.source.log())
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
        let idle = |(_, row): &(usize, &Row)| row.head.is_none() && row.stay != Stay::Over;
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
                Found::Gone => return Ok(Some(Item::Gone(self.rows[i].source.log()))),
                Found::Busy => return Ok(Some(Item::Busy)),
            }
        }
        while let Some(Reverse((_, i))) = self.ready.pop() {
            self.hungry.push(i);
            let row = &mut self.rows[i];
            if let Some(piece) = row.head.take() {
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
        for row in self.rows.iter_mut().filter(|row| row.head.is_none() && row.stay == Stay::Meant) {
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
        if row.stay == Stay::Over {
            return Ok(Found::Nothing);
        }
        let grep = self.filter.grep.as_ref();
        for _ in 0..UNWANTED {
            match row.reader.next(grep)? {
                Found::Line(piece) if wanted(&self.filter, &piece) => return Ok(Found::Line(piece)),
                Found::Line(_) => {}
                Found::Nothing if self.until == Until::Now || row.stay == Stay::Leaving => {
                    let rest = row.reader.rest(grep)?.filter(|piece| wanted(&self.filter, piece));
                    if rest.is_none() && row.stay == Stay::Leaving {
                        row.stay = Stay::Over;
                        row.reader.close();
                        self.free.push(i);
                    }
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
        // Where a log leaves for another of the same process, the place in that one counts.
        for stay in [Stay::Leaving, Stay::Meant] {
            for row in self.rows.iter().filter(|row| row.stay == stay) {
                cursor.put(row.source.log(), row.place());
            }
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
    fn go_on_as(&mut self, source: &Source) {
        if *self.name != source.name {
            self.name = Arc::from(source.name.as_str());
        }
        self.source = source.clone();
    }

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
