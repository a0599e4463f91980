//! What comes behind them.

use super::*;

#[test]
fn more_than_fits_in_one_block_comes_whole() {
    let log = Log::new();
    let mut follower = follow(&log);
    let lines: Vec<String> = (0..300_000).map(|i| format!("line {i:07}")).collect();
    log.chunk(10, lines.join("\n") + "\n");
    assert!(texts(&poll(&mut follower)) == lines);
}

#[test]
fn a_partial_line_waits_for_its_newline() {
    let log = Log::new();
    let mut follower = follow(&log);
    log.chunk(10, "Loading");
    assert!(poll(&mut follower).is_empty());
    log.chunk(20, "... done\n");
    check_poll(&mut follower, &[("Loading... done", Some(10))]);
    log.chunk(30, "password: ");
    assert!(poll(&mut follower).is_empty());
    assert_eq!(shown(&unfinished(&mut follower)), [("password: +".into(), Some(30))]);
    assert!(unfinished(&mut follower).is_empty());
    log.chunk(40, "\n");
    check_poll(&mut follower, &[("", Some(40))]);
}

#[test]
fn a_log_that_does_not_exist_is_followed_when_it_comes() {
    let log = Log::new();
    let mut follower = follow(&log);
    assert!(poll(&mut follower).is_empty());
    log.chunk(10, "first\n");
    check_poll(&mut follower, &[("first", Some(10))]);
}

#[test]
fn a_log_that_is_defined_later_is_read_from_its_beginning() {
    let (early, late) = (Log::new(), Log::new());
    let mut follower = follow(&early);
    late.chunk(10, "there before\n");
    let both = [early.source(), late.source_of(2, Stream::Out)].to_vec();
    follower.follow(both.clone()).unwrap();
    follower.follow(both).unwrap();
    check_poll(&mut follower, &[("there before", Some(10))]);
    late.chunk(20, "its last\nand half a");
    follower.follow(vec![early.source()]).unwrap();
    late.chunk(25, " line\nunheard\n");
    early.chunk(30, "heard\n");
    check_poll(&mut follower, &[("its last", Some(20)), ("and half a+", Some(20)), ("heard", Some(30))]);
    assert_eq!(follower.logs().collect::<Vec<_>>(), [early.source().log()]);
}

#[test]
fn a_log_that_is_deleted_and_begun_anew_is_read_to_its_end_and_then_from_its_beginning() {
    let log = Log::new();
    let mut follower = follow(&log);
    for process in 2..20 {
        let now = u64::from(process) * 100;
        let old = log.source_of(process - 1, Stream::Out);
        log.chunk(now, "old, seen\n");
        assert_eq!(texts(&poll(&mut follower)), ["old, seen"]);
        log.chunk(now + 1, "old, not seen yet\n");
        std::fs::remove_file(log.path()).unwrap();
        std::fs::remove_file(log.index()).unwrap();
        log.chunk(now + 2, "new\n");
        follower.follow(vec![log.source_of(process, Stream::Out)]).unwrap();
        let lines = poll(&mut follower);
        let names: Vec<(String, String)> =
            lines.iter().map(|line| (line.name.to_string(), clean(&line.text))).collect();
        let expected = [(old.name, "old, not seen yet"), (format!("web-{process}"), "new")];
        assert_eq!(names, expected.map(|(name, text)| (name, text.to_owned())));
        assert_eq!(follower.logs().count(), 1);
    }
}

#[test]
fn a_log_of_several_goes_on_when_the_first_of_them_is_gone() {
    let log = Log::new();
    let both = [log.source(), log.source_of(2, Stream::Out)];
    let mut follower = open(&both, Start::Tail(0), Filter::default(), Until::Ever);
    log.chunk(10, "both\n");
    check_poll(&mut follower, &[("both", Some(10))]);
    follower.follow(vec![both[1].clone()]).unwrap();
    log.rotate();
    log.chunk(20, "the second\n");
    let lines = poll(&mut follower);
    assert_eq!((texts(&lines), &*lines[0].name), (vec!["the second".to_owned()], "web-2"));
    assert_eq!(follower.cursor().after(both[0].log()), Position::BEGINNING);
    assert_ne!(follower.cursor().after(both[1].log()), Position::BEGINNING);
}

#[test]
fn rotation_is_not_seen_by_a_follower() {
    let log = Log::new();
    log.chunk(10, "one\n");
    let mut follower = follow(&log);
    log.chunk(20, "two\nthr");
    log.rotate();
    log.chunk(30, "ee\nfour\n");
    check_poll(&mut follower, &[("two", Some(20)), ("three", Some(20)), ("four", Some(30))]);
    log.chunk(40, "five\n");
    for _ in 0..3 {
        log.rotate();
    }
    log.chunk(50, "six\n");
    check_poll(&mut follower, &[("five", Some(40)), ("six", Some(50))]);
}

#[test]
fn a_segment_that_is_being_read_may_be_compressed_and_removed() {
    let log = Log::new();
    log.chunk(10, "one\n");
    let mut follower = open(&[log.source()], Start::Beginning, Filter::default(), Until::Ever);
    assert_eq!(texts(&take(&mut follower)), ["one"]);
    log.chunk(20, "two\n");
    let first = log.rotate();
    log.chunk(30, "three\n");
    log.compress(first);
    log.remove(first);
    check_poll(&mut follower, &[("two", Some(20)), ("three", Some(30))]);
}

#[test]
fn a_follower_that_is_overtaken_by_removal_is_told() {
    let log = Log::new();
    log.chunk(10, "one\n");
    let mut follower = follow(&log);
    for (at, text) in [(20, "two\n"), (30, "three\n"), (40, "four\n")] {
        log.rotate();
        log.chunk(at, text);
    }
    log.remove(2);
    log.remove(3);
    follower.refresh();
    let (lines, gone) = take_all(&mut follower);
    assert_eq!((texts(&lines), gone), (vec!["four".to_owned()], 1));
}

#[test]
fn between_the_two_names_of_a_rotation_nothing_is_lost() {
    let log = Log::new();
    log.chunk(10, "one\n");
    let mut follower = follow(&log);
    log.chunk(20, "two\n");
    let closed = closed_path(&log.path(), 1);
    fs::rename(log.index(), index_path(&closed)).unwrap();
    check_poll(&mut follower, &[("two", Some(20))]);
    append(&log.path(), b"three\n");
    append(&index_path(&closed), &record(30, 8));
    check_poll(&mut follower, &[("three", Some(30))]);
    fs::rename(log.path(), &closed).unwrap();
    assert!(poll(&mut follower).is_empty());
    log.begin(2);
    assert!(poll(&mut follower).is_empty());
    log.chunk(40, "four\n");
    check_poll(&mut follower, &[("four", Some(40))]);
}

#[test]
fn after_a_truncation_it_reads_on_from_the_new_beginning() {
    let log = Log::new();
    log.chunk(10, "one\ntwo\nheld");
    let mut follower = follow(&log);
    log.chunk(15, " three\nhal");
    assert_eq!(texts(&poll(&mut follower)), [" three"]);
    log.truncate(0);
    assert!(poll(&mut follower).is_empty());
    log.begin(2);
    log.chunk(20, "new\n");
    check_poll(&mut follower, &[("hal+", Some(15)), ("new", Some(20))]);
    log.chunk(30, "newer\n");
    check_poll(&mut follower, &[("newer", Some(30))]);
}

#[test]
fn a_truncation_is_seen_by_the_number_when_the_file_has_grown_again() {
    let log = Log::new();
    log.chunk(10, "one\n");
    let mut follower = follow(&log);
    log.truncate(0);
    log.begin(2);
    log.chunk(20, "much longer than what was there before\n");
    log.chunk(30, "x\n");
    check_poll(&mut follower, &[("much longer than what was there before", Some(20)), ("x", Some(30))]);
}

#[test]
fn a_file_that_others_move_away_is_read_to_its_end_before_the_new_one() {
    let log = Log::new();
    log.chunk(10, "one\n");
    let mut follower = follow(&log);
    log.chunk(20, "two\nlast words");
    fs::rename(log.path(), log.dir.path().join("web-out.log.1")).unwrap();
    assert_eq!(texts(&poll(&mut follower)), ["two"]);
    log.begin(2);
    log.chunk(30, "new\n");
    check_poll(&mut follower, &[("last words+", Some(20)), ("new", Some(30))]);
}

#[test]
fn a_line_whose_record_comes_late_has_its_own_time() {
    let log = Log::new();
    log.chunk(10, "one\n");
    let mut follower = open(&[log.source()], Start::Beginning, Filter::default(), Until::Ever);
    assert_eq!(texts(&take(&mut follower)), ["one"]);
    log.write("two\n");
    follower.refresh();
    assert!(take(&mut follower).is_empty(), "its record is about to come");
    log.record(20, 4);
    check_poll(&mut follower, &[("two", Some(20))]);
    // A writer that died in between never writes it.
    log.write("three\n");
    check_poll(&mut follower, &[("three", Some(20))]);
}

#[test]
fn what_is_no_file_is_refused_with_its_path() {
    let log = Log::new();
    fs::create_dir(log.path()).unwrap();
    let error =
        Reading::open(vec![log.source()], &Start::Tail(1), Filter::default(), Until::Now).unwrap_err();
    assert!(error.to_string().contains("web-out.log"), "{error}");
}
