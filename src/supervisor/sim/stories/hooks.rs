//! What comes of a launch that waits for the hook `before_start`.

use super::*;
use crate::model::Reason;

const DETAIL: &str = "cannot execute /bin/true";

#[test]
fn a_hook_that_fails_is_a_failed_start_that_is_tried_again_with_growing_waits() {
    let told = EventKind::SpawnFailed { detail: DETAIL.to_owned() };
    let story = of(app("web")).fails_to_spawn(1, SpawnStep::Hook, 0).tells(told).orders("launch 2");
    let story = story.restarts(1).fails_to_spawn(2, SpawnStep::Hook, 0).orders("").is("restarting");
    assert!(story.wait() > Duration::ZERO);
    story.at_the_deadline().orders("launch 3").spawned(3).is("online");
}

#[test]
fn a_hook_that_always_fails_is_given_up_after_so_many_starts() {
    let spec = policy(RestartPolicy { max_unstable: 2, ..RestartPolicy::default() });
    let once = of(spec).fails_to_spawn(1, SpawnStep::Hook, 0).orders("launch 2");
    once.fails_to_spawn(2, SpawnStep::Hook, 0).orders("").is("errored");
    let spec = policy(RestartPolicy { auto: false, ..RestartPolicy::default() });
    let reason = Reason::CannotSpawn(DETAIL.to_owned());
    let never = of(spec).fails_to_spawn(1, SpawnStep::Hook, 0).orders("").is("errored");
    never.tells(EventKind::Errored { reason });
}

#[test]
fn a_stop_calls_off_a_launch_and_what_was_called_off_has_not_failed() {
    let story = of(app("web")).stop().orders("call off 1").is("stopping");
    let story = story.fails_to_spawn(1, SpawnStep::CalledOff, 0).orders("").is("stopped");
    let failed = |effect: &Effect| matches!(effect, Effect::Publish(event) if matches!(event.kind, EventKind::SpawnFailed { .. }));
    assert!(!story.effects.iter().any(failed), "{:?}", story.effects);
    story.start().orders("launch 2").restarts(0);
}

#[test]
fn a_restart_and_a_deletion_call_it_off_and_go_on() {
    let again = of(app("web")).restart().orders("call off 1");
    again.fails_to_spawn(1, SpawnStep::CalledOff, 0).orders("launch 2").is("starting").restarts(1);
    let gone = of(app("web")).delete().orders("call off 1");
    gone.fails_to_spawn(1, SpawnStep::CalledOff, 0).orders("").leaves_no_trace();
}

#[test]
fn one_that_comes_too_late_is_asked_to_end_when_it_is_executed() {
    let late = of(app("web")).stop().orders("call off 1").spawned(1).orders("SIGTERM 1");
    late.exits(1, 0).orders("forget 1").is("stopped");
}
