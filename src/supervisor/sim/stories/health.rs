//! Health checks.

use super::*;
use crate::model::{HealthCheck, HealthPolicy, Verdict};

pub(super) fn checked() -> AppSpec {
    let check = HealthCheck::Tcp { address: "localhost:80".to_owned() };
    let (timeout, interval, start_limit) = (ms(5_000), ms(10_000), None);
    AppSpec {
        health: Some(HealthPolicy { check, timeout, interval, retries: 3, start_limit, ready_within: None }),
        ..app("web")
    }
}

fn started(spec: AppSpec) -> Story {
    of(spec).orders("launch 1").spawned(1).orders("watch 1").is("starting")
}

impl Story {
    pub(super) fn passes(self, run: u64) -> Story {
        self.fact(Fact::Checked { run: RunId(run), verdict: Verdict::Passed })
    }

    pub(super) fn fails(self, run: u64) -> Story {
        let verdict = Verdict::Failed { reason: "answered 503".to_owned(), answered: true };
        self.fact(Fact::Checked { run: RunId(run), verdict })
    }
}

fn unhealthy(restarts: bool) -> EventKind {
    EventKind::Unhealthy { reason: "answered 503".to_owned(), restarts }
}

#[test]
fn a_checked_process_is_starting_until_its_check_passes() {
    let story = started(checked()).fails(1).orders("").is("starting").later(ms(59_999)).fails(1).fails(1);
    story.fails(1).is("starting").passes(1).tells(EventKind::Healthy).is("online").orders("");
}

#[test]
fn failures_in_a_row_end_the_run_and_the_next_one_counts() {
    let story = started(checked()).passes(1).later(ms(5_000)).fails(1).fails(1).passes(1).fails(1).fails(1);
    let story = story.orders("").is("online").fails(1).tells(unhealthy(true)).orders("unwatch 1, SIGTERM 1");
    let story = story.is("stopping").fails(1).orders("").exits(1, 0).orders("forget 1, launch 2").restarts(1);
    story
        .passes(1)
        .is("starting")
        .spawned(2)
        .orders("watch 2")
        .passes(1)
        .is("starting")
        .passes(2)
        .is("online");
}

#[test]
fn a_process_that_never_becomes_healthy_is_given_up_however_long_its_runs_are() {
    let restart = RestartPolicy { max_unstable: 2, ..RestartPolicy::default() };
    let story = started(AppSpec { restart, ..checked() }).later(ms(60_000)).fails(1).fails(1).fails(1);
    let story = story.exits(1, 0).orders("forget 1, launch 2").spawned(2).later(ms(60_000));
    let story = story.fails(2).fails(2).fails(2).exits(2, 143).is("errored");
    let complaint = "answered 503".to_owned();
    story.tells(EventKind::Errored { reason: crate::model::Reason::Unhealthy { count: 2, complaint } });
}

#[test]
fn one_that_is_not_healthy_in_time_is_ended_by_the_next_check_that_fails() {
    let mut spec = checked();
    spec.health.as_mut().unwrap().ready_within = Some(ms(5_000));
    let story = started(spec.clone()).later(ms(4_999)).fails(1).orders("").later(ms(1)).fails(1);
    let reason = "not healthy within 5 s: answered 503".to_owned();
    let story = story.tells(EventKind::Unhealthy { reason, restarts: true }).orders("unwatch 1, SIGTERM 1");
    story.exits(1, 0).orders("forget 1, launch 2");
    // In time; what fails later counts as ever.
    let story = started(spec).passes(1).later(ms(5_000)).fails(1).fails(1).orders("").fails(1);
    story.orders("unwatch 1, SIGTERM 1");
}

#[test]
fn an_unhealthy_end_is_never_a_planned_one() {
    let restart = RestartPolicy { stop_exit_codes: vec![0], ..RestartPolicy::default() };
    let story = started(AppSpec { restart, ..checked() }).passes(1).fails(1).fails(1).fails(1);
    story.exits(1, 0).orders("forget 1, launch 2");
}

#[test]
fn without_autorestart_an_unhealthy_process_is_told_and_left_alone() {
    let restart = RestartPolicy { auto: false, ..RestartPolicy::default() };
    let story = started(AppSpec { restart, ..checked() }).passes(1).fails(1).fails(1).fails(1);
    let story = story.tells(unhealthy(false)).orders("").is("online").fails(1).orders("");
    story.passes(1).tells(EventKind::Healthy);
}

#[test]
fn a_stop_wins_over_an_unhealthy_end() {
    let story = started(checked()).passes(1).fails(1).fails(1).fails(1).stop().exits(1, 0);
    story.is("stopped").orders("forget 1");
    started(checked()).stop().orders("unwatch 1, SIGTERM 1").passes(1).is("stopping");
    started(checked()).exits(1, 1).orders("unwatch 1, forget 1, launch 2");
}
