//! Lines that a rule looks for, with what is written from then on. Where a rule has come is not kept: the
//! next daemon begins at the end of the logs.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::facts::{LINES, shown};
use super::rule::Only;
use crate::daemon::forward::logs_of;
use crate::daemon::view::ProcessView;
use crate::logs::{Filter, Grep, Item, Reading, Start, Until};
use crate::model::ProcessId;

/// So many lines are taken in one go.
const MOST: usize = 10_000;
/// So often much is looked through in one go without finding a line.
const BUSY: usize = 16;

/// The logs of one rule.
pub struct Lines {
    reading: Reading,
    /// The picture by which they are read.
    seq: u64,
    /// What they are read for.
    pub pattern: String,
    /// Of which stream.
    pub stream: Option<Only>,
    /// Of what.
    pub apps: Vec<String>,
}

/// What was found of a process.
#[derive(Default)]
pub struct Found {
    /// So many lines.
    pub times: u64,
    /// The last of them.
    pub lines: Vec<String>,
}

impl Lines {
    /// From the end of what is there now.
    ///
    /// # Errors
    /// A log cannot be read.
    pub fn open(
        views: &[Arc<ProcessView>],
        seq: u64,
        pattern: &str,
        stream: Option<Only>,
        apps: Vec<String>,
    ) -> io::Result<Lines> {
        let sources = logs_of(views, stream.map(Into::into));
        let grep = Grep::new(pattern).map_err(io::Error::other)?;
        // Where it ends is the same for whoever looks for something and for whoever does not.
        let end = Reading::open(sources.clone(), &Start::Tail(0), Filter::default(), Until::Ever)?.cursor();
        let filter = Filter { level: None, grep: Some(grep) };
        let reading = Reading::open(sources, &Start::After(end), filter, Until::Ever)?;
        Ok(Lines { reading, seq, pattern: pattern.to_owned(), stream, apps })
    }

    /// What was found since, by process. New processes are read from their first line.
    ///
    /// # Errors
    /// A log cannot be read.
    pub fn look(&mut self, views: &[Arc<ProcessView>], seq: u64) -> io::Result<BTreeMap<ProcessId, Found>> {
        if seq == self.seq {
            self.reading.refresh();
        } else {
            self.reading.follow(logs_of(views, self.stream.map(Into::into)))?;
            self.seq = seq;
        }
        let mut all: BTreeMap<ProcessId, Found> = BTreeMap::new();
        let (mut lines, mut busy) = (0, 0);
        while lines < MOST && busy < BUSY {
            match self.reading.next_item()? {
                None => break,
                Some(Item::Busy) => busy += 1,
                // What retention took is not looked at any more.
                Some(Item::Gone(_)) => {}
                Some(Item::Line(line)) => {
                    lines += 1;
                    let found = all.entry(line.process).or_default();
                    found.times += 1;
                    if found.lines.len() == LINES {
                        found.lines.remove(0);
                    }
                    found.lines.push(shown(&line.text));
                }
            }
        }
        Ok(all)
    }
}
