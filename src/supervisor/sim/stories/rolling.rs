//! How many a reload replaces at a time, and how long a new run has to prove itself.

use super::super::super::Progress;
use super::*;
use crate::model::{HealthCheck, HealthPolicy, RollPolicy, Share, Status, Verdict};

const APP: AppId = AppId(0);

fn roll(surge: u32, unavailable: u32) -> RollPolicy {
    RollPolicy { soak: None, max_surge: Share::Count(surge), max_unavailable: Share::Count(unavailable) }
}

/// So many that run by the lives 1, 2, 3, ….
fn several(instances: u32, roll: RollPolicy) -> Story {
    let spec = AppSpec { instances, numbered: true, roll, ..app("web") };
    (1..=u64::from(instances)).fold(of(spec), Story::spawned)
}

/// All of them; each may have a run beside it.
fn reload(story: Story, soak: Option<Duration>) -> Story {
    let processes: Vec<ProcessId> = story.brain.processes().map(|process| process.id).collect();
    let beside = processes.iter().copied().collect();
    story.command(Command::Reload {
        processes,
        beside,
        soak,
        ports: BTreeMap::new(),
        back_to: Default::default(),
    })
}

fn progress(story: &Story) -> &Progress {
    &story.brain.reloads()[&APP].progress
}

fn statuses(story: &Story) -> Vec<Status> {
    story.brain.processes().map(|process| process.state.status()).collect()
}

#[test]
fn a_new_run_soaks_for_as_long_as_the_app_says_or_the_command() {
    let policy = RollPolicy { soak: Some(ms(5_000)), ..roll(1, 0) };
    let story = reload(several(1, policy.clone()), None).spawned(2);
    story.later(ms(4_999)).orders("").later(ms(1)).orders("SIGTERM 1");
    let story = reload(several(1, policy), Some(ms(200))).spawned(2);
    story.later(ms(199)).orders("").later(ms(1)).orders("SIGTERM 1");
    let story = reload(several(1, roll(1, 0)), Some(ms(0))).spawned(2);
    story.later(ms(0)).orders("SIGTERM 1");
}

#[test]
fn a_new_run_that_dies_late_but_within_its_soak_time_ends_the_reload() {
    let story = reload(several(2, roll(1, 0)), Some(ms(5_000))).spawned(3).later(ms(4_900)).exits(3, 7);
    let reason = "its new run ended with exit code 7 after 4900 ms".to_owned();
    assert_eq!(progress(&story), &Progress::Failed { process: ID, reason, replaced: [].into() });
    assert_eq!(statuses(&story), [Status::Online, Status::Online]);
    story.later(ms(60_000)).orders("").restarts(0);
}

#[test]
pub fn a_new_run_replaces_nobody_while_its_latest_check_has_failed() {
    let health = HealthPolicy {
        check: HealthCheck::Tcp { address: "localhost:80".to_owned() },
        timeout: ms(1_000),
        interval: ms(1_000),
        retries: 3,
        start_limit: Some(ms(1)),
        ready_within: None,
    };
    let story = of(AppSpec { health: Some(health), ..app("web") }).spawned(1).passes(1);
    let story = reload(story, None).spawned(2).passes(2).later(ms(500));
    let failed = || Verdict::Failed { reason: "answered 503".to_owned(), answered: true };
    let story = story.fact(Fact::Checked { run: RunId(2), verdict: failed() });
    let story = story.later(ms(5_000)).orders("");
    assert!(!story.brain.reloads()[&APP].is_over());
    // It was well for long enough, and is again.
    let story = story.passes(2).later(ms(0));
    assert_eq!(progress(&story), &Progress::Done);
}

#[test]
fn as_many_new_runs_are_beside_the_old_ones_as_may_be() {
    let story = reload(several(3, roll(2, 0)), None).orders("launch 4, launch 5");
    let story = story.spawned(4).later(ms(500)).spawned(5).later(ms(500));
    let story = story.orders("SIGTERM 1, launch 6").spawned(6).later(ms(500)).orders("SIGTERM 2");
    let story = story.later(ms(500)).orders("SIGTERM 3");
    assert_eq!(progress(&story), &Progress::Done);
    assert_eq!(statuses(&story), [Status::Online; 3]);
}

#[test]
fn one_that_fails_takes_the_others_that_are_tried_with_it_and_all_old_ones_go_on() {
    let story = reload(several(3, roll(3, 0)), None).spawned(4).spawned(5).spawned(6);
    let story = story.later(ms(300)).exits(5, 1).orders("forget 5, SIGTERM 4, SIGTERM 6");
    assert!(matches!(progress(&story), Progress::Failed { process: ProcessId(1), .. }));
    let story = story.exits(4, 0).exits(6, 0).later(ms(60_000)).orders("");
    assert_eq!(statuses(&story), [Status::Online; 3]);
    story.restarts(0);
}

#[test]
fn so_many_pause_at_a_time_as_may_be_missing() {
    let story = reload(several(4, roll(0, 2)), None).orders("SIGTERM 1, SIGTERM 2");
    let story = story.exits(1, 0).orders("forget 1, launch 5").spawned(5);
    let story = story.later(ms(1_000)).orders("SIGTERM 3");
    let story = story.exits(2, 0).spawned(6).exits(3, 0).spawned(7).later(ms(1_000));
    let story = story.orders("SIGTERM 4").exits(4, 0).spawned(8).later(ms(1_000));
    assert_eq!(progress(&story), &Progress::Done);
}

#[test]
fn nobody_pauses_while_one_that_was_replaced_is_down_again() {
    let story = reload(several(3, roll(0, 1)), None).exits(1, 0).spawned(4).later(ms(1_000));
    let story = story.orders("SIGTERM 2").exits(2, 0).spawned(5);
    // Twice: after the second time it waits before it is run again.
    let story = story.exits(4, 1).spawned(6).exits(6, 1).orders("forget 6");
    assert_eq!(statuses(&story)[0], Status::Restarting);
    let story = story.later(ms(1_000));
    assert_eq!(statuses(&story)[2], Status::Online, "it is needed");
    assert!(!story.brain.reloads()[&APP].is_over());
    let story = story.spawned(7).later(ms(1)).orders("SIGTERM 3");
    let story = story.exits(3, 0).spawned(8).later(ms(1_000));
    assert_eq!(progress(&story), &Progress::Done);
}

#[test]
fn who_is_down_has_its_turn_first() {
    let story = several(3, roll(1, 0)).exits(3, 1).spawned(4).exits(4, 1);
    assert_eq!(statuses(&story)[2], Status::Restarting);
    let story = reload(story, None).orders("launch 5").spawned(5).later(ms(1_000)).orders("launch 6");
    assert!(story.brain.process(ID).expect("listed").trial.is_some(), "then the others");
}
