//! The index: when which part of a log file arrived.
//!
//! `<file>.idx` is a row of 16-byte records, little-endian: microseconds since 1970 and the
//! offset in the log at which the chunk begins. The keeper appends one per drained chunk.
//!
//! Offsets grow as long as the log does. A record whose offset is smaller than that of its
//! predecessor begins a new *life* of the log: somebody truncated it, or removed it and the
//! keeper made it anew. Only the last life says anything about the bytes that are there now.
//! Records with offsets beyond the end of the log never match a line. Bytes at the end that are
//! not a whole record are one that is being written.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

use super::handle::{Handle, Identity, identity, look};

const RECORD: u64 = 16;
const BLOCK: u64 = 256 * RECORD;

/// How many records are kept at once; one is 16 bytes.
const KEPT: usize = 1 << 16;

#[derive(Clone, Copy, Debug)]
struct Record {
    at: u64,
    offset: u64,
}

/// The index of one log file, read around the place where its lines are being read.
#[derive(Debug)]
pub(super) struct Index {
    path: PathBuf,
    file: Option<Handle>,
    /// Records of one life in growing order of offset: from the one that covers the place, on.
    recent: VecDeque<Record>,
    /// Number of the record that follows those.
    next: u64,
    /// The log was truncated, or is another one: whatever record comes next begins a new life.
    ended: bool,
}

impl Index {
    /// The index beside that log, looked up from `offset` on. It need not exist.
    pub fn beside(log: &Path, offset: u64) -> io::Result<Index> {
        let mut path = log.as_os_str().to_owned();
        path.push(".idx");
        let path = PathBuf::from(path);
        let mut index =
            Index { file: Handle::open(&path)?, path, recent: VecDeque::new(), next: 0, ended: false };
        index.seek(offset)?;
        Ok(index)
    }

    /// Goes to the last life, to the record that covers `offset` there. Reads backwards from the
    /// end, so that it costs what lies behind the offset.
    pub fn seek(&mut self, offset: u64) -> io::Result<()> {
        self.recent.clear();
        self.next = 0;
        self.ended = false;
        let Some(file) = &self.file else { return Ok(()) };
        let mut start = file.size()? / RECORD * RECORD;
        self.next = start / RECORD;
        while start > 0 {
            let from = start.saturating_sub(BLOCK);
            let block = records(file, from, start)?;
            for record in block.into_iter().rev() {
                if self.recent.front().is_some_and(|later| later.offset < record.offset) {
                    return Ok(());
                }
                self.recent.push_front(record);
                if self.recent.len() > KEPT {
                    self.recent.pop_back();
                    self.next -= 1;
                }
                if record.offset <= offset {
                    return Ok(());
                }
            }
            start = from;
        }
        Ok(())
    }

    /// Takes in what was written since, as far as lines before `end` need it.
    ///
    /// Returns the offset at which a new life began, when the index says so and it was not
    /// expected (the smallest, when there were several). It stops before that record and says so again until [`Index::seek`].
    pub fn refresh(&mut self, end: u64) -> io::Result<Option<u64>> {
        let Some(file) = &self.file else { return Ok(None) };
        let whole = file.size()? / RECORD * RECORD;
        loop {
            let from = self.next * RECORD;
            let enough = !self.ended && self.recent.back().is_some_and(|last| last.offset > end);
            if from >= whole || enough {
                return Ok(None);
            }
            let block = records(file, from, whole.min(from + BLOCK))?;
            if block.is_empty() {
                return Ok(None);
            }
            for record in block {
                if std::mem::take(&mut self.ended) {
                    self.recent.clear();
                }
                if self.recent.back().is_some_and(|last| record.offset < last.offset) {
                    return self.smallest_break().map(Some);
                }
                self.recent.push_back(record);
                self.next += 1;
            }
        }
    }

    /// From the break at `next` to the end: the smallest offset at which a life begins.
    fn smallest_break(&self) -> io::Result<u64> {
        let mut before = u64::MAX;
        let mut smallest = u64::MAX;
        if let Some(file) = &self.file {
            let whole = file.size()? / RECORD * RECORD;
            let mut from = self.next * RECORD;
            while from < whole {
                for record in records(file, from, whole.min(from + BLOCK))? {
                    if record.offset < before {
                        smallest = smallest.min(record.offset);
                    }
                    before = record.offset;
                }
                from += BLOCK;
            }
        }
        Ok(smallest)
    }

    /// The life that it tells of is over, and the next one will be told: that is no news then.
    pub fn end_life(&mut self) -> io::Result<()> {
        if let Some(file) = &self.file {
            self.next = file.size()? / RECORD;
            self.ended = true;
        }
        Ok(())
    }

    /// The offset in the last record.
    pub fn last_offset(&self) -> io::Result<Option<u64>> {
        let Some(file) = &self.file else { return Ok(None) };
        let end = file.size()? / RECORD * RECORD;
        let last = records(file, end.saturating_sub(RECORD), end)?;
        Ok(last.first().map(|record| record.offset))
    }

    /// Opens the index anew when it was not there before or another file has taken its place.
    pub fn renew(&mut self, offset: u64) -> io::Result<()> {
        let there = look(&self.path)?;
        let shrunk = there.as_ref().is_some_and(|meta| meta.len() < self.next * RECORD);
        let there: Option<Identity> = there.as_ref().map(identity);
        // A removed index still knows the times of what was written before.
        if there.is_some() && (shrunk || there != self.file.as_ref().map(Handle::identity)) {
            self.file = Handle::open(&self.path)?;
            self.seek(offset)?;
        }
        Ok(())
    }

    /// When the byte at `offset` arrived.
    pub fn at(&self, offset: u64) -> Option<u64> {
        let after = self.recent.partition_point(|record| record.offset <= offset);
        after.checked_sub(1).map(|i| self.recent[i].at)
    }

    /// Lines before `offset` will not be asked for again.
    pub fn pass(&mut self, offset: u64) {
        while self.recent.get(1).is_some_and(|second| second.offset <= offset) {
            self.recent.pop_front();
        }
    }

    /// Bytes of the index read so far.
    #[cfg(test)]
    pub fn bytes_read(&self) -> u64 {
        self.file.as_ref().map_or(0, Handle::bytes_read)
    }
}

/// The records between two offsets of the index. Fewer when it was shortened meanwhile.
fn records(file: &Handle, from: u64, to: u64) -> io::Result<Vec<Record>> {
    let mut buffer = vec![0; (to - from) as usize];
    let got = file.read_at(&mut buffer, from)?;
    let (whole, _torn) = buffer[..got].as_chunks::<{ RECORD as usize }>();
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte));
    Ok(whole.iter().map(|r| Record { at: number(&r[..8]), offset: number(&r[8..]) }).collect())
}
