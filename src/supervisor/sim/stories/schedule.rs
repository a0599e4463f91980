//! Schedules and jobs. The clock on the wall is a number of seconds after midnight of 1 March 2026 UTC.

use super::*;
use crate::model::Schedule;
use crate::model::schedule::{CatchUp, Overlap};
use crate::supervisor::Then;

/// 2026-03-01T00:00:00Z.
const MIDNIGHT: u64 = 1_772_323_200;
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

fn at(pattern: &str) -> Schedule {
    Schedule::parse(pattern, "UTC").unwrap()
}

/// A job that is run each day at three.
fn nightly() -> AppSpec {
    job(at("0 3 * * *"))
}

fn job(schedule: Schedule) -> AppSpec {
    let restart = RestartPolicy { auto: false, ..RestartPolicy::default() };
    AppSpec { schedule: Some(schedule), autostart: false, restart, ..app("web") }
}

#[test]
fn a_job_that_rests_is_not_run_by_a_reload() {
    let reload = |story: Story| {
        let (processes, beside) = (vec![ID], Default::default());
        story.command(Command::Reload {
            processes,
            beside,
            soak: None,
            ports: Default::default(),
            back_to: Default::default(),
        })
    };
    reload(of(nightly())).answers(Ok(Accepted::AlreadySo)).orders("");
    // One that is started by itself, too.
    let story = of(AppSpec { autostart: true, ..nightly() }).spawned(1).exits(1, 0);
    reload(story).answers(Ok(Accepted::AlreadySo)).orders("");
    // What runs of it is replaced.
    let story = of(AppSpec { autostart: true, ..nightly() }).spawned(1);
    reload(story).answers(Ok(Accepted::Reloading { number: 1 })).orders("SIGTERM 1");
}

impl Story {
    /// The clock is set to that.
    fn clock(self, seconds: u64) -> Story {
        self.fact(Fact::ClockSet { unix_us: (MIDNIGHT + seconds) * 1_000_000 })
    }

    /// Time goes on until the next thing happens by itself, or for so long.
    fn sleeps(mut self, seconds: u64) -> Story {
        self.now = self.now + Duration::from_secs(seconds);
        self.give(Input::Tick)
    }

    fn next(&self) -> Option<u64> {
        self.brain.next_slot(AppId(0)).map(|next| next / 1_000 - MIDNIGHT)
    }

    fn comes(self, next: u64) -> Story {
        assert_eq!(self.next(), Some(next));
        self
    }

    /// The daemon ends, and the next one begins so much later.
    fn gets_another_daemon(self, later: u64) -> Story {
        let apps = BTreeMap::from([(AppId(0), self.brain.app(AppId(0)).unwrap().clone())]);
        let rows = self.brain.processes().map(|process| process.to_remember()).collect();
        let wall = |now: Moment| now.0 / 1_000_000;
        let considered = BTreeMap::from([(AppId(0), self.brain.considered(AppId(0)).unwrap())]);
        let clock = considered[&AppId(0)] / 1_000 - MIDNIGHT;
        let now = self.now + Duration::from_secs(later);
        let (mut brain, effects) = Supervisor::restore(
            now,
            apps,
            rows,
            Vec::new(),
            BTreeMap::new(),
            AppId(1),
            ProcessId(1),
            RunId(10),
        );
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Launch { .. })), "{effects:?}");
        brain.remember_slots(considered);
        let passed = wall(now) - wall(self.now);
        Story { brain, now, answer: Ok(Accepted::Noted), effects }.clock(clock + passed)
    }
}

#[test]
fn a_job_rests_until_its_slot_and_is_run_once_at_it() {
    let story = of(nightly()).orders("").is("stopped").clock(2 * HOUR).comes(3 * HOUR);
    assert_eq!(story.brain.next_deadline(), Some(story.now + Duration::from_secs(HOUR)));
    let story = story.sleeps(HOUR - 1).orders("").sleeps(1).orders("launch 1").comes(DAY + 3 * HOUR);
    let story = story.tells(EventKind::Scheduled { late: None }).spawned(1).exits(1, 0).is("stopped");
    let story = story.sleeps(60).orders("").sleeps(DAY - 60).orders("launch 2").spawned(2);
    // One that failed is run again at its next slot.
    story.exits(2, 1).is("errored").sleeps(DAY).orders("launch 3").restarts(0);
}

#[test]
fn a_slot_during_a_run_goes_by_the_policy() {
    let running = |overlap| {
        let story = of(job(at("* * * * *").with(overlap, CatchUp::Skip))).clock(0);
        story.sleeps(60).orders("launch 1").spawned(1).sleeps(60)
    };
    let skip = running(Overlap::Skip).orders("").tells(EventKind::SlotSkipped);
    skip.exits(1, 0).orders("forget 1").is("stopped");
    let queue = running(Overlap::Queue).orders("").tells(EventKind::SlotQueued);
    let queue = queue.sleeps(60).tells(EventKind::SlotSkipped).exits(1, 0).orders("forget 1, launch 2");
    queue.spawned(2).exits(2, 0).orders("forget 2").is("stopped");
    let replace = running(Overlap::Replace).orders("SIGTERM 1");
    replace.exits(1, 143).orders("forget 1, launch 2");
}

#[test]
fn what_was_stopped_by_hand_is_not_started_by_its_schedule() {
    let story = of(nightly()).clock(0).stop().sleeps(3 * HOUR).orders("").is("stopped").comes(DAY + 3 * HOUR);
    // Somebody who starts it runs it now, and at its slots from then on.
    let story = story.start().orders("launch 1").spawned(1).exits(1, 0);
    story.sleeps(DAY).orders("launch 2");
    let service = AppSpec { schedule: Some(at("0 3 * * *")), ..app("web") };
    running(service).clock(0).stop().exits(1, 0).sleeps(3 * HOUR).orders("").is("stopped");
}

#[test]
fn a_job_that_is_one_no_more_is_stopped_until_somebody_starts_it() {
    let update = |then| Command::Update { app: AppId(0), spec: Arc::new(app("web")), then };
    let story = of(nightly()).clock(0).wanted(Goal::Up).command(update(Then::Keep));
    let story = story.orders("").is("stopped").wanted(Goal::Down);
    let story = story.sleeps(3 * HOUR).orders("");
    story.start().orders("launch 1").wanted(Goal::Up);
    let ran = of(nightly()).clock(0).sleeps(3 * HOUR).spawned(1).exits(1, 0);
    ran.command(update(Then::Keep)).orders("").is("stopped").wanted(Goal::Down);
    of(nightly()).clock(0).command(update(Then::Start)).orders("launch 1").wanted(Goal::Up);
}

#[test]
fn a_service_is_restarted_at_its_slot_and_counts() {
    let service = AppSpec { schedule: Some(at("0 3 * * *")), ..app("web") };
    let story = running(service).clock(0).sleeps(3 * HOUR).orders("SIGTERM 1");
    story.exits(1, 0).orders("forget 1, launch 2").restarts(1);
}

#[test]
fn slots_while_no_daemon_ran_are_passed_over_or_made_up_for_once() {
    let after = |catch_up, down| {
        let story = of(job(at("0 3 * * *").with(Overlap::Skip, catch_up))).clock(2 * HOUR);
        story.gets_another_daemon(down).sleeps(0)
    };
    let late = Duration::from_secs(2 * HOUR);
    let skip = after(CatchUp::Skip, 3 * HOUR).orders("").tells(EventKind::SlotMissed { late });
    skip.is("stopped").comes(DAY + 3 * HOUR);
    let once =
        after(CatchUp::Once, 3 * HOUR).orders("launch 10").tells(EventKind::Scheduled { late: Some(late) });
    once.comes(DAY + 3 * HOUR);
    // Three days are one run, and a moment is not missed.
    let days =
        after(CatchUp::Once, 3 * DAY).orders("launch 10").spawned(10).exits(10, 0).sleeps(1).orders("");
    days.comes(3 * DAY + 3 * HOUR);
    after(CatchUp::Skip, HOUR + 30).orders("launch 10");
    // What was considered before is not run again.
    of(nightly()).clock(4 * HOUR).gets_another_daemon(HOUR).sleeps(0).orders("").comes(DAY + 3 * HOUR);
}

#[test]
fn a_clock_that_is_put_forward_over_a_slot_has_missed_it() {
    let story = of(nightly()).clock(2 * HOUR).clock(5 * HOUR).sleeps(0).orders("");
    let story = story.tells(EventKind::SlotMissed { late: Duration::from_secs(2 * HOUR) });
    story.comes(DAY + 3 * HOUR);
}

#[test]
fn a_clock_that_is_put_back_runs_nothing_twice_unless_it_had_been_wrong() {
    let ran = || of(nightly()).clock(3 * HOUR - 1).sleeps(1).orders("launch 1").spawned(1).exits(1, 0);
    let story = ran().clock(3 * HOUR - 600).comes(DAY + 3 * HOUR).sleeps(600).orders("");
    story.comes(DAY + 3 * HOUR);
    // By half a day: the night is still to come.
    ran().clock(2 * HOUR - 60).comes(3 * HOUR).sleeps(HOUR + 60).orders("launch 2");
}

#[test]
fn a_job_runs_in_spring_and_autumn_once_a_night() {
    // Clocks change on 29 March and 25 October 2026 at 01:00 UTC.
    let runs = |from: u64| {
        let schedule = Schedule::parse("30 2 * * *", "Europe/Berlin").unwrap();
        let mut story = of(job(schedule)).clock(from);
        let mut launches = 0;
        for _ in 0..3 * 24 * 60 {
            story = story.sleeps(60);
            for effect in story.effects.clone() {
                if let Effect::Launch { run, .. } = effect {
                    launches += 1;
                    story = story.spawned(run.0).exits(run.0, 0);
                }
            }
        }
        launches
    };
    assert_eq!(runs(27 * DAY + 12 * HOUR), 3);
    assert_eq!(runs((31 + 30 + 31 + 30 + 31 + 31 + 30 + 23) * DAY + 12 * HOUR), 3);
}

#[test]
fn another_schedule_counts_from_when_it_is_said() {
    let story = of(nightly()).clock(4 * HOUR).comes(DAY + 3 * HOUR);
    let spec = Arc::new(job(at("0 5 * * *")));
    let then = super::super::super::Then::Keep;
    let story = story.command(Command::Update { app: AppId(0), spec, then }).comes(5 * HOUR);
    let none = Arc::new(AppSpec { schedule: None, ..nightly() });
    let story = story.command(Command::Update { app: AppId(0), spec: none, then });
    assert_eq!((story.next(), story.brain.next_deadline()), (None, None));
}
