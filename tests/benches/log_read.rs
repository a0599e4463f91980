//! What it costs to read 1 GB of rotated logs: `cargo bench --bench log_read`.
//!
//! 96 closed segments of 10 MiB, all of them compressed but the newest two, as retention leaves them;
//! a record in the index for each 4 KiB. `MEGABYTES` (1000) can be set; `LOG_DIR` is where they go.

use std::path::Path;
use std::time::Instant;

use pmdaemon::logs::{Filter, Grep, Item, Line, Reading, Source, Start, Stream, Until};
use pmdaemon::model::ProcessId;
use pmdaemon::model::log_segment::{closed_path, compressed_path, header, index_path, record};

const SEGMENT: u64 = 10 << 20;
const LINE: u64 = 100;

fn main() {
    let megabytes: u64 = std::env::var("MEGABYTES").map_or(1000, |text| text.parse().expect("a number"));
    let dir = match std::env::var_os("LOG_DIR") {
        Some(dir) => tempfile::tempdir_in(dir),
        None => tempfile::tempdir(),
    };
    let dir = dir.expect("a directory");
    let log = dir.path().join("web-out.log");
    let lines = megabytes * 1_000_000 / LINE;
    write(&log, lines);
    println!(
        "{megabytes} MB in lines of {LINE} bytes, {} files",
        std::fs::read_dir(&dir).expect("it").count()
    );
    let middle = lines / 2;
    let times = [(middle, Some(middle)), (lines - 200, Some(lines - 200)), (0, None)];
    check("the last 100 lines", &log, Start::Tail(100), None, (None, None), 100);
    check(
        "the last 100 of a pattern of each 100th line",
        &log,
        Start::Tail(100),
        Some(r"^\d{10}00 s[a-z]+"),
        (None, None),
        100,
    );
    check(
        "the first line of a pattern, in the newest 1 MB",
        &log,
        Start::Tail(1),
        Some(&rare(lines - 9_000)),
        (None, None),
        1,
    );
    check(
        "the first line of a pattern, in the oldest 1 MB",
        &log,
        Start::Beginning,
        Some(&rare(9_000)),
        (None, None),
        1,
    );
    check(
        "the first line of a pattern, in the middle",
        &log,
        Start::Beginning,
        Some(&rare(middle)),
        (None, None),
        1,
    );
    check("no line of a pattern at all", &log, Start::Beginning, Some("nowhere"), (None, None), 0);
    for (since, until) in times {
        check(
            "100 lines from a time on",
            &log,
            Start::Beginning,
            None,
            (Some(since), until.map(|u| u + 99)),
            100,
        );
    }
}

/// A pattern that only that line has, and that is not a plain word.
fn rare(line: u64) -> String {
    format!("^0*{line} +[a-z]")
}

fn check(
    what: &str,
    log: &Path,
    start: Start,
    grep: Option<&str>,
    (since, until): (Option<u64>, Option<u64>),
    count: usize,
) {
    let grep = grep.map(|pattern| Grep::new(pattern).expect("a pattern"));
    let (process, stream) = (ProcessId(0), Stream::Out);
    let source = Source { process, name: "web".into(), stream, path: log.to_owned(), since, until };
    let begun = Instant::now();
    let filter = Filter { level: None, grep };
    let mut reading = Reading::open(vec![source], &start, filter, Until::Now).expect("a log");
    let mut found: Vec<Line> = Vec::new();
    while found.len() < count.max(1)
        && let Some(item) = reading.next_item().expect("a log")
    {
        match item {
            Item::Line(line) => found.push(line),
            Item::Gone(_) => panic!("nothing is gone"),
            Item::Busy => {}
        }
    }
    assert_eq!(found.len(), count, "{what}");
    println!("{what:55} {:8.1} ms", begun.elapsed().as_secs_f64() * 1000.0);
}

fn write(log: &Path, lines: u64) {
    let mut segments = Vec::new();
    let per_segment = SEGMENT / LINE;
    for first in (0..lines).step_by(per_segment as usize) {
        let mut bytes = Vec::new();
        let mut index = header(segments.len() as u64 + 1).to_vec();
        for line in first..lines.min(first + per_segment) {
            if line % 40 == 0 {
                index.extend(record(line, bytes.len() as u64));
            }
            let text = format!(
                "{line:012} some text that a program wrote for whoever may read it, id {:x} end",
                line.wrapping_mul(0x9E37_79B9_7F4A_7C15)
            );
            bytes.extend(format!("{text:<99.99}\n").into_bytes());
        }
        segments.push((bytes, index));
        if segments.len() > 1 {
            let number = segments.len() as u64 - 1;
            let (bytes, index) = std::mem::take(&mut segments[number as usize - 1]);
            let plain = closed_path(log, number);
            std::fs::write(index_path(&plain), index).expect("room");
            match number + 2 >= lines / per_segment {
                true => std::fs::write(&plain, bytes).expect("room"),
                false => {
                    let packed = zstd::encode_all(bytes.as_slice(), 3).expect("zstd");
                    std::fs::write(compressed_path(log, number), packed).expect("room");
                }
            }
        }
    }
    let (bytes, index) = segments.pop().expect("a segment");
    std::fs::write(log, bytes).expect("room");
    std::fs::write(index_path(log), index).expect("room");
}
