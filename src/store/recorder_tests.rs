//! The recorder on a real file, and on a disk that is full.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use super::super::tests::{Place, event, process, spec};
use super::super::{EventQuery, Saved};
use super::*;
use crate::model::{AppId, ProcessId, RunId};

const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for what `write_then` says.
fn write_and_wait(recorder: &Recorder, changes: Vec<Change>) -> Result<(), Arc<StoreError>> {
    let (said, wait) = channel();
    recorder.write_then(changes, move |result| said.send(result).unwrap());
    wait.recv_timeout(PATIENCE).expect("it answers")
}

fn read<T: Send + 'static>(recorder: &Recorder, f: impl FnOnce(&Store) -> T + Send + 'static) -> T {
    recorder.read(f).blocking_recv().expect("it answers")
}

fn saved(recorder: &Recorder) -> Saved {
    read(recorder, |store| store.load().unwrap())
}

fn app(id: u32) -> Change {
    Change::PutApp { id: AppId(id), spec: spec("web") }
}

/// From now on not one page more fits on the disk.
fn fill_the_disk(recorder: &Recorder) {
    read(recorder, |store| {
        let pages: i64 = store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        store.connection.pragma_update(None, "max_page_count", pages).unwrap();
    });
}

fn free_the_disk(recorder: &Recorder) {
    read(recorder, |store| store.connection.pragma_update(None, "max_page_count", 1_000_000).unwrap());
}

/// Events that no free page has room for.
fn many_events() -> Vec<Change> {
    (1..=2_000).map(|seq| Change::AddEvent(event(seq, 1))).collect()
}

fn events(recorder: &Recorder) -> usize {
    let query = EventQuery { limit: usize::MAX, ..EventQuery::default() };
    read(recorder, move |store| store.events(&query).unwrap()).len()
}

#[test]
fn what_was_said_to_be_written_is_found_after_a_death() {
    let place = Place::new();
    let recorder = Recorder::start(place.open());
    recorder.write(vec![app(1)]);
    write_and_wait(&recorder, vec![Change::PutProcess(process(3, 1))]).unwrap();
    // While the recorder still has it open: nothing waits for the end.
    let found = place.after_a_death();
    assert_eq!((found.apps.len(), found.processes.len()), (1, 1));
}

#[test]
fn a_read_sees_every_write_before_it_and_writes_keep_their_order() {
    let place = Place::new();
    let recorder = Recorder::start(place.open());
    for restarts in 0..3_000 {
        recorder.write(vec![app(1)]);
        recorder.write(vec![Change::PutProcess(crate::supervisor::Remembered { restarts, ..process(3, 1) })]);
    }
    assert_eq!(saved(&recorder).processes[0].restarts, 2_999);
    recorder.write(vec![Change::DropProcess(ProcessId(3)), Change::DropApp(AppId(1))]);
    write_and_wait(&recorder, Vec::new()).unwrap();
    assert!(place.after_a_death().apps.is_empty(), "a barrier waits for everything before it");
}

#[test]
fn close_waits_until_everything_is_written_and_later_requests_are_told() {
    let place = Place::new();
    let recorder = Recorder::start(place.open());
    let late = recorder.clone();
    for seq in 1..=500 {
        recorder.write(vec![Change::AddEvent(event(seq, 1))]);
    }
    recorder.close();
    assert_eq!(place.open().load().unwrap().next_event, 501);
    assert!(!place.path().with_extension("db-wal").exists(), "the file was closed");

    let answer = write_and_wait(&late, vec![app(1)]);
    assert!(matches!(*answer.unwrap_err(), StoreError::Closed));
    assert!(late.read(|_| ()).blocking_recv().is_err());
    late.close();
}

#[test]
fn a_bad_change_takes_no_other_with_it() {
    let place = Place::new();
    let recorder = Recorder::start(place.open());
    let orphan = || vec![Change::PutProcess(process(9, 99))];
    // While the thread is held up here, the others gather into one transaction.
    let (go, held) = channel::<()>();
    drop(recorder.read(move |_| held.recv()));
    let (said, answers) = channel();
    let ask = |what: &'static str, changes| {
        let said = said.clone();
        recorder.write_then(changes, move |result| said.send((what, result.is_ok())).unwrap());
    };
    recorder.write(vec![app(1)]);
    ask("good", vec![Change::PutProcess(process(1, 1))]);
    recorder.write(orphan());
    ask("bad", orphan());
    ask("good too", vec![Change::PutProcess(process(2, 1))]);
    go.send(()).unwrap();
    let heard: Vec<_> = (0..3).map(|_| answers.recv_timeout(PATIENCE).unwrap()).collect();
    assert_eq!(heard, [("good", true), ("bad", false), ("good too", true)]);
    let ids: Vec<_> = saved(&recorder).processes.iter().map(|row| row.id).collect();
    assert_eq!(ids, [ProcessId(1), ProcessId(2)]);
}

#[test]
fn on_a_full_disk_those_who_wait_are_told_and_the_rest_is_kept_and_written_later() {
    let place = Place::new();
    let recorder = Recorder::start(place.open());
    write_and_wait(&recorder, vec![app(1)]).unwrap();
    fill_the_disk(&recorder);

    let refused = write_and_wait(&recorder, many_events()).unwrap_err();
    assert!(matches!(*refused, StoreError::Full { .. }), "{refused}");
    assert!(refused.to_string().contains("disk is full"));

    recorder.write(many_events());
    recorder.write(vec![Change::PutProcess(process(3, 1))]);
    let behind = write_and_wait(&recorder, vec![Change::ReserveRuns(RunId(50))]);
    assert!(behind.is_err(), "it must not overtake what is kept");
    assert!(write_and_wait(&recorder, Vec::new()).is_err(), "not everything before is durable");
    assert_eq!(events(&recorder), 0);

    free_the_disk(&recorder);
    let deadline = Instant::now() + PATIENCE;
    while events(&recorder) == 0 {
        assert!(Instant::now() < deadline, "it is tried again by itself");
        std::thread::sleep(Duration::from_millis(10));
    }
    let saved = saved(&recorder);
    assert_eq!(events(&recorder), 2_000);
    assert_eq!(saved.processes.len(), 1);
    assert_eq!(saved.next_run, RunId(1), "who was told that it failed, for them it did");
    write_and_wait(&recorder, Vec::new()).unwrap();
}

#[test]
fn a_kept_change_that_can_never_be_written_does_not_block_the_others_for_ever() {
    let place = Place::new();
    let recorder = Recorder::start(place.open());
    write_and_wait(&recorder, vec![app(1)]).unwrap();
    fill_the_disk(&recorder);
    recorder.write(many_events());
    recorder.write(vec![Change::PutProcess(process(9, 99))]);
    recorder.write(vec![Change::PutProcess(process(3, 1))]);
    free_the_disk(&recorder);
    write_and_wait(&recorder, Vec::new()).unwrap();
    assert_eq!(saved(&recorder).processes.len(), 1);
    assert_eq!(events(&recorder), 2_000);
}

#[test]
fn what_is_kept_is_tried_once_more_at_the_end() {
    let place = Place::new();
    let recorder = Recorder::start(place.open());
    write_and_wait(&recorder, vec![app(1)]).unwrap();
    fill_the_disk(&recorder);
    recorder.write(many_events());
    free_the_disk(&recorder);
    recorder.close();
    assert_eq!(place.open().load().unwrap().next_event, 2_001);
}

#[test]
fn a_panic_in_what_it_was_given_does_not_end_the_thread() {
    let place = Place::new();
    let recorder = Recorder::start(place.open());
    assert!(recorder.read(|_| panic!("a reader's bug")).blocking_recv().is_err());
    recorder.write_then(vec![app(1)], |_| panic!("a waiter's bug"));
    assert_eq!(saved(&recorder).apps.len(), 1);
}

#[test]
fn what_is_in_effect_already_is_kept_although_its_asker_is_told_and_trouble_is_over_by_itself() {
    let place = Place::new();
    let recorder = Recorder::start(place.open());
    write_and_wait(&recorder, vec![app(1)]).unwrap();
    let mut trouble = recorder.trouble();
    assert!(recorder.may_write().is_ok() && trouble.borrow_and_update().is_none());
    fill_the_disk(&recorder);
    let (said, wait) = channel();
    recorder.keep_then(many_events(), move |result| said.send(result).unwrap());
    assert!(wait.recv_timeout(PATIENCE).unwrap().is_err());
    assert!(matches!(*recorder.may_write().unwrap_err(), StoreError::Full { .. }));
    free_the_disk(&recorder);
    let deadline = Instant::now() + PATIENCE;
    while recorder.may_write().is_err() {
        assert!(Instant::now() < deadline, "it is tried again by itself");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(events(&recorder), 2_000);
    assert!(trouble.has_changed().unwrap() && trouble.borrow().is_none());
}

#[test]
fn trouble_ends_by_itself_also_when_nothing_waits() {
    let place = Place::new();
    let recorder = Recorder::start(place.open());
    write_and_wait(&recorder, vec![app(1)]).unwrap();
    fill_the_disk(&recorder);
    write_and_wait(&recorder, many_events()).unwrap_err();
    free_the_disk(&recorder);
    let deadline = Instant::now() + PATIENCE;
    while recorder.may_write().is_err() {
        assert!(Instant::now() < deadline, "a probe is written");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(events(&recorder), 0, "who was told that it failed, for them it did");
}
