//! Memory limits, the host's budget, and what a new daemon remembers of restarts.

use super::super::super::{Asked, Limits};
use super::*;
use crate::model::{ByteSize, OverMemory, Reason, Resources, State};

fn limited() -> AppSpec {
    let resources = Resources { max_memory: Some(ByteSize(512 << 20)), ..Resources::default() };
    AppSpec { resources, ..app("web") }
}

/// A hundred processes that run, on a host with one CPU.
fn hundred() -> Story {
    let mut story = of(AppSpec { instances: 100, ..app("web") });
    for run in 1..=100 {
        story = story.spawned(run);
    }
    story
}

impl Story {
    fn uses(self, run: u64, bytes: u64) -> Story {
        self.fact(Fact::Sampled { run: RunId(run), memory: ByteSize(bytes) })
    }

    fn with_status(&self, status: &str) -> usize {
        self.brain.processes().filter(|process| process.state.status().as_str() == status).count()
    }
}

#[test]
fn too_much_memory_is_a_graceful_restart_that_counts_and_says_why() {
    let over = OverMemory { used: ByteSize(600 << 20), limit: ByteSize(512 << 20) };
    let story = running(limited()).uses(1, 512 << 20).orders("").is("online");
    let story =
        story.uses(1, 600 << 20).orders("SIGTERM 1").tells(EventKind::OverMemory(over)).is("stopping");
    // One reason is enough, and the old life does not speak for the new one.
    let story = story.uses(1, 700 << 20).orders("").exits(1, 143).orders("forget 1, launch 2").restarts(1);
    let story = story.uses(1, 900 << 20).orders("").spawned(2).is("online");
    assert_eq!(story.brain.process(ID).and_then(|process| process.last_over_memory), Some(over));
    let story = story.exits(2, 1).spawned(3);
    assert_eq!(story.brain.process(ID).and_then(|process| process.last_over_memory), None);
}

#[test]
fn a_limit_with_which_a_program_cannot_begin_is_backed_off_from_and_given_up() {
    let over = OverMemory { used: ByteSize(600 << 20), limit: ByteSize(512 << 20) };
    let restart = RestartPolicy { max_unstable: 3, ..RestartPolicy::default() };
    let early = |story: Story, run| story.later(ms(50)).uses(run, 600 << 20).later(ms(1_500)).exits(run, 0);
    let story = early(running(AppSpec { restart, ..limited() }), 1).orders("forget 1, launch 2").spawned(2);
    let story = early(story, 2).orders("forget 2").is("restarting");
    assert!((ms(100)..=ms(110)).contains(&story.wait()), "{:?}", story.wait());
    let story = early(story.at_the_deadline().orders("launch 3").spawned(3), 3).is("errored").restarts(2);
    let reason = Reason::OverMemory { count: 3, over };
    assert_eq!(
        reason.to_string(),
        "given up after 3 unstable runs in a row; the last went over its memory limit: 600 MiB > 512 MiB"
    );
    story.tells(EventKind::Errored { reason });
    // Who has worked for a while is run anew at once, however often.
    let mut story = running(limited());
    for run in 1..=20 {
        story = story.later(ms(1_000)).uses(run, 600 << 20).exits(run, 0).spawned(run + 1);
    }
    story.restarts(20).is("online");
}

#[test]
fn memory_counts_for_apps_with_a_limit_that_are_wanted_up() {
    running(app("web")).uses(1, 1 << 40).orders("");
    running(limited()).stop().uses(1, 1 << 40).orders("");
    let job = RestartPolicy { auto: false, ..RestartPolicy::default() };
    let story = running(AppSpec { restart: job, ..limited() }).uses(1, 1 << 40).orders("SIGTERM 1");
    story.exits(1, 0).orders("forget 1, launch 2").restarts(1);
}

#[test]
fn somebody_who_stops_what_uses_too_much_has_it_stopped() {
    running(limited()).uses(1, 1 << 40).stop().exits(1, 0).orders("forget 1").is("stopped").restarts(0);
}

#[test]
fn a_common_cause_does_not_become_a_storm() {
    let mut story = hundred();
    story = story.new_keeper_finds(&[]);
    assert_eq!((story.with_status("starting"), story.with_status("restarting")), (20, 80));
    assert_eq!(story.wait(), ms(500));
    story = story.tells(EventKind::HostBudget).at_the_deadline().orders("launch 121");
    story = story.later(ms(1_000)).orders("launch 122, launch 123");
    // Those who came first went first.
    let waiting = story.brain.processes().find(|process| process.queued_since().is_some());
    assert_eq!(waiting.map(|process| process.id), Some(ProcessId(23)));
    while story.with_status("restarting") > 0 {
        story = story.at_the_deadline();
    }
    assert_eq!(story.now, Moment(1_000_000_000) + ms(80 * 500));
}

#[test]
fn commands_go_before_the_queue_and_take_nothing_from_it() {
    let last = ProcessId(99);
    let story = hundred().new_keeper_finds(&[]).command(Command::Start { process: last });
    let story = story.orders("launch 121").command(Command::Stop { process: ProcessId(98) }).orders("");
    assert_eq!(story.with_status("restarting"), 78);
    story.at_the_deadline().orders("launch 122");
}

#[test]
fn more_cpus_bear_more() {
    let mut story = hundred();
    story.brain.limit_restarts(Limits::of_host(64));
    story = story.new_keeper_finds(&[]);
    while story.with_status("restarting") > 0 {
        story = story.at_the_deadline();
    }
    let took = story.now.since(Moment(1_000_000_000));
    assert!((ms(620)..=ms(630)).contains(&took), "80 at 128 a second took {took:?}");
}

#[test]
fn a_restart_goes_on_when_the_daemon_died_in_the_middle_of_it() {
    let row = |run| Remembered {
        goal: Goal::Up,
        restarts: 5,
        asked: Some(Asked { run: RunId(run), restart: true, cause: Some(Cause::Restart), over_memory: None }),
        ..Remembered::new(ID, AppId(0), 0)
    };
    remembered_as(row(7), vec![life(7)])
        .orders("SIGTERM 7")
        .exits(7, 0)
        .orders("forget 7, launch 10")
        .restarts(6);
    remembered_as(row(7), vec![ended(7, 0)]).orders("forget 7, launch 10").restarts(6);
    remembered_as(row(7), vec![]).orders("launch 10").restarts(6);
    // It was carried out, only nobody wrote that down.
    remembered_as(row(7), vec![life(8)]).orders("").is("online").restarts(5);
    let asked =
        running(app("web")).restart().brain.process(ID).and_then(|process| process.to_remember().asked);
    assert_eq!(
        asked,
        Some(Asked { run: RunId(1), restart: true, cause: Some(Cause::Restart), over_memory: None })
    );
}

#[test]
fn a_new_daemon_goes_on_waiting_and_counting() {
    let waiting = running(app("web")).exits(1, 1).spawned(2).exits(2, 1).is("restarting");
    let row = waiting.brain.process(ID).map(|process| process.to_remember()).expect("listed");
    let due = waiting.brain.next_deadline();
    assert_eq!((row.unstable, row.waits, row.waits_until), (2, 2, due));
    let story = remembered_as(row, vec![]).orders("").is("restarting");
    let story = story.at_the_deadline().orders("launch 10").restarts(2).spawned(10).exits(10, 1);
    assert!((ms(150)..=ms(165)).contains(&story.wait()), "{:?}", story.wait());
    // A wait of another time, or for nothing, is none.
    let long_ago = Remembered { waits_until: Some(Moment(u64::MAX)), ..Remembered::new(ID, AppId(0), 0) };
    remembered_as(long_ago.clone(), vec![]).is("stopped");
    let story = remembered_as(Remembered { goal: Goal::Up, ..long_ago }, vec![]).is("restarting");
    assert_eq!(story.wait(), ms(15_000));
    let lives = remembered_as(
        Remembered { goal: Goal::Up, unstable: 3, ..Remembered::new(ID, AppId(0), 0) },
        vec![life(7)],
    );
    let state = lives
        .brain
        .process(ID)
        .map(|process| (process.unstable, matches!(process.state, State::Running { .. })));
    assert_eq!(state, Some((3, true)));
}

#[test]
fn several_that_use_too_much_are_restarted_one_after_the_other() {
    let over = OverMemory { used: ByteSize(1 << 40), limit: ByteSize(512 << 20) };
    let story = of(AppSpec { instances: 3, ..limited() }).spawned(1).spawned(2).spawned(3);
    let story = story.uses(1, 1 << 40).orders("SIGTERM 1").uses(2, 1 << 40).orders("");
    let cause = ExitCause::OverMemory(over);
    let story =
        story.exits(1, 0).tells(EventKind::Exited { end: End::Code(0), cause, uptime: Duration::ZERO });
    let story = story.orders("forget 1, launch 4").uses(2, 1 << 40).orders("");
    let story = story.spawned(4).uses(2, 1 << 40).orders("SIGTERM 2").uses(3, 1 << 40).orders("");
    // One that fails does not keep the others from it.
    let story = story.exits(2, 0).fails_to_spawn(5, SpawnStep::Exec, libc::ENOENT);
    story.uses(3, 1 << 40).orders("SIGTERM 3");
}
