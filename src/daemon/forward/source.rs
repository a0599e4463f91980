//! Reading what is to be sent: batches of bounded size, and what was removed before it could be.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::definition::Definition;
use super::record::Record;
use super::whose::Whose;
use crate::daemon::view::ProcessView;
use crate::logs::lag::{self, Sizes};
use crate::logs::{Cursor, Filter, Item, Log, Position, Reading, Source, Start, Stream, Until};
use crate::model::ProcessId;

/// The most lines of a batch.
const LINES: usize = 2_000;
/// It takes no more lines once it has so many bytes.
const BYTES: usize = 1 << 20;
/// So often much is looked through in one go without finding a line.
const BUSY: usize = 16;

/// Some lines, and where they end.
#[derive(Default)]
pub struct Batch {
    /// In order of time; in order within each log.
    pub records: Vec<Record>,
    /// Everything before was given out.
    pub cursor: Cursor,
    /// What was removed before it could be read.
    pub gaps: Vec<Gap>,
    /// There may be more at once.
    pub full: bool,
}

/// What was removed before it could be read.
pub struct Gap {
    /// Of whose log.
    pub name: String,
    /// How many bytes that were, as far as it is known.
    pub bytes: u64,
    /// There was more of which nobody knows how much it was.
    pub and_more: bool,
}

/// The logs that one forward reads.
pub struct Logs {
    reading: Reading,
    /// Where it is in all of them.
    cursor: Cursor,
    paths: BTreeMap<(ProcessId, Stream), PathBuf>,
    whose: BTreeMap<ProcessId, Whose>,
    sizes: BTreeMap<PathBuf, Sizes>,
}

/// The logs of these processes that the definition wants, each file once.
pub fn sources(definition: &Definition, views: &[Arc<ProcessView>]) -> Vec<Source> {
    logs_of(views, definition.stream.map(Stream::from))
}

/// The logs of these processes, or those of one stream, each file once.
pub fn logs_of(views: &[Arc<ProcessView>], only: Option<Stream>) -> Vec<Source> {
    let both = views.iter().flat_map(|view| {
        [(Stream::Out, &view.logs.out), (Stream::Err, &view.logs.err)].map(|(stream, path)| Source {
            process: view.id,
            name: view.name(),
            stream,
            path: path.clone(),
            since: None,
            until: None,
        })
    });
    let mut seen = HashSet::new();
    both.filter(|source| only.is_none_or(|only| only == source.stream))
        .filter(|source| seen.insert(source.path.clone()))
        .collect()
}

fn filter(definition: &Definition) -> Filter {
    Filter { level: definition.level(), grep: None }
}

/// The end of what is there now.
///
/// # Errors
/// A log cannot be read.
pub fn end_of(definition: &Definition, views: &[Arc<ProcessView>]) -> io::Result<Cursor> {
    let start = Start::Tail(0);
    Reading::open(sources(definition, views), &start, filter(definition), Until::Ever).map(|r| r.cursor())
}

impl Logs {
    /// Goes on there.
    ///
    /// # Errors
    /// A log cannot be read.
    pub fn open(definition: &Definition, views: &[Arc<ProcessView>], from: &Cursor) -> io::Result<Logs> {
        let start = Start::After(from.clone());
        let sources = sources(definition, views);
        let paths = sources.iter().map(|source| (source.log(), source.path.clone())).collect();
        let reading = Reading::open(sources, &start, filter(definition), Until::Ever)?;
        let mut logs =
            Logs { cursor: reading.cursor(), reading, paths, whose: BTreeMap::new(), sizes: BTreeMap::new() };
        logs.learn(views);
        logs.measure();
        Ok(logs)
    }

    fn learn(&mut self, views: &[Arc<ProcessView>]) {
        for view in views {
            self.whose.entry(view.id).or_insert_with(|| Whose::of(view)).learn(view);
        }
    }

    /// From now on those of these processes are meant. What is not any more is read to its end.
    ///
    /// # Errors
    /// A log cannot be looked at.
    pub fn follow(&mut self, definition: &Definition, views: &[Arc<ProcessView>]) -> io::Result<()> {
        let sources = sources(definition, views);
        self.paths.extend(sources.iter().map(|source| (source.log(), source.path.clone())));
        self.reading.follow(sources)?;
        self.learn(views);
        let read: BTreeSet<Log> = self.reading.logs().collect();
        self.paths.retain(|log, _| read.contains(log));
        let processes: BTreeSet<ProcessId> = read.iter().map(|log| log.0).collect();
        self.whose.retain(|process, _| processes.contains(process));
        Ok(())
    }

    /// Looks how large the segments are that are still to be read, to know it when they are removed.
    pub fn measure(&mut self) {
        let logs = self.paths.iter().map(|(log, path)| (path, self.cursor.after(*log)));
        let Ok(now) = lag::sizes(logs) else { return };
        for (path, sizes) in now {
            let known = self.sizes.entry(path).or_default();
            known.extend(sizes);
        }
        let first = |path: &PathBuf| {
            let of = self.paths.iter().filter(|(_, other)| *other == path);
            of.map(|(log, _)| self.cursor.after(*log).segment).min()
        };
        self.sizes.retain(|path, sizes| {
            first(path).is_some_and(|first| {
                sizes.retain(|number, _| *number >= first);
                true
            })
        });
    }

    /// The next lines. None: there are no more now.
    ///
    /// # Errors
    /// A log cannot be read.
    pub fn next(&mut self) -> io::Result<Batch> {
        let mut batch = Batch::default();
        let (mut bytes, mut busy) = (0, 0);
        while batch.records.len() < LINES && bytes < BYTES && busy < BUSY {
            match self.reading.next_item()? {
                None => break,
                Some(Item::Busy) => busy += 1,
                Some(Item::Gone((process, stream))) => {
                    let log = (process, stream);
                    let (before, after) = (self.cursor.after(log), self.reading.cursor().after(log));
                    self.cursor.put(log, after);
                    batch.gaps.push(self.gap(log, before, after));
                }
                Some(Item::Line(line)) => {
                    self.cursor.put((line.process, line.stream), line.end);
                    bytes += line.text.len() + 1;
                    let whose = self.whose.get(&line.process);
                    batch.records.push(Record::of(line, whose));
                }
            }
        }
        batch.full = batch.records.len() >= LINES || bytes >= BYTES || busy >= BUSY;
        // Also behind lines that nobody wants.
        self.cursor = self.reading.cursor();
        batch.cursor = self.cursor.clone();
        if !batch.full {
            self.reading.refresh();
        }
        Ok(batch)
    }

    fn gap(&self, log: Log, before: Position, after: Position) -> Gap {
        let none = Sizes::new();
        let sizes = self.paths.get(&log).and_then(|path| self.sizes.get(path)).unwrap_or(&none);
        Gap {
            name: self.whose.get(&log.0).map(Whose::name).unwrap_or_default(),
            bytes: lag::behind(sizes, before).saturating_sub(lag::behind(sizes, after)),
            and_more: (before.segment..after.segment).any(|number| !sizes.contains_key(&number)),
        }
    }
}
