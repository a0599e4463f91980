//! Going on, and going back.

use super::*;

fn log_of(lines: std::ops::Range<u32>) -> Log {
    let log = Log::new();
    for i in lines {
        log.chunk(u64::from(i) * 10, format!("line {i}\n"));
        if i % 3 == 0 {
            let number = log.rotate();
            if i % 2 == 0 {
                log.compress(number);
            }
        }
    }
    log
}

#[test]
fn after_each_line_come_exactly_the_others() {
    let (out, err) = (log_of(1..12), log_of(1..8));
    let sources = [out.source_of(1, Stream::Out), err.source_of(1, Stream::Err)];
    let all = read(&sources, Start::Beginning);
    assert_eq!(all.len(), 18);
    let mut reading = open(&sources, Start::Beginning, Filter::default(), Until::Now);
    for i in 0..all.len() {
        let Some(Item::Line(line)) = reading.next_item().unwrap() else { panic!("line {i}") };
        let cursor = reading.cursor_of(&line);
        assert_eq!(read(&sources, Start::After(cursor.clone())), all[i + 1..], "after {i}");
        assert_eq!(read(&sources, Start::Before(cursor.clone(), 100)), all[..i], "before {i}");
        assert_eq!(read(&sources, Start::Before(cursor, 2)), all[i.saturating_sub(2)..i], "two before {i}");
    }
}

#[test]
fn a_cursor_stays_exact_while_the_log_is_rotated_and_compressed() {
    let log = Log::new();
    log.chunk(10, "one\ntwo\nthr");
    let mut reading = open(&[log.source()], Start::Tail(2), Filter::default(), Until::Ever);
    assert_eq!(texts(&take(&mut reading)), ["two"]);
    let cursor = reading.cursor();
    log.chunk(20, "ee\n");
    let number = log.rotate();
    log.compress(number);
    log.chunk(30, "four\n");
    assert_eq!(texts(&read(&[log.source()], Start::After(cursor))), ["three", "four"]);
}

#[test]
fn what_was_removed_behind_a_cursor_is_told() {
    let log = log_of(1..12);
    let cursor = {
        let mut reading = open(&[log.source()], Start::Beginning, Filter::default(), Until::Now);
        let Some(Item::Line(line)) = reading.next_item().unwrap() else { panic!("no line") };
        reading.cursor_of(&line)
    };
    log.remove(1);
    log.remove(2);
    let mut reading = open(&[log.source()], Start::After(cursor), Filter::default(), Until::Now);
    let (lines, gone) = take_all(&mut reading);
    assert_eq!((lines[0].text.as_slice(), gone), (b"line 7".as_slice(), 1));
}

#[test]
fn a_cursor_of_another_log_is_told_as_a_loss() {
    let log = log_of(1..3);
    let mut cursor = Cursor::default();
    cursor.put((ProcessId(1), Stream::Out), Position { segment: 99, offset: 5 });
    let mut reading = open(&[log.source()], Start::After(cursor), Filter::default(), Until::Ever);
    let (lines, gone) = take_all(&mut reading);
    assert_eq!((texts(&lines), gone), (vec!["line 1".to_owned(), "line 2".to_owned()], 1));
}

#[test]
fn a_log_that_a_cursor_does_not_know_is_read_from_its_beginning() {
    let (old, new) = (log_of(1..3), log_of(1..3));
    let mut reading = open(&[old.source_of(1, Stream::Out)], Start::Tail(1), Filter::default(), Until::Now);
    take(&mut reading);
    let sources = [old.source_of(1, Stream::Out), new.source_of(2, Stream::Out)];
    let lines = read(&sources, Start::After(reading.cursor()));
    assert_eq!(texts(&lines), ["line 1", "line 2"]);
    assert!(lines.iter().all(|line| line.process == ProcessId(2)));
}
