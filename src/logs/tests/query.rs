//! Only some of them.

use super::super::handle::bytes_read;
use super::*;

fn log() -> Log {
    let log = Log::new();
    for i in 1..=30_u64 {
        let level = ["INFO", "WARN", "ERROR"][i as usize % 3];
        log.chunk(i * 10, format!("{level} line {i}\n"));
        if i % 10 == 0 {
            let number = log.rotate();
            if i == 10 {
                log.compress(number);
            }
        }
    }
    log
}

fn numbers(lines: &[Line]) -> Vec<u64> {
    let number = |line: &Line| clean(&line.text).rsplit(' ').next().unwrap().parse().unwrap();
    lines.iter().map(number).collect()
}

#[test]
fn a_span_of_time_is_exact_over_all_segments() {
    let log = log();
    let check = |since: Option<u64>, until: Option<u64>, expected: std::ops::RangeInclusive<u64>| {
        let source = Source { since, until, ..log.source() };
        let lines = read(std::slice::from_ref(&source), Start::Beginning);
        assert_eq!(numbers(&lines), expected.clone().collect::<Vec<_>>(), "{since:?} {until:?}");
        let mut two: Vec<u64> = expected.rev().take(2).collect();
        two.reverse();
        assert_eq!(numbers(&last(&[source], 2)), two, "the last two of {since:?} {until:?}");
    };
    check(None, None, 1..=30);
    check(Some(0), Some(u64::MAX), 1..=30);
    check(Some(150), None, 15..=30);
    check(Some(145), Some(154), 15..=15);
    check(None, Some(104), 1..=10);
    check(Some(101), Some(110), 11..=11);
    check(Some(300), None, 30..=30);
    #[allow(clippy::reversed_empty_ranges, reason = "nothing")]
    check(Some(301), None, 1..=0);
    #[allow(clippy::reversed_empty_ranges, reason = "nothing")]
    check(None, Some(9), 1..=0);
}

#[test]
fn a_line_belongs_to_the_time_of_its_first_byte() {
    let log = Log::new();
    log.chunk(10, "one\ntw");
    log.chunk(20, "o\nthree\n");
    let of = |since, until| texts(&read(&[Source { since, until, ..log.source() }], Start::Beginning));
    assert_eq!(of(Some(20), None), ["three"]);
    assert_eq!(of(None, Some(10)), ["one", "two"]);
}

#[test]
fn patterns_and_levels_choose_lines_forward_and_backward() {
    let log = log();
    let check = |filter: Filter, expected: &[u64]| {
        let all = take(&mut open(&[log.source()], Start::Beginning, filter.clone(), Until::Now));
        assert_eq!(numbers(&all), expected);
        let three = take(&mut open(&[log.source()], Start::Tail(3), filter, Until::Now));
        assert_eq!(numbers(&three), expected[expected.len().saturating_sub(3)..]);
    };
    let grep = |pattern: &str| Some(Grep::new(pattern).unwrap());
    check(Filter { grep: grep("line [12]$"), level: None }, &[1, 2]);
    check(Filter { grep: grep("line .5"), level: None }, &[15, 25]);
    check(Filter { grep: grep("nothing"), level: None }, &[]);
    check(Filter { grep: None, level: Some(Level::Error) }, &[2, 5, 8, 11, 14, 17, 20, 23, 26, 29]);
    check(Filter { grep: grep("line 2"), level: Some(Level::Warn) }, &[2, 20, 22, 23, 25, 26, 28, 29]);
}

#[test]
fn what_a_pattern_passes_over_moves_the_cursor_on() {
    let log = log();
    let filter = Filter { grep: Some(Grep::new("line 5").unwrap()), level: None };
    let mut reading = open(&[log.source()], Start::Beginning, filter, Until::Now);
    assert_eq!(numbers(&take(&mut reading)), [5]);
    assert!(read(&[log.source()], Start::After(reading.cursor())).is_empty());
}

#[test]
fn many_lines_that_are_not_wanted_do_not_keep_the_reader_from_pausing() {
    let log = Log::new();
    for _ in 0..20 {
        log.write("0123456789abcde\n".repeat(1 << 16));
    }
    log.record(10, 0);
    let filter = Filter { grep: Some(Grep::new("needle").unwrap()), level: None };
    let mut reading = open(&[log.source()], Start::Beginning, filter, Until::Now);
    let before = bytes_read();
    assert_eq!(reading.next_item().unwrap(), Some(Item::Busy));
    assert!(bytes_read() - before < 10_000_000);
    assert!(take(&mut reading).is_empty());
}

#[test]
fn the_last_lines_of_many_logs_read_little_of_each() {
    let logs: Vec<Log> = (0..20).map(|_| Log::new()).collect();
    for (i, log) in (0..).zip(&logs) {
        for _ in 0..4 {
            log.chunk(i, "0123456789abcde\n".repeat(1 << 14));
            let number = log.rotate();
            log.compress(number);
        }
    }
    let sources: Vec<Source> = (0..).zip(&logs).map(|(i, log)| log.source_of(i, Stream::Out)).collect();
    let before = bytes_read();
    let lines = last(&sources, 10);
    assert!(lines.iter().all(|line| line.process == ProcessId(19)));
    let cost = bytes_read() - before;
    // One of the logs is unpacked, once backwards and once forwards.
    assert!(cost < 1_000_000, "{cost} bytes");
}
