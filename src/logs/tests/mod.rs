//! On real files, written the way the keeper writes them.

mod cursor;
mod follow;
mod properties;
mod query;
mod segments;
mod tail;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;
use crate::model::log_segment::{closed_path, compressed_path, header, index_path, record};

/// A log and its index.
struct Log {
    dir: TempDir,
    name: &'static str,
}

impl Log {
    /// One that nobody has written to.
    fn new() -> Log {
        Log { dir: tempfile::tempdir().unwrap(), name: "web-out.log" }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join(self.name)
    }

    fn index(&self) -> PathBuf {
        index_path(&self.path())
    }

    /// Bytes without a record, as somebody else would write them.
    fn write(&self, bytes: impl AsRef<[u8]>) {
        append(&self.path(), bytes.as_ref());
    }

    fn record(&self, at: u64, offset: u64) {
        if !self.index().exists() {
            self.begin(1);
        }
        append(&self.index(), &record(at, offset));
    }

    /// A chunk as the keeper writes it: first the bytes, then the record.
    fn chunk(&self, at: u64, bytes: impl AsRef<[u8]>) {
        let offset = fs::metadata(self.path()).map_or(0, |meta| meta.len());
        if !self.index().exists() {
            self.begin(1);
        }
        self.write(bytes);
        self.record(at, offset);
    }

    /// A fresh index for the active segment.
    fn begin(&self, number: u64) {
        let fresh = self.dir.path().join("fresh");
        fs::write(&fresh, header(number)).unwrap();
        fs::rename(&fresh, self.index()).unwrap();
    }

    fn number(&self) -> u64 {
        let bytes = fs::read(self.index()).unwrap();
        crate::model::log_segment::number_of(bytes[..16].try_into().unwrap()).unwrap()
    }

    /// Closes the active segment, as the keeper does.
    fn rotate(&self) -> u64 {
        let number = self.number();
        let closed = closed_path(&self.path(), number);
        fs::rename(self.index(), index_path(&closed)).unwrap();
        fs::rename(self.path(), &closed).unwrap();
        self.begin(number + 1);
        File::create(self.path()).unwrap();
        number
    }

    /// Compresses a closed segment, as retention does.
    fn compress(&self, number: u64) {
        let plain = closed_path(&self.path(), number);
        let packed = zstd::encode_all(fs::read(&plain).unwrap().as_slice(), 1).unwrap();
        let temporary = self.dir.path().join("packed.tmp");
        fs::write(&temporary, packed).unwrap();
        fs::rename(temporary, compressed_path(&self.path(), number)).unwrap();
        fs::remove_file(plain).unwrap();
    }

    /// Removes a closed segment.
    fn remove(&self, number: u64) {
        let _ = fs::remove_file(closed_path(&self.path(), number));
        let _ = fs::remove_file(compressed_path(&self.path(), number));
        fs::remove_file(index_path(&closed_path(&self.path(), number))).unwrap();
    }

    fn source(&self) -> Source {
        self.source_of(1, Stream::Out)
    }

    fn source_of(&self, process: u32, stream: Stream) -> Source {
        let name = format!("web-{process}");
        Source { process: ProcessId(process), name, stream, path: self.path(), since: None, until: None }
    }

    fn truncate(&self, size: u64) {
        File::options().write(true).open(self.path()).unwrap().set_len(size).unwrap();
    }
}

fn append(path: &Path, bytes: &[u8]) {
    File::options().create(true).append(true).open(path).unwrap().write_all(bytes).unwrap();
}

/// Text, time and, as a `+` at its end, that the line is not complete.
fn shown(lines: &[Line]) -> Vec<(String, Option<u64>)> {
    let mark = |line: &Line| if line.complete { "" } else { "+" };
    lines.iter().map(|line| (clean(&line.text) + mark(line), line.at)).collect()
}

fn texts(lines: &[Line]) -> Vec<String> {
    shown(lines).into_iter().map(|(text, _)| text).collect()
}

/// Everything that there is at the moment. `gone` stands for bytes that were removed.
fn take(reading: &mut Reading) -> Vec<Line> {
    let (lines, gone) = take_all(reading);
    assert_eq!(gone, 0, "bytes are said to be gone");
    lines
}

fn take_all(reading: &mut Reading) -> (Vec<Line>, usize) {
    let (mut lines, mut gone) = (Vec::new(), 0);
    while let Some(item) = reading.next_item().unwrap() {
        match item {
            Item::Line(line) => lines.push(line),
            Item::Gone(_) => gone += 1,
            Item::Busy => {}
        }
    }
    (lines, gone)
}

fn open(sources: &[Source], start: Start, filter: Filter, until: Until) -> Reading {
    Reading::open(sources.to_vec(), &start, filter, until).unwrap()
}

fn read(sources: &[Source], start: Start) -> Vec<Line> {
    take(&mut open(sources, start, Filter::default(), Until::Now))
}

fn last(sources: &[Source], lines: usize) -> Vec<Line> {
    read(sources, Start::Tail(lines))
}

#[track_caller]
fn check_tail(log: &Log, lines: usize, expected: &[(&str, Option<u64>)]) {
    let expected: Vec<_> = expected.iter().map(|(text, at)| ((*text).to_owned(), *at)).collect();
    assert_eq!(shown(&last(&[log.source()], lines)), expected);
}

/// Follows behind what is there.
fn follow(log: &Log) -> Reading {
    let mut reading = open(&[log.source()], Start::Tail(0), Filter::default(), Until::Ever);
    assert!(take(&mut reading).is_empty());
    reading
}

/// What is new. Asked twice, because the time of the newest bytes may be a moment late.
fn poll(reading: &mut Reading) -> Vec<Line> {
    let mut lines = Vec::new();
    for _ in 0..2 {
        reading.refresh();
        lines.extend(take(reading));
    }
    lines
}

fn unfinished(reading: &mut Reading) -> Vec<Line> {
    std::iter::from_fn(|| reading.unfinished().unwrap()).collect()
}

#[track_caller]
fn check_poll(reading: &mut Reading, expected: &[(&str, Option<u64>)]) {
    let expected: Vec<_> = expected.iter().map(|(text, at)| ((*text).to_owned(), *at)).collect();
    assert_eq!(shown(&poll(reading)), expected);
    assert!(poll(reading).is_empty(), "it gives something twice");
}
