//! Single stories, to be read like a manual. Process 0 is the only one unless a story says so;
//! its lives are 1, 2, 3 and so on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::{Accepted, Command, Denied, Effect, Input, Living, Record, Remembered, Supervisor};
use super::users::app;
use crate::model::{
    AppId, AppSpec, End, EventKind, Fact, Goal, Moment, Pid, ProcessId, Rest, RestartPolicy, RunId, Signal,
    SpawnFailure, SpawnStep,
};

const ID: ProcessId = ProcessId(0);

/// A supervisor, and what it answered last.
struct Story {
    brain: Supervisor,
    now: Moment,
    answer: Result<Accepted, Denied>,
    effects: Vec<Effect>,
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// PM2's defaults, with another restart policy.
fn policy(policy: RestartPolicy) -> AppSpec {
    AppSpec { restart: policy, ..app("web") }
}

/// The app was defined, and nothing else has happened.
fn of(spec: AppSpec) -> Story {
    let (brain, now) = (Supervisor::default(), Moment(1_000_000_000));
    let story = Story { brain, now, answer: Ok(Accepted::Noted), effects: Vec::new() };
    story.command(Command::Create { spec: Arc::new(spec) })
}

/// It was defined and runs.
fn running(spec: AppSpec) -> Story {
    of(spec).orders("launch 1").spawned(1).is("online")
}

/// It runs, was given up or is stopped, and a new daemon comes.
fn remembered(goal: Goal, rest: Rest, living: Vec<Living>) -> Story {
    let row = Remembered { id: ID, app: AppId(0), instance: 0, goal, rest, restarts: 4, last_end: None };
    let apps = BTreeMap::from([(AppId(0), Arc::new(app("web")))]);
    let now = Moment(1_000_000_000);
    let (brain, effects) =
        Supervisor::restore(now, apps, vec![row], living, AppId(1), ProcessId(1), RunId(10));
    Story { brain, now, answer: Ok(Accepted::Noted), effects }
}

fn life(run: u64) -> Living {
    let spawned = Some((Pid(run as i32), Moment(900_000_000)));
    Living { run: RunId(run), process: ID, restarts: 5, spawned, ended: None, tree_empty: false }
}

fn ended(run: u64, code: i32) -> Living {
    Living { ended: Some((End::Code(code), Moment(900_500_000))), tree_empty: true, ..life(run) }
}

impl Story {
    fn give(mut self, input: Input) -> Story {
        (self.answer, self.effects) = self.brain.step(self.now, input);
        self
    }

    fn command(self, command: Command) -> Story {
        self.give(Input::Command(command))
    }

    fn start(self) -> Story {
        self.command(Command::Start { process: ID })
    }

    fn stop(self) -> Story {
        self.command(Command::Stop { process: ID })
    }

    fn restart(self) -> Story {
        self.command(Command::Restart { process: ID })
    }

    fn delete(self) -> Story {
        self.command(Command::Delete { process: ID })
    }

    fn shutdown(self) -> Story {
        self.command(Command::Shutdown)
    }

    fn fact(self, fact: Fact) -> Story {
        self.give(Input::Fact(fact))
    }

    fn spawned(self, run: u64) -> Story {
        let at = self.now;
        self.fact(Fact::Spawned { run: RunId(run), pid: Pid(run as i32), at })
    }

    fn fails_to_spawn(self, run: u64, step: SpawnStep, errno: i32) -> Story {
        let failure = SpawnFailure { step, errno, detail: "cannot execute /bin/true".to_owned() };
        self.fact(Fact::SpawnFailed { run: RunId(run), failure })
    }

    /// It ended, with all of its tree.
    fn exits(self, run: u64, code: i32) -> Story {
        let (end, at) = (End::Code(code), self.now);
        self.fact(Fact::Exited { run: RunId(run), end, at, tree_empty: true })
    }

    /// It ended, and something that it had started lives on.
    fn leaves_something(self, run: u64, code: i32) -> Story {
        let (end, at) = (End::Code(code), self.now);
        self.fact(Fact::Exited { run: RunId(run), end, at, tree_empty: false })
    }

    fn tree_gone(self, run: u64) -> Story {
        self.fact(Fact::TreeGone { run: RunId(run) })
    }

    fn new_keeper_finds(self, living: &[u64]) -> Story {
        let living = living.iter().map(|run| RunId(*run)).collect();
        self.fact(Fact::HandsRenewed { living })
    }

    /// Time passes, and a tick comes at the end.
    fn later(mut self, passed: Duration) -> Story {
        self.now = self.now + passed;
        self.give(Input::Tick)
    }

    /// Time passes up to the next deadline.
    fn at_the_deadline(mut self) -> Story {
        self.now = self.brain.next_deadline().expect("a deadline");
        self.give(Input::Tick)
    }

    /// What the keeper was ordered to do in the last step.
    #[track_caller]
    fn orders(self, expected: &str) -> Story {
        let orders = self.effects.iter().filter_map(|effect| match effect {
            Effect::Launch { run, .. } => Some(format!("launch {run}")),
            Effect::Signal { run, signal, .. } => Some(format!("{signal} {run}")),
            Effect::KillTree { run } => Some(format!("kill {run}")),
            Effect::Forget { run } => Some(format!("forget {run}")),
            Effect::Record(_) | Effect::Publish(_) => None,
        });
        assert_eq!(orders.collect::<Vec<_>>().join(", "), expected);
        self
    }

    #[track_caller]
    fn is(self, status: &str) -> Story {
        assert_eq!(self.brain.process(ID).expect("listed").state.status().as_str(), status);
        self
    }

    #[track_caller]
    fn is_gone(self) -> Story {
        assert_eq!(self.brain.process(ID), None);
        self
    }

    #[track_caller]
    fn answers(self, expected: Result<Accepted, Denied>) -> Story {
        assert_eq!(self.answer, expected);
        self
    }

    #[track_caller]
    fn restarts(self, expected: u32) -> Story {
        assert_eq!(self.brain.process(ID).expect("listed").restarts, expected);
        self
    }

    #[track_caller]
    fn wanted(self, expected: Goal) -> Story {
        assert_eq!(self.brain.process(ID).expect("listed").goal, expected);
        self
    }

    #[track_caller]
    fn tells(self, expected: EventKind) -> Story {
        let told = |effect: &Effect| matches!(effect, Effect::Publish(event) if event.kind == expected);
        assert!(self.effects.iter().any(told), "no {expected:?} in {:?}", self.effects);
        self
    }

    #[track_caller]
    fn records(self, expected: Record) -> Story {
        let recorded = |effect: &Effect| *effect == Effect::Record(expected);
        assert!(self.effects.iter().any(recorded), "no {expected:?} in {:?}", self.effects);
        self
    }

    /// From now to the next automatic start.
    fn wait(&self) -> Duration {
        self.brain.next_deadline().map_or(Duration::ZERO, |at| at.since(self.now))
    }
}

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
    let story = story.delete().command(create()).answers(taken).exits(1, 0).is_gone();
    let second = Accepted::Created { app: AppId(1), processes: vec![ProcessId(1)] };
    story.command(create()).answers(Ok(second));
}

#[test]
fn stop_asks_the_whole_tree_and_kills_what_is_left_after_the_timeout() {
    running(app("web"))
        .stop()
        .answers(Ok(Accepted::Done))
        .tells(EventKind::StopAsked)
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
    let story = of(app("web")).stop().answers(Ok(Accepted::Done)).orders("").is("stopping");
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
    let asked = EventKind::Exited { end: End::Code(0), asked: true, uptime: Duration::ZERO };
    story.exits(1, 0).tells(asked).orders("forget 1, launch 2").restarts(1).is("starting");
}

#[test]
fn restart_of_what_is_being_launched_ends_it_first() {
    of(app("web"))
        .restart()
        .orders("")
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
        .is_gone()
        .delete()
        .answers(Err(Denied::NoSuchProcess(ID)));
    running(app("web")).stop().exits(1, 0).delete().answers(Ok(Accepted::Done)).orders("").is_gone();
}

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

#[test]
fn a_launch_lost_with_its_keeper_is_done_again_and_does_not_count() {
    of(app("web")).new_keeper_finds(&[]).orders("launch 2").is("starting").restarts(0);
    of(app("web")).fails_to_spawn(1, SpawnStep::Lost, 0).orders("launch 2").restarts(0);
}

#[test]
fn a_run_that_a_new_keeper_does_not_find_ended_in_an_unknown_way() {
    let unknown = EventKind::Exited { end: End::Unknown, asked: false, uptime: ms(5_000) };
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

#[test]
fn a_new_daemon_adopts_what_lives() {
    remembered(Goal::Up, Rest::Stopped, vec![life(7)]).orders("").is("online").restarts(5);
    let launching = Living { spawned: None, ..life(7) };
    remembered(Goal::Up, Rest::Stopped, vec![launching.clone()])
        .orders("")
        .is("starting")
        .spawned(7)
        .is("online");
    remembered(Goal::Down, Rest::Stopped, vec![launching]).orders("").spawned(7).orders("SIGTERM 7");
}

#[test]
fn a_new_daemon_launches_what_is_wanted_and_does_not_live() {
    remembered(Goal::Up, Rest::Stopped, vec![]).orders("launch 10").restarts(4);
    remembered(Goal::Down, Rest::Stopped, vec![]).orders("").is("stopped");
    remembered(Goal::Gone, Rest::Stopped, vec![]).records(Record::AppGone(AppId(0))).is_gone();
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
    let crash = EventKind::Exited { end: End::Code(1), asked: false, uptime: ms(500) };
    let story = remembered(Goal::Up, Rest::Stopped, vec![ended(7, 1)]).tells(crash);
    story.orders("forget 7, launch 10").restarts(6);
    let asked = EventKind::Exited { end: End::Code(1), asked: true, uptime: ms(500) };
    remembered(Goal::Down, Rest::Stopped, vec![ended(7, 1)]).tells(asked).orders("forget 7").is("stopped");
    remembered(Goal::Gone, Rest::Stopped, vec![ended(7, 1)]).orders("forget 7").is_gone();
}

#[test]
fn a_new_daemon_ends_what_is_not_wanted() {
    let down = remembered(Goal::Down, Rest::Stopped, vec![life(7)]).orders("SIGTERM 7").is("stopping");
    down.at_the_deadline().orders("kill 7");
    remembered(Goal::Gone, Rest::Stopped, vec![life(7)]).orders("SIGTERM 7").exits(7, 0).is_gone();
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
    let row = Remembered {
        id: ProcessId(5),
        app: AppId(3),
        instance: 0,
        goal: Goal::Up,
        rest: Rest::Stopped,
        restarts: 0,
        last_end: None,
    };
    let (next_app, next_process, next_run) = (AppId(4), ProcessId(6), RunId(1));
    let (brain, effects) =
        Supervisor::restore(Moment(0), apps, vec![row], vec![], next_app, next_process, next_run);
    let gone = [Record::ProcessGone(ProcessId(5)), Record::AppGone(AppId(0))];
    assert_eq!(effects, gone.map(Effect::Record));
    assert_eq!(brain.processes().count(), 0);
}

#[test]
fn the_stop_signal_and_its_timeout_are_those_of_the_app() {
    let stop =
        crate::model::StopPolicy { signal: Signal::parse("INT").expect("a signal"), timeout: ms(1_600) };
    let story = running(AppSpec { stop, ..app("web") }).stop().orders("SIGINT 1");
    assert_eq!(story.wait(), ms(1_600));
}
