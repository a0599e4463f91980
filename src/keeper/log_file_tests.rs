use super::*;
use crate::model::log_segment::{closed_path, compressed_path, index_path};
use std::io::Write;

const NEVER: Segments = Segments { max_size: None, max_age: None };

fn sized(max_size: u64) -> Segments {
    Segments { max_size: Some(max_size), ..NEVER }
}

fn pipe_with(bytes: &[u8]) -> (io::PipeReader, io::PipeWriter) {
    let (reader, mut writer) = io::pipe().unwrap();
    writer.write_all(bytes).unwrap();
    (reader, writer)
}

/// Writes all of it, in as many moves as it takes.
fn write(log: &mut LogFile, bytes: &[u8]) {
    let (reader, writer) = pipe_with(bytes);
    drop(writer);
    while log.take(reader.as_fd(), 1 << 20, None).unwrap() > 0 {}
}

fn number(log: &Path) -> u64 {
    Index::open(log).unwrap().unwrap().number()
}

/// All segments by number, then the active one.
fn all(log: &Path) -> String {
    let closed = (1..100).map(|number| closed_path(log, number)).filter(|path| path.exists());
    closed.chain([log.to_owned()]).map(|path| fs::read_to_string(path).unwrap_or_default()).collect()
}

#[test]
fn a_log_is_continued_at_its_end_by_splice_and_by_copy() {
    for copies in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/a.log");
        let mut log = LogFile::open(&path, NEVER).unwrap();
        log.copies = copies;
        write(&mut log, b"one\n");
        write(&mut LogFile::open(&path, NEVER).unwrap(), b"two");
        assert_eq!(fs::read(&path).unwrap(), b"one\ntwo");
        assert_eq!(number(&path), 1);
    }
}

#[test]
fn a_copy_that_is_not_taken_is_held_and_written_first_the_next_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = LogFile::open(&dir.path().join("a.log"), NEVER).unwrap();
    log.copies = true;
    let (reader, writer) = pipe_with(b"two");
    log.file = File::open("/dev/null").unwrap();
    let mut pipe = File::from(reader.as_fd().try_clone_to_owned().unwrap());
    assert!(log.copy_piece(&mut pipe, 0).is_err(), "it is not open for writing");
    assert_eq!(log.held(), 3);
    drop(writer);
    log.file = open_or_create(&log.path).unwrap();
    assert_eq!(log.take(reader.as_fd(), 1 << 20, None).unwrap(), 3);
    assert_eq!((log.held(), fs::read(&log.path).unwrap()), (0, b"two".to_vec()));
}

#[test]
fn null_is_a_log_without_an_index() {
    let mut log = LogFile::open(Path::new("/dev/null"), sized(1)).unwrap();
    write(&mut log, b"gone");
    log.rotate().unwrap();
    assert!(!Path::new("/dev/null.idx").exists() && !Path::new("/dev/null.000001").exists());
}

#[test]
fn links_directories_and_fifos_are_not_logs() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(dir.path().join("target"), &link).unwrap();
    assert!(LogFile::open(&link, NEVER).is_err());
    assert!(LogFile::open(dir.path(), NEVER).is_err());
    let fifo = dir.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(LogFile::open(&fifo, NEVER).is_err());
}

#[test]
fn a_full_segment_is_closed_behind_the_line_that_fills_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let mut log = LogFile::open(&path, sized(10)).unwrap();
    write(&mut log, b"0123456789abc\n0123\n56789\nrest");
    let closed = |number| fs::read_to_string(closed_path(&path, number)).unwrap();
    assert_eq!((closed(1).as_str(), closed(2).as_str()), ("0123456789abc\n", "0123\n56789\n"));
    assert_eq!((fs::read_to_string(&path).unwrap().as_str(), number(&path)), ("rest", 3));
    for (log, last) in [(closed_path(&path, 1), 10), (closed_path(&path, 2), 10), (path.clone(), 0)] {
        let index = Index::open(&log).unwrap().unwrap();
        assert_eq!(index.last_offset().unwrap(), Some(last), "{}", log.display());
    }
}

#[test]
fn a_line_that_has_not_ended_yet_is_waited_for_and_one_without_end_is_cut() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let mut log = LogFile::open(&path, sized(4)).unwrap();
    write(&mut log, b"01234567");
    assert!(!closed_path(&path, 1).exists(), "the rest of the line may come");
    write(&mut log, b"89\nnext");
    assert_eq!(fs::read_to_string(closed_path(&path, 1)).unwrap(), "0123456789\n");
    let mut log = LogFile::open(&path, sized(10_000)).unwrap();
    let endless = "x".repeat(60_000);
    for _ in 0..4 {
        write(&mut log, endless.as_bytes());
    }
    assert!(closed_path(&path, 2).exists());
    assert_eq!(all(&path), format!("0123456789\nnext{}", endless.repeat(4)));
}

#[test]
fn an_old_segment_is_closed_with_the_next_output() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let mut log = LogFile::open(&path, Segments { max_age: Some(3600), ..NEVER }).unwrap();
    write(&mut log, b"one\n");
    write(&mut log, b"two\n");
    assert!(!closed_path(&path, 1).exists());
    // As if the first had come two hours ago.
    let hours_ago = crate::model::log_segment::record(now() - 7_200_000_000, 0);
    let index = fs::OpenOptions::new().write(true).open(index_path(&path)).unwrap();
    index.write_all_at(&hours_ago, 16).unwrap();
    let mut log = LogFile::open(&path, Segments { max_age: Some(3600), ..NEVER }).unwrap();
    write(&mut log, b"three\n");
    assert_eq!(fs::read_to_string(closed_path(&path, 1)).unwrap(), "one\ntwo\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
}

#[test]
fn a_keeper_that_dies_between_any_two_steps_of_a_rotation_loses_and_doubles_nothing() {
    for done in 0..=segments::STEPS.len() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.log");
        for _ in 0..3 {
            write(&mut LogFile::open(&path, NEVER).unwrap(), b"before\n");
            let number = number(&path);
            for step in &segments::STEPS[..done] {
                step(&path, number).unwrap();
            }
            write(&mut LogFile::open(&path, NEVER).unwrap(), b"after\n");
            assert!(fs::read_to_string(&path).unwrap().ends_with("after\n"));
            let expected = if done == 0 { number } else { number + 1 };
            assert_eq!(self::number(&path), expected, "after {done} steps");
            let index = Index::open(&path).unwrap().unwrap();
            assert!(index.last_offset().unwrap() < Some(fs::metadata(&path).unwrap().len()));
        }
        assert_eq!(all(&path), "before\nafter\n".repeat(3), "after {done} steps");
    }
}

#[test]
fn a_number_is_never_used_for_other_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let mut log = LogFile::open(&path, NEVER).unwrap();
    let expect = |log: &mut LogFile, number: u64, text: &str, why: &str| {
        write(log, b"x\n");
        assert_eq!(
            (self::number(&path), fs::read_to_string(&path).unwrap().as_str()),
            (number, text),
            "{why}"
        );
    };
    expect(&mut log, 1, "x\n", "new");
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
    expect(&mut log, 2, "x\n", "truncated");
    fs::remove_file(&path).unwrap();
    expect(&mut log, 3, "x\n", "removed");
    fs::rename(&path, dir.path().join("a.log.1")).unwrap();
    expect(&mut log, 4, "x\n", "moved away");
    fs::rename(&path, dir.path().join("a.log.1")).unwrap();
    fs::write(&path, "theirs\n").unwrap();
    expect(&mut log, 5, "theirs\nx\n", "moved away and made anew");
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"theirs\n").unwrap();
    expect(&mut log, 5, "theirs\nx\ntheirs\nx\n", "somebody else added to it");
    // The same while no keeper has it open.
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1).unwrap();
    expect(&mut LogFile::open(&path, NEVER).unwrap(), 6, "tx\n", "cut meanwhile");
    fs::remove_file(&path).unwrap();
    expect(&mut LogFile::open(&path, NEVER).unwrap(), 7, "x\n", "removed meanwhile");
    fs::remove_file(&path).unwrap();
    fs::remove_file(index_path(&path)).unwrap();
    fs::write(compressed_path(&path, 41), "").unwrap();
    segments::look_anew();
    expect(&mut LogFile::open(&path, NEVER).unwrap(), 42, "x\n", "only a closed segment is left");
    fs::write(index_path(&path), [0; 64]).unwrap();
    // What it was is not known any more; the closed ones are.
    expect(&mut LogFile::open(&path, NEVER).unwrap(), 42, "x\nx\n", "an index of another version");
}

#[test]
fn a_segment_that_cannot_be_closed_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let mut log = LogFile::open(&path, sized(4)).unwrap();
    fs::create_dir_all(closed_path(&path, 1).join("in the way")).unwrap();
    write(&mut log, b"1234\n5678\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "1234\n5678\n");
    fs::remove_dir_all(closed_path(&path, 1)).unwrap();
    write(&mut log, b"9999\n");
    assert_eq!((number(&path), all(&path).as_str()), (2, "1234\n5678\n9999\n"));
}

#[test]
fn the_combined_log_gets_what_the_others_took_and_is_closed_behind_lines() {
    let dir = tempfile::tempdir().unwrap();
    let (out, err, both) = (dir.path().join("out"), dir.path().join("err"), dir.path().join("both"));
    let mut logs = [LogFile::open(&out, NEVER).unwrap(), LogFile::open(&err, NEVER).unwrap()];
    let mut combined = LogFile::open(&both, sized(10)).unwrap();
    for (which, bytes) in [(0, "0123456789a"), (1, "err\n"), (0, "bc\nnext\n"), (1, "last\n")] {
        write(&mut logs[which], bytes.as_bytes());
        combined.copy_last(&logs[which], bytes.len()).map_err(|(error, _)| error).unwrap();
    }
    assert_eq!(fs::read_to_string(closed_path(&both, 1)).unwrap(), "0123456789aerr\n");
    assert_eq!(all(&both), "0123456789aerr\nbc\nnext\nlast\n");
}

#[test]
fn a_file_of_somebody_else_in_a_directory_of_everybody_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    fs::write(&path, "").unwrap();
    std::os::unix::fs::chown(&path, Some(65534), None).unwrap();
    assert!(LogFile::open(&path, NEVER).is_ok(), "logrotate makes such files");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    assert!(LogFile::open(&path, NEVER).is_err());
}
