//! A keeper that dies, and news that comes late or from strangers.

use super::*;

#[test]
fn a_launch_lost_with_its_keeper_is_done_again_and_does_not_count() {
    of(app("web")).new_keeper_finds(&[]).orders("launch 2").is("starting").restarts(0);
    of(app("web")).fails_to_spawn(1, SpawnStep::Lost, 0).orders("launch 2").restarts(0);
}

#[test]
fn a_run_that_a_new_keeper_does_not_find_ended_in_an_unknown_way() {
    let unknown = EventKind::Exited { end: End::Unknown, cause: ExitCause::Itself, uptime: ms(5_000) };
    let story = running(app("web")).later(ms(5_000)).new_keeper_finds(&[]).tells(unknown);
    story.orders("forget 1, launch 2").restarts(1);
    running(app("web")).stop().new_keeper_finds(&[]).is("stopped");
}

#[test]
fn a_new_keeper_is_told_again_what_is_to_end() {
    running(app("web")).new_keeper_finds(&[1]).orders("").is("online");
    let stopping = running(app("web")).stop().new_keeper_finds(&[1]).orders("SIGTERM 1");
    stopping.at_the_deadline().orders("kill 1").new_keeper_finds(&[1]).orders("kill 1");
}

#[test]
fn a_run_that_nobody_knows_is_killed_and_acknowledged() {
    let story = running(app("web")).new_keeper_finds(&[1, 77]).orders("kill 77");
    assert!(!story.brain.all_idle());
    story.leaves_something(77, 0).orders("").tree_gone(77).orders("forget 77").tree_gone(77).orders("");
}

#[test]
fn news_of_an_earlier_life_changes_nothing() {
    let story = running(app("web")).exits(1, 1).spawned(2).is("online");
    story.exits(1, 1).orders("").spawned(1).orders("").tree_gone(1).orders("").is("online").restarts(1);
}
