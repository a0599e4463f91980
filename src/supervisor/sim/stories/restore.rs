//! A new daemon takes up the work.

use super::*;

#[test]
fn a_new_daemon_adopts_what_lives() {
    remembered(Goal::Up, Rest::Stopped, vec![life(7)]).orders("").is("online").restarts(5);
    let launching = Living { spawned: None, ..life(7) };
    remembered(Goal::Up, Rest::Stopped, vec![launching.clone()])
        .orders("")
        .is("starting")
        .spawned(7)
        .is("online");
    remembered(Goal::Down, Rest::Stopped, vec![launching])
        .orders("call off 7")
        .spawned(7)
        .orders("SIGTERM 7");
}

#[test]
fn a_new_daemon_launches_what_is_wanted_and_does_not_live() {
    remembered(Goal::Up, Rest::Stopped, vec![]).orders("launch 10").restarts(4);
    remembered(Goal::Down, Rest::Stopped, vec![]).orders("").is("stopped");
    remembered(Goal::Gone, Rest::Stopped, vec![]).records(Record::AppGone(AppId(0))).leaves_no_trace();
}

#[test]
fn a_new_daemon_leaves_alone_what_was_given_up_or_had_finished() {
    let reason = crate::model::Reason::Ended(End::Code(2));
    let errored = || Rest::Errored(reason.clone());
    remembered(Goal::Up, errored(), vec![]).orders("").is("errored");
    remembered(Goal::Up, Rest::Finished(End::Code(0)), vec![]).orders("").is("stopped");
    // Its end is known already; only the keeper does not know that.
    remembered(Goal::Up, errored(), vec![ended(7, 2)]).orders("forget 7").is("errored");
}

#[test]
fn a_new_daemon_hears_of_ends_that_nobody_saw() {
    let crash = EventKind::Exited { end: End::Code(1), cause: ExitCause::Itself, uptime: ms(500) };
    let story = remembered(Goal::Up, Rest::Stopped, vec![ended(7, 1)]).tells(crash);
    story.orders("forget 7, launch 10").restarts(6);
    let asked =
        EventKind::Exited { end: End::Code(1), cause: ExitCause::Asked(Cause::Stop), uptime: ms(500) };
    remembered(Goal::Down, Rest::Stopped, vec![ended(7, 1)]).tells(asked).orders("forget 7").is("stopped");
    remembered(Goal::Gone, Rest::Stopped, vec![ended(7, 1)]).orders("forget 7").leaves_no_trace();
}

#[test]
fn a_new_daemon_ends_what_is_not_wanted() {
    let down = remembered(Goal::Down, Rest::Stopped, vec![life(7)]).orders("SIGTERM 7").is("stopping");
    down.at_the_deadline().orders("kill 7");
    remembered(Goal::Gone, Rest::Stopped, vec![life(7)]).orders("SIGTERM 7").exits(7, 0).leaves_no_trace();
}

#[test]
fn a_new_daemon_keeps_the_newest_of_two_lives_and_kills_strangers() {
    let story = remembered(Goal::Up, Rest::Stopped, vec![life(8), life(7)]).orders("kill 7").is("online");
    story.exits(7, 0).orders("forget 7").is("online");
    let stranger = Living { process: ProcessId(99), ..life(12) };
    let story = remembered(Goal::Down, Rest::Stopped, vec![stranger]).orders("kill 12");
    assert_eq!(story.brain.next_run(), RunId(13));
    let unborn = Living { process: ProcessId(99), spawned: None, ..life(12) };
    remembered(Goal::Down, Rest::Stopped, vec![unborn]).orders("").spawned(12).orders("kill 12");
}

#[test]
fn half_a_creation_and_half_a_deletion_leave_nothing() {
    let apps = BTreeMap::from([(AppId(0), Arc::new(app("web")))]);
    let row = Remembered { goal: Goal::Up, ..Remembered::new(ProcessId(5), AppId(3), 0) };
    let (next_app, next_process, next_run) = (AppId(4), ProcessId(6), RunId(1));
    let (brain, effects) = Supervisor::restore(
        Moment(0),
        apps,
        vec![row],
        vec![],
        BTreeMap::new(),
        next_app,
        next_process,
        next_run,
    );
    let gone = [Record::ProcessGone(ProcessId(5)), Record::AppGone(AppId(0))];
    assert_eq!(effects, gone.map(Effect::Record));
    assert_eq!(brain.processes().count(), 0);
}
