//! What follows an end that nobody asked for (acceptance row A12).

use super::*;

#[test]
fn a_crash_is_followed_by_a_launch_at_once_then_by_growing_waits() {
    let story = running(app("web")).later(ms(10)).exits(1, 1).orders("forget 1, launch 2").restarts(1);
    let story = story.spawned(2).exits(2, 1).orders("forget 2").is("restarting");
    assert!((ms(100)..=ms(110)).contains(&story.wait()), "{:?}", story.wait());
    let story = story.at_the_deadline().orders("launch 3").restarts(2).spawned(3).exits(3, 1);
    assert!((ms(150)..=ms(165)).contains(&story.wait()), "{:?}", story.wait());
}

#[test]
fn waits_go_on_growing_over_stable_runs_and_begin_anew_after_a_calm_one() {
    let story = running(app("web")).exits(1, 1).spawned(2).exits(2, 1).at_the_deadline();
    let story = story.spawned(3).later(ms(29_999)).exits(3, 1).is("restarting");
    let story = story.at_the_deadline().spawned(4).later(ms(30_000)).exits(4, 1);
    story.orders("forget 4, launch 5").spawned(5).exits(5, 1).is("restarting");
}

#[test]
fn what_a_crashed_program_leaves_is_swept_before_the_next_run() {
    running(app("web"))
        .leaves_something(1, 1)
        .orders("SIGTERM 1")
        .is("stopping")
        .leaves_something(1, 1)
        .orders("")
        .at_the_deadline()
        .orders("kill 1")
        .tree_gone(1)
        .orders("forget 1, launch 2")
        .restarts(1);
}

#[test]
fn a_start_during_the_sweep_after_a_planned_end_is_kept() {
    let job = RestartPolicy { auto: false, ..RestartPolicy::default() };
    let story = running(policy(job)).leaves_something(1, 0).start().answers(Ok(Accepted::Done));
    story.tree_gone(1).orders("forget 1, launch 2");
}

#[test]
fn so_many_unstable_runs_in_a_row_and_it_is_given_up() {
    let two = RestartPolicy { max_unstable: 2, ..RestartPolicy::default() };
    let story = running(policy(two.clone())).exits(1, 1).orders("forget 1, launch 2").spawned(2);
    let story = story.exits(2, 7).orders("forget 2").is("errored").wanted(Goal::Up);
    assert_eq!(story.brain.process(ID).map(|process| format!("{}", process.unstable)), Some("2".to_owned()),);
    // Somebody who starts it forgives it everything.
    story.start().orders("launch 3").spawned(3).exits(3, 1).orders("forget 3, launch 4").is("starting");
    // A stable run in between begins a new row.
    let story = running(policy(two)).exits(1, 1).spawned(2).later(ms(1_000)).exits(2, 1).at_the_deadline();
    story.spawned(3).exits(3, 1).is("restarting");
}

#[test]
fn a_fixed_delay_replaces_growing_waits_and_never_hides_errored() {
    let fixed = RestartPolicy { delay: ms(700), max_unstable: 2, ..RestartPolicy::default() };
    let story = running(policy(fixed)).exits(1, 0).orders("forget 1").is("restarting");
    assert_eq!(story.wait(), ms(700));
    story.at_the_deadline().orders("launch 2").spawned(2).exits(2, 0).is("errored");
}

#[test]
fn j22_a_back_off_waits_before_the_first_restart_grows_and_never_hides_errored() {
    let growing = RestartPolicy { backoff: Some(ms(400)), max_unstable: 3, ..RestartPolicy::default() };
    let story = running(policy(growing)).exits(1, 0).orders("forget 1").is("restarting");
    assert!((ms(400)..=ms(440)).contains(&story.wait()), "{:?}", story.wait());
    let story = story.at_the_deadline().orders("launch 2").spawned(2).exits(2, 0).is("restarting");
    assert!((ms(600)..=ms(660)).contains(&story.wait()), "{:?}", story.wait());
    let story = story.at_the_deadline().spawned(3).later(ms(30_000)).exits(3, 0).is("restarting");
    assert!((ms(400)..=ms(440)).contains(&story.wait()), "it begins anew: {:?}", story.wait());
    let story = story.at_the_deadline().spawned(4).exits(4, 0).at_the_deadline().spawned(5).exits(5, 0);
    story.at_the_deadline().spawned(6).exits(6, 0).is("errored");
}

#[test]
fn without_autorestart_code_0_is_stopped_and_another_is_errored() {
    let job = RestartPolicy { auto: false, ..RestartPolicy::default() };
    running(policy(job.clone())).exits(1, 0).orders("forget 1").is("stopped").tells(EventKind::Stopped);
    running(policy(job)).exits(1, 2).orders("forget 1").is("errored");
}

#[test]
fn a_stop_exit_code_is_a_planned_end() {
    let planned = RestartPolicy { stop_exit_codes: vec![0, 3], ..RestartPolicy::default() };
    running(policy(planned.clone())).exits(1, 3).is("stopped").wanted(Goal::Up);
    running(policy(planned)).exits(1, 1).is("starting");
}

#[test]
fn a_program_that_is_not_there_is_given_up_at_once() {
    of(app("web")).fails_to_spawn(1, SpawnStep::Exec, libc::ENOENT).orders("").is("errored");
    of(app("web")).fails_to_spawn(1, SpawnStep::Chdir, libc::EACCES).orders("").is("errored");
}

#[test]
fn a_host_without_room_for_another_process_is_tried_again() {
    let once = of(app("web")).fails_to_spawn(1, SpawnStep::Fork, libc::EAGAIN).orders("launch 2").restarts(1);
    once.fails_to_spawn(2, SpawnStep::Logs, libc::ENOSPC).orders("").is("restarting");
}
