//! Reloads whose new runs begin beside the old ones.

use super::super::super::{Count, Overtaken, Progress, Then};
use super::*;
use crate::model::{HealthCheck, HealthPolicy, PortPlan, Status, Verdict};

const APP: AppId = AppId(0);

/// One process that runs, and a reload of it.
fn reloading(spec: AppSpec) -> Story {
    running(spec)
        .command(Command::Reload {
            processes: vec![ID],
            beside: [ID].into(),
            soak: None,
            ports: Default::default(),
            back_to: Default::default(),
        })
        .orders("launch 2")
}

fn progress(story: &Story) -> &Progress {
    &story.brain.reloads()[&APP].progress
}

fn present(story: &Story) -> (Option<RunId>, Status) {
    let process = story.brain.process(ID).expect("listed");
    (process.state.run(), process.state.status())
}

#[test]
fn the_old_run_goes_when_the_new_one_has_stayed_up() {
    let story = reloading(app("web")).spawned(2).orders("");
    assert_eq!(present(&story), (Some(RunId(1)), Status::Online));
    let story = story.later(ms(999)).orders("").later(ms(1)).orders("SIGTERM 1");
    assert_eq!(present(&story), (Some(RunId(2)), Status::Online));
    assert_eq!(progress(&story), &Progress::Done);
    story.exits(1, 0).orders("forget 1").restarts(1);
}

#[test]
fn a_new_run_that_dies_is_gone_and_the_old_one_never_notices() {
    let story = reloading(app("web")).spawned(2).later(ms(200)).exits(2, 7).orders("forget 2");
    let reason = "its new run ended with exit code 7 after 200 ms".to_owned();
    assert_eq!(progress(&story), &Progress::Failed { process: ID, reason, replaced: Default::default() });
    assert_eq!(present(&story), (Some(RunId(1)), Status::Online));
    story.later(ms(60_000)).orders("").restarts(0);
}

#[test]
fn an_old_run_that_ends_by_itself_leaves_its_place_to_the_new_one() {
    let story = reloading(app("web")).spawned(2).later(ms(200)).exits(1, 9).orders("forget 1");
    assert_eq!(present(&story), (Some(RunId(2)), Status::Online));
    let story = story.later(ms(799)).orders("");
    assert!(matches!(progress(&story), Progress::Rolling { .. }));
    let story = story.later(ms(1)).orders("");
    assert_eq!(progress(&story), &Progress::Done);
    story.restarts(1);
    // Also one that is not executed yet.
    let story = reloading(app("web")).exits(1, 9).orders("forget 1").is("starting").spawned(2);
    assert_eq!(progress(&story.later(ms(1_000)).orders("")), &Progress::Done);
    // It is not proven: it may end, too.
    let story = reloading_to_another(with_version("good"), with_version("bad")).spawned(2).exits(1, 9);
    let story = story.orders("forget 1").exits(2, 7).orders("forget 2, launch 3");
    assert!(matches!(progress(&story), Progress::Failed { .. }));
    assert_eq!(version(&story), "good");
}

/// `back_to` is how the present run was defined.
fn reloading_to_another(back_to: AppSpec, new: AppSpec) -> Story {
    let update = Command::Update { app: APP, spec: Arc::new(new), then: Then::Keep };
    running(back_to.clone()).command(update).command(Command::Reload {
        processes: vec![ID],
        beside: [ID].into(),
        soak: None,
        ports: Default::default(),
        back_to: [(ID, Arc::new(back_to))].into(),
    })
}

fn with_version(version: &str) -> AppSpec {
    AppSpec { env: [("V".to_owned(), version.to_owned())].into(), ..app("web") }
}

fn version(story: &Story) -> &str {
    &story.brain.app(APP).expect("defined").env["V"]
}

#[test]
fn a_reload_that_fails_takes_the_definition_back_that_it_brought() {
    let story = reloading_to_another(with_version("good"), with_version("bad")).spawned(2);
    assert_eq!(version(&story), "bad");
    let story = story.exits(2, 7);
    assert!(matches!(progress(&story), Progress::Failed { .. }));
    assert!(story.effects.contains(&Effect::Record(Record::App(APP))), "{:?}", story.effects);
    assert_eq!(version(&story), "good");
    let story = story.exits(1, 9);
    let launched = story.effects.iter().find_map(|effect| match effect {
        Effect::Launch { spec, .. } => Some(spec.env["V"].as_str()),
        _ => None,
    });
    assert_eq!(launched, Some("good"), "{:?}", story.effects);
}

#[test]
fn a_reload_that_succeeds_or_is_ended_by_another_definition_takes_nothing_back() {
    let story = reloading_to_another(with_version("good"), with_version("new")).spawned(2);
    assert_eq!(version(&story.later(ms(1_000)).orders("SIGTERM 1")), "new");
    let story = reloading_to_another(with_version("good"), with_version("bad")).spawned(2);
    let third = Command::Update { app: APP, spec: Arc::new(with_version("third")), then: Then::Keep };
    assert_eq!(version(&story.command(third).exits(2, 7)), "third");
}

#[test]
fn how_many_an_app_has_is_not_taken_back() {
    let one = AppSpec { numbered: true, ..with_version("good") };
    let story = running(one.clone()).command(Command::Scale { app: APP, count: Count::Exactly(2) });
    let story = story.spawned(2).command(Command::Reload {
        processes: vec![ID],
        beside: [ID].into(),
        soak: None,
        ports: Default::default(),
        back_to: [(ID, Arc::new(one))].into(),
    });
    let story = story.spawned(3).exits(3, 7);
    assert!(matches!(progress(&story), Progress::Failed { .. }));
    assert_eq!(story.brain.app(APP).expect("defined").instances, 2);
}

#[test]
fn a_new_run_that_cannot_be_executed_changes_nothing() {
    let story = reloading(app("web")).fails_to_spawn(2, SpawnStep::Exec, libc::ENOENT).orders("");
    assert_eq!(present(&story), (Some(RunId(1)), Status::Online));
    story.later(ms(60_000)).orders("");
}

#[test]
fn a_new_run_that_is_unhealthy_is_ended_and_the_old_one_goes_on() {
    let health = HealthPolicy {
        check: HealthCheck::Tcp { address: "localhost:80".to_owned() },
        timeout: ms(1_000),
        interval: ms(1_000),
        retries: 1,
        start_limit: Some(ms(1)),
        ready_within: None,
    };
    let checked = |story: Story, run, verdict| story.fact(Fact::Checked { run: RunId(run), verdict });
    let story = checked(of(AppSpec { health: Some(health), ..app("web") }).spawned(1), 1, Verdict::Passed);
    let story = story
        .command(Command::Reload {
            processes: vec![ID],
            beside: [ID].into(),
            soak: None,
            ports: Default::default(),
            back_to: Default::default(),
        })
        .spawned(2);
    let story = story.later(ms(5_000)).orders("");
    let verdict = Verdict::Failed { reason: "answered 503".to_owned(), answered: true };
    let story = checked(story, 2, verdict).orders("unwatch 2, SIGTERM 2");
    assert_eq!(present(&story), (Some(RunId(1)), Status::Online));
    assert!(matches!(progress(&story), Progress::Failed { .. }));
    story.exits(2, 0).orders("forget 2").restarts(0);
}

/// A new run beside an old one that is well, on a port of its own, with three checks 10 s apart.
fn tried(spec: AppSpec) -> Story {
    let story = of(AppSpec { port: Some(PortPlan::Single(3000)), ..spec }).spawned(1).passes(1);
    let story = story.command(Command::Reload {
        processes: vec![ID],
        beside: [ID].into(),
        soak: None,
        ports: [(ID, PortPlan::Single(3001))].into(),
        back_to: Default::default(),
    });
    story.spawned(2)
}

#[test]
fn a_new_run_that_answers_wrongly_is_ended_after_its_retries_and_not_after_the_start_limit() {
    let story =
        tried(super::health::checked()).later(ms(1_000)).fails(2).later(ms(10_000)).fails(2).orders("");
    let story =
        story.later(ms(9_999)).fails(2).orders("").later(ms(1)).fails(2).orders("unwatch 2, SIGTERM 2");
    let story = story.tells(EventKind::Unhealthy { reason: "answered 503".to_owned(), restarts: false });
    assert_eq!(present(&story), (Some(RunId(1)), Status::Online));
}

#[test]
fn what_others_answer_on_a_shared_socket_ends_no_new_run() {
    // By TCP nobody is asked apart from the others.
    let port = Some(PortPlan::Shared(3000));
    let story = of(AppSpec { port, ..super::health::checked() }).spawned(1).passes(1);
    let story = story.command(Command::Reload {
        processes: vec![ID],
        beside: [ID].into(),
        soak: None,
        ports: Default::default(),
        back_to: Default::default(),
    });
    story.spawned(2).fails(2).later(ms(59_999)).fails(2).fails(2).fails(2).orders("");
}

#[test]
pub fn a_new_run_that_nobody_answers_for_has_until_the_start_limit() {
    let silent = |story: Story| {
        let verdict = Verdict::Failed { reason: "connection refused".to_owned(), answered: false };
        story.fact(Fact::Checked { run: RunId(2), verdict })
    };
    let story = silent(tried(super::health::checked()).later(ms(1_000)).fails(2).later(ms(30_000)));
    // Wrong answers in a row count.
    let story = silent(story.later(ms(1_000)).fails(2).later(ms(1_000))).orders("").later(ms(26_999));
    let story = silent(silent(story)).orders("").later(ms(1));
    silent(silent(silent(story))).orders("unwatch 2, SIGTERM 2");
}

#[test]
fn a_start_limit_that_was_given_is_a_grace_for_wrong_answers_too() {
    let mut spec = super::health::checked();
    spec.health.as_mut().unwrap().start_limit = Some(ms(60_000));
    let story = tried(spec).fails(2).later(ms(59_999)).fails(2).fails(2).fails(2).orders("").later(ms(1));
    story.fails(2).fails(2).orders("").fails(2).orders("unwatch 2, SIGTERM 2");
}

#[test]
fn a_new_run_that_was_well_before_it_replaced_the_old_one_is_kept_as_ready() {
    let story = of(super::health::checked()).spawned(1).passes(1);
    let story = story
        .command(Command::Reload {
            processes: vec![ID],
            beside: [ID].into(),
            soak: None,
            ports: Default::default(),
            back_to: Default::default(),
        })
        .spawned(2);
    let story = story.passes(2);
    let at = story.now;
    let story = story.later(ms(1_000));
    assert_eq!(present(&story), (Some(RunId(2)), Status::Online));
    assert!(story.effects.contains(&Effect::KeepReady { run: RunId(2), at }), "{:?}", story.effects);
}

#[test]
fn when_the_reload_is_broken_off_the_new_run_goes_again() {
    let story = reloading(app("web")).spawned(2);
    let story = story.command(Command::BreakOff { app: APP, number: 1 }).orders("SIGTERM 2");
    assert_eq!(progress(&story), &Progress::Interrupted { by: Some(Overtaken::Cancel) });
    let story = story.exits(2, 0).orders("forget 2").tells(EventKind::Exited {
        end: End::Code(0),
        cause: ExitCause::TakenBack,
        uptime: ms(0),
    });
    assert_eq!(present(&story), (Some(RunId(1)), Status::Online));
    story.later(ms(60_000)).orders("").restarts(0);
}

#[test]
fn a_stop_ends_both_runs() {
    let story = reloading(app("web")).spawned(2).stop().orders("SIGTERM 1, SIGTERM 2");
    let story = story.exits(2, 0).exits(1, 0).orders("forget 1");
    assert_eq!(present(&story), (None, Status::Stopped));
    assert!(story.brain.all_idle());
}

#[test]
fn what_leaves_and_does_not_end_is_killed() {
    let story = reloading(app("web")).spawned(2).later(ms(1_000)).orders("SIGTERM 1");
    story
        .later(ms(9_999))
        .orders("")
        .later(ms(1))
        .orders("kill 1")
        .exits(1, 9)
        .orders("forget 1")
        .orders("forget 1");
}

/// Of the row of the only process: it is wanted up, and has these lives beside its present one.
fn beside(apart: &[(u64, Option<Moment>)]) -> Remembered {
    let apart = apart.iter().map(|(run, since)| (RunId(*run), *since)).collect();
    Remembered { goal: Goal::Up, apart, ..Remembered::new(ID, APP, 0) }
}

#[test]
fn a_new_daemon_keeps_the_proven_run() {
    let story = remembered_as(beside(&[(8, None)]), vec![life(7), life(8)]).orders("SIGTERM 8");
    assert_eq!(present(&story), (Some(RunId(7)), Status::Online));
    let story = remembered_as(beside(&[]), vec![life(7), life(8)]).orders("kill 7");
    assert_eq!(present(&story), (Some(RunId(8)), Status::Online));
}

#[test]
fn a_new_daemon_goes_on_with_the_end_of_a_replaced_run() {
    let since = Some(Moment(999_000_000));
    let story = remembered_as(beside(&[(7, since)]), vec![life(7), life(8)]).orders("SIGTERM 7");
    assert_eq!(present(&story), (Some(RunId(8)), Status::Online));
    let killed = story.later(ms(9_999)).orders("").later(ms(1)).orders("kill 7");
    killed.exits(7, 9).orders("forget 7");
    // It had ended meanwhile.
    let story = remembered_as(beside(&[(7, since)]), vec![ended(7, 0), life(8)]).orders("forget 7");
    assert_eq!(present(&story), (Some(RunId(8)), Status::Online));
}

#[test]
fn a_new_daemon_does_not_take_up_a_replaced_run_when_the_new_one_is_gone() {
    let story = remembered_as(beside(&[(7, None)]), vec![life(7)]).orders("SIGTERM 7, launch 10");
    assert_eq!(present(&story), (Some(RunId(10)), Status::Starting));
}
