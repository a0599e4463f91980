//! The index: when which part of a segment arrived.
//!
//! A row of 16-byte records (`model::log_segment`). The first has the number of the segment; each of
//! the others says that what begins at an offset came at a time. Offsets never fall; times may, when
//! the clock was set back. The keeper appends a record right after its chunk, so bytes behind the
//! last record are of a chunk whose record is on its way, or was lost with its writer: then they
//! belong to the record before. Half a record at the end is being written.
//!
//! An index without a header is of no version that we know, and says nothing.

use std::io;
use std::path::Path;

use super::handle::{Handle, Identity};
use crate::model::log_segment::{self, RECORD, time_and_offset};

/// How many records are kept around the place that is read.
const KEPT: u64 = 1024;

/// The index of one segment.
#[derive(Debug)]
pub(super) struct Index {
    file: Option<Handle>,
    /// Records behind the header, as far as they are known.
    count: u64,
    /// Some of them, times and offsets.
    kept: Vec<(u64, u64)>,
    /// Number of the first of those.
    first: u64,
}

impl Index {
    /// The index of the segment at that path, which need not exist, and the number that it has.
    pub fn beside(segment: &Path) -> io::Result<(Index, Option<u64>)> {
        let mut index = Index::none();
        let Some(file) = Handle::open(&log_segment::index_path(segment))? else { return Ok((index, None)) };
        let mut header = [0; RECORD];
        if file.read_at(&mut header, 0)? < RECORD {
            return Ok((index, None));
        }
        let Some(number) = log_segment::number_of(header) else { return Ok((index, None)) };
        index.file = Some(file);
        index.refresh()?;
        Ok((index, Some(number)))
    }

    /// One that knows nothing.
    pub fn none() -> Index {
        Index { file: None, count: 0, kept: Vec::new(), first: 0 }
    }

    /// Which file it is; `None` when there is none that says something.
    pub fn identity(&self) -> Option<Identity> {
        self.file.as_ref().map(Handle::identity)
    }

    /// Takes notice of records that were written since.
    pub fn refresh(&mut self) -> io::Result<()> {
        if let Some(file) = &self.file {
            self.count = (file.size()? / RECORD as u64).saturating_sub(1);
        }
        Ok(())
    }

    /// There is a record of a chunk that begins at that offset or later.
    pub fn reaches(&mut self, offset: u64) -> io::Result<bool> {
        Ok(self.last()?.is_some_and(|(_, last)| last >= offset))
    }

    /// When the first chunk came.
    pub fn first_time(&mut self) -> io::Result<Option<u64>> {
        match self.count {
            0 => Ok(None),
            _ => Ok(self.record(0)?.map(|(at, _)| at)),
        }
    }

    /// When the last chunk came.
    pub fn last_time(&mut self) -> io::Result<Option<u64>> {
        Ok(self.last()?.map(|(at, _)| at))
    }

    fn last(&mut self) -> io::Result<Option<(u64, u64)>> {
        match self.count.checked_sub(1) {
            Some(last) => self.record(last),
            None => Ok(None),
        }
    }

    /// When the byte at `offset` arrived; `None` when the index does not know.
    pub fn at(&mut self, offset: u64) -> io::Result<Option<u64>> {
        if !self.keeps(offset) {
            let after = self.partition(|(_, begin)| begin <= offset)?;
            let Some(covering) = after.checked_sub(1) else { return Ok(None) };
            self.keep_around(covering)?;
        }
        let after = self.kept.partition_point(|(_, begin)| *begin <= offset);
        Ok(after.checked_sub(1).map(|i| self.kept[i].0))
    }

    /// Where the first chunk begins that came at `time` or later.
    pub fn offset_at(&mut self, time: u64) -> io::Result<Option<u64>> {
        let number = self.partition(|(at, _)| at < time)?;
        match number < self.count {
            true => Ok(self.record(number)?.map(|(_, offset)| offset)),
            false => Ok(None),
        }
    }

    /// The kept records tell of that offset as well as all of them would.
    fn keeps(&self, offset: u64) -> bool {
        let all_of_the_end = self.first + self.kept.len() as u64 == self.count;
        self.kept.first().is_some_and(|(_, begin)| *begin <= offset)
            && (all_of_the_end || self.kept.last().is_some_and(|(_, begin)| *begin > offset))
    }

    /// How many records at the beginning fulfil that; all others do not.
    fn partition(&mut self, before: impl Fn((u64, u64)) -> bool) -> io::Result<u64> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.record(middle)?.is_some_and(&before) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        Ok(low)
    }

    fn record(&mut self, number: u64) -> io::Result<Option<(u64, u64)>> {
        if let Some(i) = number.checked_sub(self.first)
            && let Some(record) = self.kept.get(i as usize)
        {
            return Ok(Some(*record));
        }
        Ok(self.read(number, 1)?.first().copied())
    }

    fn keep_around(&mut self, number: u64) -> io::Result<()> {
        self.first = number.saturating_sub(KEPT / 2);
        self.kept = self.read(self.first, KEPT)?;
        Ok(())
    }

    /// Fewer where the index ends.
    fn read(&self, number: u64, count: u64) -> io::Result<Vec<(u64, u64)>> {
        let Some(file) = &self.file else { return Ok(Vec::new()) };
        let count = count.min(self.count.saturating_sub(number));
        let mut bytes = vec![0; count as usize * RECORD];
        let got = file.read_at(&mut bytes, (number + 1) * RECORD as u64)?;
        let (whole, _torn) = bytes[..got].as_chunks::<RECORD>();
        Ok(whole.iter().map(|record| time_and_offset(*record)).collect())
    }
}
