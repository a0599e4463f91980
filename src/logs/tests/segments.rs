//! A row of segments is one stream of bytes.

use super::super::handle::bytes_read;
use super::*;

#[test]
fn lines_are_joined_over_borders_in_whatever_form() {
    for compressed in [vec![], vec![1], vec![1, 2], vec![2]] {
        let log = Log::new();
        log.chunk(10, "one\nt");
        log.rotate();
        log.chunk(20, "w");
        log.rotate();
        log.chunk(30, "o\nthree");
        compressed.iter().for_each(|number| log.compress(*number));
        let expected = [("one", Some(10)), ("two", Some(10)), ("three+", Some(30))];
        check_tail(&log, 9, &expected);
        check_tail(&log, 2, &expected[1..]);
        check_tail(&log, 1, &expected[2..]);
        let expected = ["one", "two", "three+"];
        assert_eq!(texts(&read(&[log.source()], Start::Beginning)), expected);
    }
}

#[test]
fn a_hole_in_the_row_cuts_the_line() {
    let log = Log::new();
    for (at, text) in [(10, "one\nt"), (20, "lost\nlost"), (30, "rest\nlast\n")] {
        log.chunk(at, text);
        log.rotate();
    }
    log.remove(2);
    let mut reading = open(&[log.source()], Start::Beginning, Filter::default(), Until::Now);
    let (lines, gone) = take_all(&mut reading);
    assert_eq!((texts(&lines), gone), (["one", "t+", "rest", "last"].map(str::to_owned).to_vec(), 1));
    check_tail(&log, 2, &[("rest", Some(30)), ("last", Some(30))]);
}

#[test]
fn a_crash_in_the_middle_of_a_rotation_is_no_obstacle() {
    let log = Log::new();
    log.chunk(10, "one\n");
    log.rotate();
    log.chunk(20, "two\n");
    fs::rename(log.index(), index_path(&closed_path(&log.path(), 2))).unwrap();
    check_tail(&log, 9, &[("one", Some(10)), ("two", Some(20))]);
    let line = &last(&[log.source()], 1)[0];
    assert_eq!(line.start, Position { segment: 2, offset: 0 });
    fs::rename(log.path(), closed_path(&log.path(), 2)).unwrap();
    check_tail(&log, 9, &[("one", Some(10)), ("two", Some(20))]);
}

#[test]
fn a_log_without_an_index_has_the_number_that_its_writer_will_give_it() {
    let log = Log::new();
    log.write("one\n");
    assert_eq!(last(&[log.source()], 1)[0].end, Position { segment: 1, offset: 4 });
    log.chunk(10, "");
    log.rotate();
    fs::remove_file(log.index()).unwrap();
    log.write("two\n");
    assert_eq!(last(&[log.source()], 1)[0].start, Position { segment: 2, offset: 0 });
}

#[test]
fn files_of_others_beside_it_are_none_of_its_segments() {
    let log = Log::new();
    log.chunk(10, "one\n");
    for name in ["web-out.log.1", "web-out.log.000001.zst.tmp", "web-out.log.gz", "web-out.logs.000001"] {
        fs::write(log.dir.path().join(name), "foreign\n").unwrap();
    }
    check_tail(&log, 9, &[("one", Some(10))]);
}

#[test]
fn the_last_lines_unpack_no_more_than_they_need() {
    let log = Log::new();
    let line = "0123456789 0123456789 0123456789 0123456789 012345\n";
    for at in 1..=5 {
        log.chunk(at, line.repeat(20_000));
        let number = log.rotate();
        log.compress(number);
    }
    log.chunk(9, line.repeat(10));
    let before = bytes_read();
    assert_eq!(last(&[log.source()], 9).len(), 9);
    let plain = bytes_read() - before;
    assert!(plain < 20_000, "{plain} bytes for what is not compressed");
    let before = bytes_read();
    assert_eq!(last(&[log.source()], 11).len(), 11);
    let one = bytes_read() - before;
    assert!(one < 2_300_000, "{one} bytes for a segment of 1 MB, once backwards and once forwards");
}

#[test]
fn a_huge_compressed_segment_is_unpacked_to_a_file() {
    let log = Log::new();
    let block = "0123456789abcdef0123456789abcde\n".repeat(1 << 15);
    for _ in 0..40 {
        log.write(&block);
    }
    log.record(10, 0);
    let number = log.rotate();
    log.compress(number);
    let lines = last(&[log.source()], 3);
    assert_eq!(texts(&lines), ["0123456789abcdef0123456789abcde"; 3]);
    let names: Vec<_> = fs::read_dir(log.dir.path()).unwrap().collect();
    assert_eq!(names.len(), 4, "nothing is left: {names:?}");
}
