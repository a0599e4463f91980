//! When each part of a log was written: `<file>.idx` beside the log.
//!
//! A log is byte for byte what the program wrote, so it holds no times. The index holds one record
//! of [`RECORD`] bytes per move from FIFO to file: microseconds of UNIX time, then the offset in
//! the log at which the chunk begins, both `u64` little-endian, offsets never falling. A record is
//! appended after its chunk is in the log; after a crash in between, the chunk belongs to the
//! record before it.
//!
//! To rotate a log, rename the index first, then the log: the keeper notices the missing log at
//! its next move and makes both anew. In between it appends to the renamed pair, which is right.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Length of one record, in bytes.
pub const RECORD: u64 = 16;

/// Where the index of that log is.
pub fn path_of(log: &Path) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push(".idx");
    PathBuf::from(name)
}

/// The index of one open log.
pub struct Index {
    file: File,
}

impl Index {
    /// Opens or makes the index of a log that is `log_length` bytes long.
    pub fn open(log: &Path, log_length: u64) -> io::Result<Index> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path_of(log))?;
        let index = Index { file };
        index.cut(log_length)?;
        Ok(index)
    }

    /// Notes that a chunk that begins at `offset` was written now.
    pub fn append(&self, offset: u64) -> io::Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut record = [0; RECORD as usize];
        record[..8].copy_from_slice(&(now.as_micros() as u64).to_le_bytes());
        record[8..].copy_from_slice(&offset.to_le_bytes());
        // Half a record that a full disk left is overwritten.
        self.file.write_all_at(&record, self.records()? * RECORD)
    }

    /// Drops what speaks of bytes that the log, now `log_length` long, does not have.
    pub fn cut(&self, log_length: u64) -> io::Result<()> {
        let (mut low, mut high) = (0, self.records()?);
        while low < high {
            let middle = low.midpoint(high);
            if self.offset_of(middle)? < log_length {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.file.set_len(low * RECORD)
    }

    /// Whole records in it.
    fn records(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len() / RECORD)
    }

    fn offset_of(&self, record: u64) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, record * RECORD + 8)?;
        Ok(u64::from_le_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_leaves_exactly_the_records_of_bytes_that_are_there() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("a.log");
        let check = |log_length, records| {
            let index = Index::open(&log, 0).unwrap();
            for offset in [0, 10, 20, 30] {
                index.append(offset).unwrap();
            }
            index.cut(log_length).unwrap();
            assert_eq!(std::fs::metadata(path_of(&log)).unwrap().len(), records * RECORD, "{log_length}");
        };
        check(0, 0);
        check(1, 1);
        check(20, 2);
        check(21, 3);
        check(1000, 4);
    }

    #[test]
    fn half_a_record_at_the_end_is_dropped_when_the_index_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("a.log");
        std::fs::write(path_of(&log), [0; 24]).unwrap();
        Index::open(&log, 100).unwrap();
        assert_eq!(std::fs::metadata(path_of(&log)).unwrap().len(), RECORD);
    }
}
