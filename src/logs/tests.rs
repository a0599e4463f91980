//! On real files, written the way the keeper writes them.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use proptest::prelude::*;
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

#[test]
fn the_last_lines_come_with_the_time_of_their_first_byte() {
    let log = Log::new();
    log.chunk(10, "one\ntwo\nthr");
    log.chunk(20, "ee\nfour\n");
    check_tail(&log, 3, &[("two", Some(10)), ("three", Some(10)), ("four", Some(20))]);
    check_tail(&log, 9, &[("one", Some(10)), ("two", Some(10)), ("three", Some(10)), ("four", Some(20))]);
    check_tail(&log, 0, &[]);
}

#[test]
fn a_last_line_without_newline_is_a_line() {
    let log = Log::new();
    log.chunk(10, "one\ntwo\nnot yet");
    check_tail(&log, 2, &[("two", Some(10)), ("not yet+", Some(10))]);
    let (_, mut follower) = tail(&[log.source()], 1).unwrap();
    log.chunk(20, " done\nnext\n");
    check_poll(&mut follower, &[(" done", Some(20)), ("next", Some(20))]);
}

#[test]
fn nul_and_what_is_not_utf8_do_not_disturb() {
    let log = Log::new();
    log.chunk(10, b"a\0b\n\xff\xfe\n\n\xf0\x9f\n");
    let (lines, _) = tail(&[log.source()], 9).unwrap();
    let raw: Vec<&[u8]> = lines.iter().map(|line| line.text.as_slice()).collect();
    assert_eq!(raw, [b"a\0b".as_slice(), b"\xff\xfe", b"", b"\xf0\x9f"]);
    assert_eq!(texts(&lines), ["a\0b", "\u{FFFD}\u{FFFD}", "", "\u{FFFD}"]);
}

#[test]
fn a_character_that_arrives_in_two_chunks_stays_whole() {
    let log = Log::new();
    let mut follower = follow(&log);
    let smile = "😀".as_bytes();
    log.chunk(10, [b"x", &smile[..2]].concat());
    assert!(follower.poll().unwrap().is_empty());
    assert_eq!(texts(&follower.flush_partial()), ["x+"]);
    log.chunk(20, [&smile[2..], b"y\n"].concat());
    assert_eq!(texts(&follower.poll().unwrap()), ["😀y"]);
}

#[test]
fn a_file_without_an_index_has_lines_without_times() {
    let log = Log::new();
    log.write("one\ntwo\n");
    check_tail(&log, 9, &[("one", None), ("two", None)]);
    let mut follower = follow(&log);
    log.write("three\n");
    check_poll(&mut follower, &[("three", None)]);
    log.chunk(50, "four\n");
    check_poll(&mut follower, &[("four", Some(50))]);
}

#[test]
fn lines_before_the_first_record_have_no_time() {
    let log = Log::new();
    log.write("old\n");
    log.chunk(10, "new\n");
    check_tail(&log, 9, &[("old", None), ("new", Some(10))]);
}

#[test]
fn a_record_that_is_being_written_does_not_count_yet() {
    let log = Log::new();
    log.chunk(10, "one\n");
    append(&log.index(), &20_u64.to_le_bytes());
    log.write("two\n");
    check_tail(&log, 9, &[("one", Some(10)), ("two", Some(10))]);
    append(&log.index(), &4_u64.to_le_bytes());
    check_tail(&log, 9, &[("one", Some(10)), ("two", Some(20))]);
}

#[test]
fn only_the_last_life_of_the_index_counts() {
    let log = Log::new();
    for (at, offset) in [(1, 0), (2, 4), (3, 8), (4, 3)] {
        log.record(at, offset);
    }
    log.write("ab\ncd\nef\n");
    check_tail(&log, 9, &[("ab", None), ("cd", Some(4)), ("ef", Some(4))]);
}

#[test]
fn records_beyond_the_end_of_the_file_say_nothing() {
    let log = Log::new();
    log.record(10, 0);
    log.record(20, 1000);
    log.write("ab\ncd\n");
    check_tail(&log, 9, &[("ab", Some(10)), ("cd", Some(10))]);
}

#[test]
fn streams_are_merged_by_time_and_ties_go_by_source() {
    let (out, err) = (Log::new(), Log::new());
    out.chunk(10, "o1\no2\n");
    err.chunk(10, "e1\n");
    err.chunk(15, "e2\n");
    out.chunk(20, "o3\n");
    err.chunk(30, "e3\n");
    let sources = [out.source_of(1, Stream::Out), err.source_of(1, Stream::Err)];
    let (lines, mut follower) = tail(&sources, 9).unwrap();
    assert_eq!(texts(&lines), ["o1", "o2", "e1", "e2", "o3", "e3"]);
    assert_eq!((lines[0].stream, lines[2].stream), (Stream::Out, Stream::Err));
    assert_eq!(texts(&tail(&sources, 3).unwrap().0), ["e2", "o3", "e3"]);
    err.chunk(40, "e4\n");
    out.chunk(35, "o4\n");
    assert_eq!(texts(&follower.poll().unwrap()), ["o4", "e4"]);
}

#[test]
fn a_clock_that_was_set_back_does_not_change_the_order_of_a_file() {
    let (out, err) = (Log::new(), Log::new());
    out.chunk(100, "o1\n");
    out.chunk(50, "o2\n");
    err.chunk(70, "e1\n");
    let sources = [out.source_of(1, Stream::Out), err.source_of(1, Stream::Err)];
    assert_eq!(texts(&tail(&sources, 9).unwrap().0), ["e1", "o1", "o2"]);
}

#[test]
fn both_streams_in_one_file_are_read_once() {
    let log = Log::new();
    log.chunk(10, "one\n");
    let sources = [log.source_of(1, Stream::Out), log.source_of(1, Stream::Err)];
    let (lines, mut follower) = tail(&sources, 9).unwrap();
    assert_eq!(texts(&lines), ["one"]);
    log.chunk(20, "two\n");
    check_poll(&mut follower, &[("two", Some(20))]);
}

#[test]
fn the_end_of_a_huge_file_costs_little() {
    let log = Log::new();
    // 200 MB of lines and a record for each 100 bytes of it.
    let block = "0123456789abcdefghijklmnopqrstuvwxyz 0123456789\n".repeat(1 << 15);
    let mut file = File::create(log.path()).unwrap();
    while file.metadata().unwrap().len() < 200_000_000 {
        file.write_all(block.as_bytes()).unwrap();
    }
    let size = file.metadata().unwrap().len();
    let records: Vec<u8> =
        (0..size / 100).flat_map(|i| [i.to_le_bytes(), (i * 100).to_le_bytes()].concat()).collect();
    fs::write(log.index(), records).unwrap();
    let (lines, mut follower) = tail(&[log.source()], 1000).unwrap();
    assert_eq!(lines.len(), 1000);
    assert!(lines.iter().all(|line| line.text.len() == 47 && line.complete));
    assert_eq!(lines[999].at, Some(((size - 48) / 100).min(size / 100 - 1)));
    assert!(follower.bytes_read() < 1_000_000, "{} bytes read", follower.bytes_read());
    log.chunk(9, "more\n");
    check_poll(&mut follower, &[("more", Some(9))]);
    assert!(follower.bytes_read() < 1_000_000, "{} bytes read", follower.bytes_read());
}

#[test]
fn a_hole_of_200_mb_is_looked_at_only_so_far() {
    let log = Log::new();
    File::create(log.path()).unwrap().set_len(200_000_000).unwrap();
    log.chunk(5, "\nlast\n");
    check_tail(&log, 1, &[("last", Some(5))]);
    let (lines, _) = tail(&[log.source()], 1_000_000).unwrap();
    let total: usize = lines.iter().map(|line| line.text.len()).sum();
    assert!(total <= 64 << 20, "{total}");
    assert!(lines.iter().all(|line| line.text.len() <= MAX_LINE));
}

#[test]
fn a_very_long_line_comes_in_pieces_that_make_up_the_line() {
    let log = Log::new();
    let long = format!("{}é{}", "x".repeat(MAX_LINE - 1), "y".repeat(MAX_LINE));
    log.chunk(10, format!("{long}\n{}\nshort\n", "z".repeat(MAX_LINE)));
    let (lines, _) = tail(&[log.source()], 9).unwrap();
    let complete: Vec<bool> = lines.iter().map(|line| line.complete).collect();
    assert_eq!(complete, [false, false, true, true, true]);
    assert!(lines.iter().all(|line| line.text.len() <= MAX_LINE && std::str::from_utf8(&line.text).is_ok()));
    let joined: Vec<u8> = lines[..3].iter().flat_map(|line| line.text.clone()).collect();
    assert!(joined == long.as_bytes());
    assert_eq!(lines[3].text.len(), MAX_LINE);
}

#[test]
fn many_lines_of_one_chunk_keep_their_order() {
    let log = Log::new();
    let mut follower = follow(&log);
    let lines: Vec<String> = (0..50_000).map(|i| format!("line {i}")).collect();
    log.chunk(10, lines.join("\n") + "\n");
    let found = follower.poll().unwrap();
    assert!(found.iter().all(|line| line.at == Some(10) && line.complete));
    assert!(texts(&found) == lines);
}

#[test]
fn more_than_fits_in_one_poll_comes_with_the_next() {
    let log = Log::new();
    let mut follower = follow(&log);
    let lines: Vec<String> = (0..1_000_000).map(|i| format!("line {i:07}")).collect();
    log.chunk(10, lines.join("\n") + "\n");
    let mut found = Vec::new();
    while follower.changed() {
        found.extend(texts(&follower.poll().unwrap()));
    }
    assert!(found == lines);
}

#[test]
fn a_partial_line_waits_for_its_newline() {
    let log = Log::new();
    let mut follower = follow(&log);
    log.chunk(10, "Loading");
    assert!(follower.changed());
    assert!(follower.poll().unwrap().is_empty());
    assert!(!follower.changed());
    log.chunk(20, "... done\n");
    check_poll(&mut follower, &[("Loading... done", Some(10))]);
    log.chunk(30, "password: ");
    assert!(follower.poll().unwrap().is_empty());
    assert_eq!(shown(&follower.flush_partial()), [("password: +".into(), Some(30))]);
    assert!(follower.flush_partial().is_empty());
    log.chunk(40, "\n");
    check_poll(&mut follower, &[("", Some(40))]);
}

#[test]
fn a_file_that_does_not_exist_is_followed_when_it_comes() {
    let log = Log::new();
    let (lines, mut follower) = tail(&[log.source()], 9).unwrap();
    assert!(lines.is_empty());
    assert!(!follower.changed());
    assert!(follower.poll().unwrap().is_empty());
    log.chunk(10, "first\n");
    check_poll(&mut follower, &[("first", Some(10))]);
}

#[test]
fn after_a_truncation_it_reads_on_from_the_new_beginning() {
    let log = Log::new();
    log.chunk(10, "one\ntwo\nheld");
    let mut follower = follow(&log);
    log.chunk(15, " three\nhal");
    assert_eq!(texts(&follower.poll().unwrap()), [" three"]);
    log.truncate(0);
    assert!(follower.changed());
    assert_eq!(texts(&follower.poll().unwrap()), ["hal+"]);
    log.chunk(20, "new\n");
    check_poll(&mut follower, &[("new", Some(20))]);
    log.chunk(30, "newer\n");
    check_poll(&mut follower, &[("newer", Some(30))]);
}

#[test]
fn a_truncation_is_seen_in_the_index_when_the_file_has_grown_again() {
    let log = Log::new();
    log.chunk(10, "one\n");
    log.chunk(15, "two\n");
    let (_, mut follower) = tail(&[log.source()], 9).unwrap();
    log.truncate(0);
    log.chunk(20, "much longer than what was there before\n");
    log.chunk(30, "x\n");
    check_poll(&mut follower, &[("much longer than what was there before", Some(20)), ("x", Some(30))]);
}

#[test]
fn a_truncation_to_a_part_does_not_repeat_that_part() {
    let log = Log::new();
    log.chunk(10, "one\n");
    log.chunk(15, "two\n");
    log.chunk(16, "three\n");
    let (_, mut follower) = tail(&[log.source()], 9).unwrap();
    log.truncate(4);
    log.chunk(20, "new\n");
    log.chunk(25, "the newest\n");
    check_poll(&mut follower, &[("new", Some(20)), ("the newest", Some(25))]);
}

#[test]
fn a_record_that_comes_after_its_bytes_does_not_repeat_them() {
    let log = Log::new();
    log.chunk(10, "one\n");
    log.chunk(15, "two\n");
    let (_, mut follower) = tail(&[log.source()], 9).unwrap();
    log.truncate(0);
    log.write("new\n");
    assert_eq!(texts(&follower.poll().unwrap()), ["new"]);
    log.record(20, 0);
    assert!(follower.poll().unwrap().is_empty());
    log.chunk(30, "newer\n");
    check_poll(&mut follower, &[("newer", Some(30))]);
}

#[test]
fn a_record_without_bytes_repeats_nothing() {
    let log = Log::new();
    let mut follower = follow(&log);
    log.record(5, 0);
    log.chunk(10, "one\n");
    check_poll(&mut follower, &[("one", Some(10))]);
    log.record(15, 4);
    assert!(follower.poll().unwrap().is_empty());
    log.chunk(20, "two\n");
    check_poll(&mut follower, &[("two", Some(20))]);
}

#[test]
fn a_renamed_file_is_read_to_its_end_before_the_new_one() {
    let log = Log::new();
    log.chunk(10, "one\n");
    let mut follower = follow(&log);
    log.chunk(20, "two\nlast words");
    fs::rename(log.path(), log.dir.path().join("web-out.log.1")).unwrap();
    assert!(follower.changed());
    log.chunk(30, "new\n");
    log.chunk(40, "newer\n");
    check_poll(
        &mut follower,
        &[("two", Some(20)), ("last words+", Some(20)), ("new", Some(30)), ("newer", Some(40))],
    );
}

#[test]
fn a_writer_that_has_not_noticed_the_rename_is_still_heard() {
    let log = Log::new();
    log.chunk(10, "one\n");
    let mut follower = follow(&log);
    let old = log.dir.path().join("web-out.log.1");
    fs::rename(log.path(), &old).unwrap();
    log.write("");
    assert!(follower.poll().unwrap().is_empty());
    append(&old, b"late\n");
    assert!(follower.changed());
    assert_eq!(texts(&follower.poll().unwrap()), ["late"]);
    for _ in 0..100 {
        assert!(follower.poll().unwrap().is_empty());
    }
    log.chunk(20, "new\n");
    check_poll(&mut follower, &[("new", Some(20))]);
}

#[test]
fn a_removed_file_is_followed_while_it_is_written_and_then_its_successor() {
    let log = Log::new();
    log.chunk(10, "one\n");
    let old = File::options().write(true).open(log.path()).unwrap();
    let mut follower = follow(&log);
    fs::remove_file(log.path()).unwrap();
    old.write_all_at(b"unseen\n", 4).unwrap();
    assert_eq!(texts(&follower.poll().unwrap()), ["unseen"]);
    fs::remove_file(log.index()).unwrap();
    log.chunk(20, "new\n");
    check_poll(&mut follower, &[("new", Some(20))]);
}

#[test]
fn sources_come_and_go() {
    let (first, second) = (Log::new(), Log::new());
    let mut follower = Follower::default();
    first.chunk(10, "before\n");
    second.chunk(10, "from the start\n");
    follower.add(first.source_of(1, Stream::Out), Start::End).unwrap();
    follower.add(second.source_of(2, Stream::Out), Start::Beginning).unwrap();
    check_poll(&mut follower, &[("from the start", Some(10))]);
    follower.remove(ProcessId(1));
    first.chunk(20, "not heard\n");
    second.chunk(20, "heard\n");
    check_poll(&mut follower, &[("heard", Some(20))]);
}

#[test]
fn what_is_not_a_file_is_an_error_with_its_path() {
    let log = Log::new();
    fs::create_dir(log.path()).unwrap();
    let told = tail(&[log.source()], 1).unwrap_err().to_string();
    assert!(told.contains("web-out.log") && told.contains("not a regular file"), "{told}");
}

/// What somebody does to a log between two looks.
#[derive(Clone, Debug)]
enum Act {
    Chunk(Vec<u8>),
    Poll,
    Flush,
    Rename,
}

fn act() -> impl Strategy<Value = Act> {
    let byte = prop_oneof![3 => any::<u8>(), 2 => Just(b'\n')];
    prop_oneof![
        5 => prop::collection::vec(byte, 0..60).prop_map(Act::Chunk),
        4 => Just(Act::Poll),
        1 => Just(Act::Flush),
        1 => Just(Act::Rename),
    ]
}

proptest! {
    #[test]
    fn what_is_followed_is_what_was_written(acts in prop::collection::vec(act(), 0..60)) {
        let log = Log::new();
        let mut follower = follow(&log);
        let mut written = Vec::new();
        let mut found = Vec::new();
        let mut take = |lines: Vec<Line>| for line in lines {
            found.extend_from_slice(&line.text);
            if line.complete {
                found.push(b'\n');
            }
        };
        let mut time = 0;
        for act in acts {
            time += 1;
            match act {
                Act::Chunk(bytes) => {
                    log.chunk(time, &bytes);
                    written.extend(bytes);
                }
                Act::Poll => take(follower.poll().unwrap()),
                Act::Flush => take(follower.flush_partial()),
                Act::Rename => {
                    // A file that comes and goes between two looks cannot be heard.
                    take(follower.poll().unwrap());
                    let _ = fs::rename(log.path(), log.dir.path().join(format!("{time}")));
                }
            }
        }
        take(follower.poll().unwrap());
        while follower.changed() {
            take(follower.poll().unwrap());
        }
        take(follower.flush_partial());
        take(follower.flush_partial());
        prop_assert_eq!(found, written);
    }

    #[test]
    fn the_last_lines_are_those_of_the_whole_file(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\n')], 0..300),
        lines in 0_usize..40,
        cut in 0_usize..300,
    ) {
        let log = Log::new();
        let cut = cut.min(bytes.len());
        log.chunk(1, &bytes[..cut]);
        log.chunk(2, &bytes[cut..]);
        let mut all: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        if all.last().is_some_and(|last| last.is_empty()) {
            all.pop();
        }
        let (mut found, mut follower) = tail(&[log.source()], lines).unwrap();
        // The first bytes of a character wait for the others, unless one asks.
        if let Some(last) = found.last_mut() {
            last.text.extend(follower.flush_partial().into_iter().flat_map(|line| line.text));
        }
        let found: Vec<&[u8]> = found.iter().map(|line| line.text.as_slice()).collect();
        prop_assert_eq!(found, &all[all.len().saturating_sub(lines)..]);
    }
}

#[test]
fn following_a_real_writer_loses_and_doubles_nothing() {
    let log = Log::new();
    let mut follower = follow(&log);
    let path = log.path();
    let writer = std::thread::spawn(move || {
        let mut file = File::options().create(true).append(true).open(&path).unwrap();
        for i in 0..20_000 {
            file.write_all(format!("line {i}\n").as_bytes()).unwrap();
        }
        let mut whole = String::new();
        File::open(&path).unwrap().read_to_string(&mut whole).unwrap();
        whole
    });
    let mut found = Vec::new();
    while !writer.is_finished() || follower.changed() {
        found.extend(texts(&follower.poll().unwrap()));
    }
    let whole = writer.join().unwrap();
    assert!(found.iter().map(String::as_str).eq(whole.lines()));
}
