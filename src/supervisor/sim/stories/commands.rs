//! What happens when somebody asks for something.

use super::*;

#[test]
fn a_new_app_is_recorded_told_of_and_launched() {
    of(app("web"))
        .answers(Ok(Accepted::Created { app: AppId(0), processes: vec![ID] }))
        .records(Record::App(AppId(0)))
        .records(Record::Process(ID))
        .tells(EventKind::Created)
        .orders("launch 1")
        .is("starting")
        .spawned(1)
        .tells(EventKind::Started { pid: Pid(1) })
        .is("online")
        .restarts(0);
}

#[test]
fn without_autostart_a_new_app_is_listed_as_stopped() {
    of(AppSpec { autostart: false, ..app("web") }).orders("").is("stopped").wanted(Goal::Down);
}

#[test]
fn instances_get_consecutive_ids_that_are_never_given_out_again() {
    let story = of(AppSpec { instances: 3, ..app("web") }).orders("launch 1, launch 2, launch 3");
    let three = (0..3).map(ProcessId).collect();
    let mut story = story.answers(Ok(Accepted::Created { app: AppId(0), processes: three }));
    for (id, run) in [(2, 3), (1, 2), (0, 1)] {
        story = story.spawned(run).command(Command::Delete { process: ProcessId(id) }).exits(run, 0);
    }
    let next = AppSpec { instances: 2, ..app("web") };
    story
        .records(Record::AppGone(AppId(0)))
        .command(Command::Create { spec: Arc::new(next) })
        .answers(Ok(Accepted::Created { app: AppId(1), processes: vec![ProcessId(3), ProcessId(4)] }));
}

#[test]
fn a_name_is_taken_until_its_last_process_is_gone() {
    let create = || Command::Create { spec: Arc::new(app("web")) };
    let (name, namespace) = ("web".to_owned(), "default".to_owned());
    let taken = Err(Denied::NameTaken { name, namespace, process: ID });
    let story = running(app("web")).command(create()).answers(taken.clone());
    let story = story.delete().command(create()).answers(taken).exits(1, 0).leaves_no_trace();
    let second = Accepted::Created { app: AppId(1), processes: vec![ProcessId(1)] };
    story.command(create()).answers(Ok(second));
}

#[test]
fn stop_asks_the_whole_tree_and_kills_what_is_left_after_the_timeout() {
    running(app("web"))
        .stop()
        .answers(Ok(Accepted::Done))
        .tells(EventKind::StopAsked { cause: Cause::Stop })
        .orders("SIGTERM 1")
        .is("stopping")
        .later(ms(9_999))
        .orders("")
        .later(ms(1))
        .orders("kill 1")
        .tells(EventKind::Killed)
        .later(ms(60_000))
        .orders("")
        .exits(1, 137)
        .orders("forget 1")
        .tells(EventKind::Stopped)
        .is("stopped");
}

#[test]
fn stop_waits_for_the_last_of_the_tree() {
    running(app("web"))
        .stop()
        .leaves_something(1, 0)
        .orders("")
        .is("stopping")
        .tree_gone(1)
        .orders("forget 1")
        .is("stopped")
        .stop()
        .answers(Ok(Accepted::AlreadySo));
}

#[test]
fn what_is_being_launched_is_stopped_when_it_has_been() {
    let story = of(app("web")).stop().answers(Ok(Accepted::Done)).orders("call off 1").is("stopping");
    // A launch that takes long does not shorten the time that the program has for its end.
    story
        .later(ms(60_000))
        .orders("")
        .spawned(1)
        .orders("SIGTERM 1")
        .later(ms(10_000))
        .orders("kill 1")
        .exits(1, 0)
        .is("stopped");
    of(app("web")).stop().fails_to_spawn(1, SpawnStep::Exec, libc::ENOENT).orders("").is("stopped");
}

#[test]
fn start_of_what_runs_is_already_so() {
    of(app("web"))
        .start()
        .answers(Ok(Accepted::AlreadySo))
        .spawned(1)
        .start()
        .answers(Ok(Accepted::AlreadySo));
}

#[test]
fn start_of_a_stopped_one_is_not_a_restart() {
    let stopped = running(app("web")).stop().exits(1, 0).is("stopped");
    stopped.start().answers(Ok(Accepted::Done)).orders("launch 2").is("starting").restarts(0);
}

#[test]
fn start_during_a_stop_launches_when_the_old_run_is_gone() {
    let story = running(app("web")).stop().start().answers(Ok(Accepted::Done)).orders("").is("stopping");
    story.start().answers(Ok(Accepted::AlreadySo)).exits(1, 0).orders("forget 1, launch 2").restarts(0);
}

#[test]
fn restart_launches_when_the_old_run_is_gone_and_counts_once() {
    let story = running(app("web")).restart().orders("SIGTERM 1").restart().answers(Ok(Accepted::AlreadySo));
    let asked = EventKind::Exited {
        end: End::Code(0),
        cause: ExitCause::Asked(Cause::Restart),
        uptime: Duration::ZERO,
    };
    story.exits(1, 0).tells(asked).orders("forget 1, launch 2").restarts(1).is("starting");
}

#[test]
fn restart_of_what_is_being_launched_ends_it_first() {
    of(app("web"))
        .restart()
        .orders("call off 1")
        .spawned(1)
        .orders("SIGTERM 1")
        .exits(1, 0)
        .orders("forget 1, launch 2");
    let never_was = of(app("web")).restart().fails_to_spawn(1, SpawnStep::Fork, libc::EAGAIN);
    never_was.orders("launch 2").restarts(1);
}

#[test]
fn restart_of_a_stopped_one_starts_and_counts() {
    running(app("web")).stop().exits(1, 0).restart().orders("launch 2").restarts(1);
}

#[test]
fn stop_during_a_restart_wins() {
    let story = running(app("web")).restart().stop().answers(Ok(Accepted::Done)).orders("");
    story.exits(1, 0).orders("forget 1").is("stopped").wanted(Goal::Down);
}

#[test]
fn delete_ends_the_run_and_then_forgets_the_process_and_its_app() {
    running(app("web"))
        .delete()
        .orders("SIGTERM 1")
        .wanted(Goal::Gone)
        .delete()
        .answers(Ok(Accepted::AlreadySo))
        .start()
        .answers(Err(Denied::BeingDeleted(ID)))
        .stop()
        .answers(Err(Denied::BeingDeleted(ID)))
        .exits(1, 0)
        .orders("forget 1")
        .records(Record::ProcessGone(ID))
        .records(Record::AppGone(AppId(0)))
        .tells(EventKind::Deleted)
        .leaves_no_trace()
        .delete()
        .answers(Err(Denied::NoSuchProcess(ID)));
    running(app("web")).stop().exits(1, 0).delete().answers(Ok(Accepted::Done)).orders("").leaves_no_trace();
}

#[test]
fn the_stop_signal_and_its_timeout_are_those_of_the_app() {
    let stop = crate::model::StopPolicy {
        signal: Signal::parse("INT").expect("a signal"),
        timeout: ms(1_600),
        with_message: false,
    };
    let story = running(AppSpec { stop, ..app("web") }).stop().orders("SIGINT 1");
    assert_eq!(story.wait(), ms(1_600));
}
#[test]
fn a_shutdown_ends_the_newest_first_and_keeps_what_was_wanted() {
    let story = of(AppSpec { instances: 2, ..app("web") }).spawned(1).spawned(2);
    let story = story.shutdown().answers(Ok(Accepted::Done)).orders("SIGTERM 2, SIGTERM 1");
    let story = story.start().answers(Err(Denied::ShuttingDown)).restart().answers(Err(Denied::ShuttingDown));
    let story = story.exits(1, 1).orders("forget 1").exits(2, 1).orders("forget 2").wanted(Goal::Up);
    assert!(story.brain.all_idle());
    story.shutdown().answers(Ok(Accepted::AlreadySo));
    let row = of(app("web")).spawned(1).shutdown().exits(1, 0).brain.process(ID).map(|p| p.to_remember());
    assert_eq!(row.map(|row| (row.goal, row.rest)), Some((Goal::Up, Rest::Stopped)));
}

#[test]
fn a_shutdown_ends_waiting_for_a_restart() {
    let story = running(app("web")).exits(1, 1).spawned(2).exits(2, 1).is("restarting").shutdown();
    story.is("stopped").later(ms(60_000)).orders("").is("stopped");
}
