//! What comes behind them.

use std::io::Read;
use std::os::unix::fs::FileExt;

use super::*;

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
