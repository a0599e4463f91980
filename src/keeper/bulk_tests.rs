use super::*;
use crate::keeper::protocol::Segments;
use std::io::{Read, Write};

/// Lines of which none is like another.
fn lines(from: usize, bytes: usize) -> Vec<u8> {
    (from..from + bytes / 8).flat_map(|number| format!("{number:07}\n").into_bytes()).collect()
}

struct Place {
    dir: tempfile::TempDir,
    ours: OwnedFd,
    theirs: File,
}

impl Place {
    fn new() -> Place {
        let dir = tempfile::tempdir().unwrap();
        let (ours, theirs) = fifo::make(&dir.path().join("fifo")).unwrap();
        Place { dir, ours, theirs }
    }

    fn bulk(&self) -> Bulk {
        Bulk::at(&self.dir.path().join("note"))
    }

    fn log(&self) -> LogFile {
        LogFile::open(&self.dir.path().join("log"), Segments { max_size: None, max_age: None }).unwrap()
    }

    fn logged(&self) -> Vec<u8> {
        fs::read(self.dir.path().join("log")).unwrap_or_default()
    }

    /// How a keeper moves what there is, of which it has `bulk` left when it dies.
    fn die(&self, steps: usize, bytes: usize) {
        let (mut log, mut bulk) = (self.log(), self.bulk());
        let tools = bulk.tools(self.ours.as_fd()).unwrap();
        let seen = tools.see(self.ours.as_fd(), bytes).unwrap();
        assert_eq!(seen, bytes);
        let fifo = identity(self.ours.as_fd()).unwrap();
        let note = Note { fifo, log: log.identity(), offset: log.end(), length: seen as u64 };
        let file = File::options().write(true).open(log.path()).unwrap();
        let deeds: [&dyn Fn(); 5] = [
            &|| tools.write(note).unwrap(),
            &|| drop(tools.append(&file, note.offset, seen / 2)),
            &|| drop(tools.append(&file, note.offset + seen as u64 / 2, seen - seen / 2)),
            &|| assert_eq!(tools.drop_from(self.ours.as_fd(), seen), seen),
            &|| tools.write(Note::NONE).unwrap(),
        ];
        deeds[..steps].iter().for_each(|deed| deed());
        log.follow().unwrap();
    }

    /// The next keeper takes over and moves all that is left.
    fn go_on(&self) {
        let (mut log, mut bulk) = (self.log(), self.bulk());
        bulk.settle(self.ours.as_fd(), &log);
        bulk.forget();
        while fifo::waiting(self.ours.as_fd()) > 0 {
            log.take(self.ours.as_fd(), 1 << 20, Some(&mut bulk)).unwrap();
        }
    }
}

#[test]
fn much_is_moved_and_room_is_made_for_as_much() {
    let mut place = Place::new();
    let all = lines(0, 300 * 1024);
    if fifo::room(&place.ours) < all.len() {
        return; // Not root: there is never much in a FIFO.
    }
    place.theirs.write_all(&all).unwrap();
    let (mut log, mut bulk) = (place.log(), place.bulk());
    // Two pieces, of which the second is little: it is left for the next time.
    assert_eq!(log.take(place.ours.as_fd(), 1 << 20, Some(&mut bulk)).unwrap(), 256 * 1024);
    assert!(place.dir.path().join("note").exists(), "it was moved in this way");
    assert_eq!(fifo::waiting(place.ours.as_fd()), all.len() - 256 * 1024);
    assert_eq!(log.take(place.ours.as_fd(), 1 << 20, Some(&mut bulk)).unwrap(), all.len() - 256 * 1024);
    assert_eq!(place.logged(), all);
    assert_eq!(place.bulk().left, None);
}

#[test]
fn a_keeper_that_dies_after_any_step_loses_and_doubles_nothing() {
    for steps in 0..=5 {
        for more in [0, 100, 200 * 1024] {
            let mut place = Place::new();
            let (before, moved) = (lines(0, 8 * 1024), lines(10_000, 48 * 1024));
            place.theirs.write_all(&before).unwrap();
            place.go_on();
            place.theirs.write_all(&moved).unwrap();
            place.die(steps, moved.len());
            let rest = lines(50_000, more.min(fifo::room(&place.ours) / 8));
            place.theirs.write_all(&rest).unwrap();
            place.go_on();
            // Twice: a note that was dealt with is not dealt with again.
            place.go_on();
            assert!(place.logged() == [before, moved, rest].concat(), "{steps} steps, {more} more");
        }
    }
}

#[test]
fn a_keeper_that_has_settled_a_move_leaves_notes_that_the_next_one_finds() {
    let mut place = Place::new();
    let moved = lines(0, 32 * 1024);
    place.theirs.write_all(&moved).unwrap();
    place.die(3, moved.len());
    let (log, mut bulk) = (place.log(), place.bulk());
    let file = tempfile::tempfile().unwrap();
    assert!(bulk.shift(place.ours.as_fd(), &file, ((1, 1), 0), 4).is_none(), "it would overwrite a note");
    bulk.settle(place.ours.as_fd(), &log);
    assert_eq!(fifo::waiting(place.ours.as_fd()), 0, "it was dropped");
    bulk.forget();
    let note = Note { fifo: (1, 2), log: (3, 4), offset: 5, length: 6 };
    bulk.tools(place.ours.as_fd()).unwrap().write(note).unwrap();
    assert_eq!(place.bulk().left, Some(note));
}

#[test]
fn a_log_that_others_moved_away_or_emptied_meanwhile_gets_the_bytes_again() {
    for what in ["moved", "emptied", "added to"] {
        let mut place = Place::new();
        let moved = lines(0, 32 * 1024);
        place.theirs.write_all(&moved).unwrap();
        place.die(3, moved.len());
        let log = place.dir.path().join("log");
        match what {
            "moved" => fs::rename(&log, place.dir.path().join("log.1")).unwrap(),
            "emptied" => File::options().write(true).open(&log).unwrap().set_len(0).unwrap(),
            _ => File::options().append(true).open(&log).unwrap().write_all(b"theirs").unwrap(),
        }
        place.go_on();
        assert!(place.logged().ends_with(&moved), "{what}");
    }
}

#[test]
fn what_the_log_does_not_take_stays_in_the_fifo() {
    let mut place = Place::new();
    let all = lines(0, 48 * 1024);
    place.theirs.write_all(&all).unwrap();
    let mut bulk = place.bulk();
    let refused = File::open("/dev/null").unwrap();
    let moved = bulk.shift(place.ours.as_fd(), &refused, ((1, 1), 0), all.len());
    assert!(moved.unwrap().is_err(), "it is not open for writing");
    assert_eq!(fifo::waiting(place.ours.as_fd()), all.len());
    assert_eq!(place.bulk().left, None);
    place.go_on();
    assert_eq!(place.logged(), all);
}

#[test]
fn without_a_note_nothing_is_moved_in_this_way() {
    let mut place = Place::new();
    place.theirs.write_all(b"some").unwrap();
    let mut bulk = Bulk::at(&place.dir.path().join("none/note"));
    let file = tempfile::tempfile().unwrap();
    assert!(bulk.shift(place.ours.as_fd(), &file, ((1, 1), 0), 4).is_none());
    let mut bytes = [0; 4];
    File::from(place.ours).read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"some");
}
