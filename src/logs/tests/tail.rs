//! The last lines.

use super::*;

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
    let mut follower = open(&[log.source()], Start::Tail(1), Filter::default(), Until::Ever);
    assert_eq!(texts(&take(&mut follower)), [""; 0]);
    assert_eq!(texts(&unfinished(&mut follower)), ["not yet+"]);
    log.chunk(20, " done\nnext\n");
    check_poll(&mut follower, &[(" done", Some(20)), ("next", Some(20))]);
}

#[test]
fn nul_and_what_is_not_utf8_do_not_disturb() {
    let log = Log::new();
    log.chunk(10, b"a\0b\n\xff\xfe\n\n\xf0\x9f\n");
    let lines = last(&[log.source()], 9);
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
    assert!(poll(&mut follower).is_empty());
    assert_eq!(texts(&unfinished(&mut follower)), ["x+"]);
    log.chunk(20, [&smile[2..], b"y\n"].concat());
    assert_eq!(texts(&poll(&mut follower)), ["😀y"]);
}

#[test]
fn a_file_without_an_index_has_lines_without_times() {
    let log = Log::new();
    log.write("one\ntwo\n");
    check_tail(&log, 9, &[("one", None), ("two", None)]);
    let mut follower = follow(&log);
    log.write("three\n");
    check_poll(&mut follower, &[("three", None)]);
    log.record(50, 14);
    log.write("four\n");
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
    append(&log.index(), &record(20, 4)[..8]);
    log.write("two\n");
    check_tail(&log, 9, &[("one", Some(10)), ("two", Some(10))]);
    append(&log.index(), &record(20, 4)[8..]);
    check_tail(&log, 9, &[("one", Some(10)), ("two", Some(20))]);
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
    let lines = last(&sources, 9);
    assert_eq!(texts(&lines), ["o1", "o2", "e1", "e2", "o3", "e3"]);
    assert_eq!((lines[0].stream, lines[2].stream), (Stream::Out, Stream::Err));
    assert_eq!(texts(&last(&sources, 3)), ["e2", "o3", "e3"]);
    let mut follower = open(&sources, Start::Tail(0), Filter::default(), Until::Ever);
    assert!(take(&mut follower).is_empty());
    err.chunk(40, "e4\n");
    out.chunk(35, "o4\n");
    assert_eq!(texts(&poll(&mut follower)), ["o4", "e4"]);
}

#[test]
fn a_clock_that_was_set_back_does_not_change_the_order_of_a_file() {
    let (out, err) = (Log::new(), Log::new());
    out.chunk(100, "o1\n");
    out.chunk(50, "o2\n");
    err.chunk(70, "e1\n");
    let sources = [out.source_of(1, Stream::Out), err.source_of(1, Stream::Err)];
    assert_eq!(texts(&last(&sources, 9)), ["e1", "o1", "o2"]);
}

#[test]
fn an_index_of_another_version_says_nothing() {
    let log = Log::new();
    log.write("one\n");
    append(&log.index(), &record(10, 0));
    check_tail(&log, 9, &[("one", None)]);
}

#[test]
fn both_streams_in_one_file_are_read_once() {
    let log = Log::new();
    log.chunk(10, "one\n");
    let sources = [log.source_of(1, Stream::Out), log.source_of(1, Stream::Err)];
    let mut follower = open(&sources, Start::Tail(9), Filter::default(), Until::Ever);
    assert_eq!(texts(&take(&mut follower)), ["one"]);
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
    let records = (0..size / 100).map(|i| record(i, i * 100));
    let records: Vec<u8> = std::iter::once(header(1)).chain(records).flatten().collect();
    fs::write(log.index(), records).unwrap();
    let before = super::super::handle::bytes_read();
    let lines = last(&[log.source()], 1000);
    let cost = super::super::handle::bytes_read() - before;
    assert_eq!(lines.len(), 1000);
    assert!(lines.iter().all(|line| line.text.len() == 47 && line.complete));
    assert_eq!(lines[999].at, Some(((size - 48) / 100).min(size / 100 - 1)));
    assert!(cost < 500_000, "{cost} bytes read");
}

#[test]
fn a_very_long_line_comes_in_pieces_that_make_up_the_line() {
    let log = Log::new();
    let long = format!("{}é{}", "x".repeat(MAX_LINE - 1), "y".repeat(MAX_LINE));
    log.chunk(10, format!("{long}\n{}\nshort\n", "z".repeat(MAX_LINE)));
    let lines = last(&[log.source()], 9);
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
    let found = poll(&mut follower);
    assert!(found.iter().all(|line| line.at == Some(10) && line.complete));
    assert!(texts(&found) == lines);
}
