//! When each part of a log was written: `<file>.idx` beside the log, in the format of
//! [`log_segment`].
//!
//! A log is byte for byte what the program wrote, so it holds no times. The index holds one record
//! per move from FIFO to file. A record is appended after its chunk is in the log; after a crash in
//! between, the chunk belongs to the record before it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::model::log_segment::{self, RECORD};

/// The index of one open log.
pub struct Index {
    path: PathBuf,
    file: File,
    number: u64,
    /// When the first chunk of the segment came, in microseconds since 1970.
    first: Option<u64>,
}

impl Index {
    /// Opens the index of the active segment of a log; `None` when there is none of this format.
    pub fn open(log: &Path) -> io::Result<Option<Index>> {
        let path = log_segment::index_path(log);
        let file = match options().open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            result => result?,
        };
        let mut index = Index { path, file, number: 0, first: None };
        let Some(number) = index.read(0)?.and_then(log_segment::number_of) else { return Ok(None) };
        index.number = number;
        index.first = index.read(1)?.map(|record| log_segment::time_and_offset(record).0);
        Ok(Some(index))
    }

    /// Puts the index of a segment that begins in place of what is there.
    pub fn create(log: &Path, number: u64) -> io::Result<Index> {
        let path = log_segment::index_path(log);
        let draft = path.with_extension("idx.tmp");
        // What an earlier keeper left half-written, whoever it belongs to.
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let file = options().create_new(true).open(&draft)?;
        file.write_all_at(&log_segment::header(number), 0)?;
        fs::rename(&draft, &path)?;
        Ok(Index { path, file, number, first: None })
    }

    /// The number of the active segment.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// When the first chunk of the segment came, in microseconds since 1970.
    pub fn first(&self) -> Option<u64> {
        self.first
    }

    /// Where the chunk of the last record begins.
    pub fn last_offset(&self) -> io::Result<Option<u64>> {
        let records = self.records()?;
        if records < 2 {
            return Ok(None);
        }
        Ok(self.read(records - 1)?.map(|record| log_segment::time_and_offset(record).1))
    }

    /// Notes that a chunk that begins at `offset` came at `micros`.
    pub fn append(&mut self, micros: u64, offset: u64) -> io::Result<()> {
        let meta = self.file.metadata()?;
        if meta.nlink() == 0 || meta.len() < RECORD as u64 {
            // Somebody removed or emptied it: the times of what came before are lost, no more.
            let log = self.path.with_extension("");
            *self = Index::create(&log, self.number)?;
        }
        // Half a record that a full disk left is overwritten.
        self.file.write_all_at(&log_segment::record(micros, offset), self.records()? * RECORD as u64)?;
        self.first.get_or_insert(micros);
        Ok(())
    }

    /// Whole records in it, the header included.
    fn records(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len() / RECORD as u64)
    }

    fn read(&self, record: u64) -> io::Result<Option<[u8; RECORD]>> {
        let mut bytes = [0; RECORD];
        match self.file.read_exact_at(&mut bytes, record * RECORD as u64) {
            Ok(()) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(log: &Path) -> u64 {
        fs::metadata(log_segment::index_path(log)).unwrap().len()
    }

    #[test]
    fn an_index_is_continued_over_half_a_record() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("a.log");
        let mut index = Index::create(&log, 7).unwrap();
        assert_eq!((index.first(), index.last_offset().unwrap()), (None, None));
        index.append(100, 0).unwrap();
        index.file.write_all_at(b"half", length(&log)).unwrap();
        let mut index = Index::open(&log).unwrap().unwrap();
        assert_eq!((index.number(), index.first(), index.last_offset().unwrap()), (7, Some(100), Some(0)));
        index.append(200, 10).unwrap();
        assert_eq!((index.last_offset().unwrap(), length(&log)), (Some(10), 48));
    }

    #[test]
    fn an_index_of_another_format_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("a.log");
        assert!(Index::open(&log).unwrap().is_none());
        for other in [&[0; 32][..], b"PMDIDX0", b""] {
            fs::write(log_segment::index_path(&log), other).unwrap();
            assert!(Index::open(&log).unwrap().is_none());
        }
    }

    #[test]
    fn an_index_that_somebody_emptied_or_removed_is_begun_again() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("a.log");
        let path = log_segment::index_path(&log);
        let mut index = Index::create(&log, 7).unwrap();
        index.append(100, 0).unwrap();
        fs::write(&path, "").unwrap();
        index.append(200, 10).unwrap();
        fs::remove_file(&path).unwrap();
        index.append(300, 20).unwrap();
        let index = Index::open(&log).unwrap().unwrap();
        assert_eq!((index.number(), index.last_offset().unwrap(), length(&log)), (7, Some(20), 32));
    }
}
