//! On real files, written the way the keeper writes them.

mod follow;
mod properties;
mod tail;

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

/// A log and its index.
struct Log {
    dir: TempDir,
    name: &'static str,
}

impl Log {
    fn new() -> Log {
        Log { dir: tempfile::tempdir().unwrap(), name: "web-out.log" }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join(self.name)
    }

    fn index(&self) -> PathBuf {
        self.dir.path().join(format!("{}.idx", self.name))
    }

    /// Bytes without a record, as somebody else would write them.
    fn write(&self, bytes: impl AsRef<[u8]>) {
        append(&self.path(), bytes.as_ref());
    }

    fn record(&self, at: u64, offset: u64) {
        append(&self.index(), &[at.to_le_bytes(), offset.to_le_bytes()].concat());
    }

    /// A chunk as the keeper writes it: first the record, then the bytes.
    fn chunk(&self, at: u64, bytes: impl AsRef<[u8]>) {
        self.record(at, fs::metadata(self.path()).map_or(0, |meta| meta.len()));
        self.write(bytes);
    }

    fn source(&self) -> Source {
        self.source_of(1, Stream::Out)
    }

    fn source_of(&self, process: u32, stream: Stream) -> Source {
        Source { process: ProcessId(process), name: format!("web-{process}"), stream, path: self.path() }
    }

    fn truncate(&self, size: u64) {
        File::options().write(true).open(self.path()).unwrap().set_len(size).unwrap();
    }
}

fn append(path: &std::path::Path, bytes: &[u8]) {
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

#[track_caller]
fn check_tail(log: &Log, lines: usize, expected: &[(&str, Option<u64>)]) {
    let (found, _) = tail(&[log.source()], lines).unwrap();
    let expected: Vec<_> = expected.iter().map(|(text, at)| ((*text).to_owned(), *at)).collect();
    assert_eq!(shown(&found), expected);
}

fn follow(log: &Log) -> Follower {
    tail(&[log.source()], 0).unwrap().1
}

#[track_caller]
fn check_poll(follower: &mut Follower, expected: &[(&str, Option<u64>)]) {
    assert!(follower.changed(), "it does not see that something is new");
    let expected: Vec<_> = expected.iter().map(|(text, at)| ((*text).to_owned(), *at)).collect();
    assert_eq!(shown(&follower.poll().unwrap()), expected);
    assert!(!follower.changed(), "it has read everything and says that something is new");
    assert!(follower.poll().unwrap().is_empty(), "it gives something twice");
}
