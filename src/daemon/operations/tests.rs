//! How far targets are, by pictures.

use super::progress::{Reloads, advance};
use super::queue::Queue;
use super::*;
use crate::daemon::view::Snapshot;
use crate::model::{AppId, ProcessId, RunId, Step};

fn target(id: u32, task: Task, step: Step) -> Target {
    Target {
        process: ProcessId(id),
        app: AppId(0),
        name: format!("web-{id}"),
        namespace: "default".to_owned(),
        task,
        before: Some(RunId(1)),
        run: None,
        step,
        since_ms: 0,
    }
}

fn operation(targets: Vec<Target>) -> Operation {
    Operation {
        id: OperationId(1),
        task: Task::Stop,
        author: "alice".to_owned(),
        begun_ms: 0,
        ended_ms: None,
        cut_off: None,
        targets,
    }
}

#[test]
fn what_is_not_there_any_more_is_deleted_stopped_and_cannot_run() {
    let check = |task, wanted: Step| {
        let mut one = operation(vec![target(0, task, Step::Draining)]);
        advance(&mut one, &Snapshot::default(), &Reloads::new(), 5);
        assert_eq!((&one.targets[0].step, one.targets[0].since_ms), (&wanted, 5), "{task:?}");
        assert!(!advance(&mut one, &Snapshot::default(), &Reloads::new(), 6), "what is over stays so");
    };
    check(Task::Delete, Step::Done);
    check(Task::Stop, Step::Done);
    check(Task::Restart, Step::Failed("somebody deleted it meanwhile".to_owned()));
    check(Task::Start, Step::Failed("somebody deleted it meanwhile".to_owned()));
}

#[test]
fn who_comes_with_a_greater_number_and_goes_with_a_smaller_one_has_not_failed() {
    let mut one = Operation { task: Task::Scale, ..operation(vec![target(2, Task::Start, Step::Starting)]) };
    assert!(advance(&mut one, &Snapshot::default(), &Reloads::new(), 5));
    assert_eq!(one.targets[0].step, Step::Left("it was taken away again before it was ready".to_owned()));
    assert_eq!(Operation { ended_ms: Some(6), ..one }.standing(), Standing::Cancelled);
}

#[test]
fn what_was_not_begun_moves_only_by_its_command_or_its_turn() {
    let waiting = |task| operation(vec![target(0, task, Step::Waiting)]);
    let nothing = Snapshot::default();
    assert!(!advance(&mut waiting(Task::Stop), &nothing, &Reloads::new(), 5));
    for (cut_off, why) in [
        (Some(CutOff::Cancelled), "the reload was cancelled"),
        (Some(CutOff::Interrupted), "the daemon ended, and reloads are not taken up again"),
        (None, "somebody wanted something else of the app meanwhile"),
    ] {
        let mut reload = Operation { cut_off, ..waiting(Task::Reload) };
        assert!(advance(&mut reload, &nothing, &Reloads::new(), 5));
        assert_eq!(reload.targets[0].step, Step::Left(why.to_owned()));
    }
}

#[test]
fn the_whole_stands_as_its_worst_part_does() {
    let left = || Step::Left(String::new());
    let failed = || Step::Failed(String::new());
    let check = |steps: Vec<Step>, cut_off, wanted| {
        let targets = steps.into_iter().map(|step| target(0, Task::Stop, step)).collect();
        let one = Operation { ended_ms: Some(1), cut_off, ..operation(targets) };
        assert_eq!(one.standing(), wanted, "{one:?}");
    };
    check(vec![Step::Done, Step::Done], None, Standing::Done);
    check(vec![Step::Done, failed()], None, Standing::Failed);
    check(vec![Step::Done, left()], None, Standing::Failed);
    check(vec![Step::Done, left()], Some(CutOff::Cancelled), Standing::Cancelled);
    check(vec![failed(), left()], Some(CutOff::Interrupted), Standing::Interrupted);
    // Everything had begun when it was cut off, and came to its end.
    check(vec![Step::Done], Some(CutOff::Interrupted), Standing::Done);
    check(vec![failed()], Some(CutOff::Interrupted), Standing::Failed);
    assert_eq!(operation(Vec::new()).standing(), Standing::Running);
}

#[test]
fn a_queue_keeps_so_many_under_way_and_gives_up_after_too_many_failures() {
    let mut one = operation((0..4).map(|id| target(id, Task::Stop, Step::Waiting)).collect());
    let command = |id: u32| (ProcessId(id), Command::Stop { process: ProcessId(id) });
    let mut queue = Queue::new((0..4).map(command).collect(), 2, 1);
    let next = |queue: &mut Queue, one: &mut Operation| {
        let (index, command) = queue.next(one)?;
        assert_eq!(command.process(), Some(one.targets[index].process));
        one.set(index, Step::Draining, 1);
        Some(index)
    };
    assert_eq!((next(&mut queue, &mut one), next(&mut queue, &mut one)), (Some(0), Some(1)));
    assert_eq!(next(&mut queue, &mut one), None, "two are under way");
    one.set(0, Step::Failed(String::new()), 2);
    assert!(!queue.gives_up(&one));
    assert_eq!(next(&mut queue, &mut one), Some(2));
    one.set(1, Step::Failed(String::new()), 3);
    assert!(queue.gives_up(&one));
    assert!(one.leave("enough", 4, |_| true));
    assert_eq!(one.targets[3].step, Step::Left("enough".to_owned()));
    assert_eq!(one.targets[2].step, Step::Draining, "what has begun goes on");
}

#[test]
fn the_book_forgets_what_is_over_for_a_day_or_too_much_and_never_what_goes_on() {
    let mut book = Book { next: OPERATIONS_KEPT + 10, ..Book::default() };
    for (id, ended_ms) in [(1, None), (2, Some(90_000_000)), (20, Some(90_000_000)), (21, Some(1))] {
        let one = Operation { id: OperationId(id), ended_ms, ..operation(Vec::new()) };
        let entry = Entry {
            operation: Arc::new(one),
            version: 0,
            saved_ms: 0,
            reloads: Reloads::new(),
            cancelled_by: None,
        };
        book.entries.insert(OperationId(id), entry);
    }
    assert_eq!(book.forget_old(90_000_001).len(), 2);
    assert_eq!(book.entries.keys().map(|id| id.0).collect::<Vec<_>>(), [1, 20]);
}
