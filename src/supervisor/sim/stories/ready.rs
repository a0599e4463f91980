//! Readiness.

use super::super::super::Then;
use super::*;
use crate::model::{ReadyBy, ReadyPolicy, Reason, Remark, Sign, StopPolicy};

fn awaited() -> AppSpec {
    AppSpec { ready: ReadyPolicy { by: ReadyBy::Message, limit: ms(3_000) }, ..app("web") }
}

fn started(spec: AppSpec) -> Story {
    of(spec).orders("launch 1").spawned(1).orders("await 1").is("starting")
}

impl Story {
    fn shows(self, run: u64, sign: Sign) -> Story {
        let at = self.now;
        self.fact(Fact::Ready { run: RunId(run), sign, at })
    }
}

fn late() -> EventKind {
    EventKind::NotReady { limit: ms(3_000) }
}

#[test]
fn an_awaited_process_is_starting_until_it_shows_its_sign() {
    let story = started(awaited()).later(ms(2_000)).shows(1, Sign::Notified).shows(1, Sign::Accepts);
    let story = story.is("starting").orders("").shows(1, Sign::Message).is("online").orders("unawait 1");
    let story = story.tells(EventKind::Ready { after: ms(2_000) });
    story.later(ms(60_000)).is("online").orders("").shows(1, Sign::Message).orders("");
}

#[test]
fn one_that_is_not_ready_in_time_is_ended_and_counted_and_given_up_in_the_end() {
    let restart = RestartPolicy { max_unstable: 2, ..RestartPolicy::default() };
    let story = started(AppSpec { restart, ..awaited() }).at_the_deadline().tells(late());
    let story = story.orders("unawait 1, SIGTERM 1").is("stopping").shows(1, Sign::Message).is("stopping");
    let story = story.exits(1, 0).orders("forget 1, launch 2").restarts(1).spawned(2).later(ms(3_000));
    let story = story.orders("unawait 2, SIGTERM 2").exits(2, 0).orders("forget 2").is("errored");
    story.tells(EventKind::Errored { reason: Reason::NotReady { count: Some(2), limit: ms(3_000) } });
}

#[test]
fn without_autorestart_one_that_is_not_ready_in_time_is_given_up_at_once() {
    let restart = RestartPolicy { auto: false, ..RestartPolicy::default() };
    let story = started(AppSpec { restart, ..awaited() }).at_the_deadline().tells(late()).exits(1, 0);
    let story = story.is("errored");
    story.tells(EventKind::Errored { reason: Reason::NotReady { count: None, limit: ms(3_000) } });
}

#[test]
fn an_awaited_process_that_is_stopped_or_dies_is_not_late() {
    started(awaited()).stop().orders("unawait 1, SIGTERM 1").later(ms(3_000)).is("stopping").exits(1, 0);
    started(awaited()).exits(1, 1).orders("unawait 1, forget 1, launch 2").later(ms(3_000)).is("starting");
}

#[test]
fn a_process_that_is_not_awaited_is_online_and_ready_when_it_says_so() {
    let story = of(app("web")).spawned(1).is("online").orders("").later(ms(70)).shows(1, Sign::Accepts);
    let story = story.orders("").shows(1, Sign::Notified).tells(EventKind::Ready { after: ms(70) });
    story.is("online").shows(1, Sign::Message).orders("");
}

#[test]
fn a_new_daemon_awaits_what_was_awaited_and_gives_it_a_second_look() {
    let policy = ReadyPolicy { by: ReadyBy::Port, limit: ms(60_000) };
    let waiting = Living { awaits: Some(policy), ..life(7) };
    let story = remembered(Goal::Up, Rest::Stopped, vec![waiting.clone()]).orders("await 7").is("starting");
    // 100 s old already.
    assert_eq!(story.wait(), ms(3_000));
    story.at_the_deadline().orders("unawait 7, SIGTERM 7");
    let ready = Living { ready: Some(Moment(900_700_000)), ..waiting };
    remembered(Goal::Up, Rest::Stopped, vec![ready]).orders("").is("online");
    // Its definition is not what it was launched by.
    remembered(Goal::Up, Rest::Stopped, vec![life(7)]).orders("").is("online");
}

#[test]
fn a_run_is_awaited_as_its_definition_said_at_its_launch() {
    let update = |spec: AppSpec| Command::Update { app: AppId(0), spec: Arc::new(spec), then: Then::Keep };
    let story = of(awaited()).orders("launch 1").command(update(app("web"))).spawned(1).orders("await 1");
    story.shows(1, Sign::Notified).is("starting").shows(1, Sign::Message).is("online");
    let story = running(app("web")).command(update(awaited())).is("online").orders("");
    story.later(ms(60_000)).is("online").exits(1, 0).spawned(2).is("starting");
}

#[test]
fn a_new_keeper_is_told_who_is_ready() {
    let story = started(awaited()).shows(1, Sign::Message);
    let at = story.now;
    let story = story.new_keeper_finds(&[1]).orders("");
    assert_eq!(story.effects, [Effect::KeepReady { run: RunId(1), at }]);
}

#[test]
fn a_message_asks_the_main_process_and_a_signal_what_it_leaves_behind() {
    let stop = StopPolicy { with_message: true, ..StopPolicy::default() };
    let story = running(AppSpec { stop, ..app("web") }).stop().orders("message 1");
    let story = story.leaves_something(1, 0).orders("SIGTERM 1").is("stopping");
    story.at_the_deadline().orders("kill 1").tree_gone(1).is("stopped");
}

#[test]
fn what_a_process_says_of_itself_is_of_its_run() {
    let remark = || Remark::Status("warming up".to_owned());
    let story = running(app("web")).fact(Fact::Remarked { run: RunId(1), remark: remark() });
    let status = |story: &Story| story.brain.process(ID).and_then(|process| process.remarks.status.clone());
    assert_eq!(status(&story).as_deref(), Some("warming up"));
    let story = story.exits(1, 1).fact(Fact::Remarked { run: RunId(1), remark: remark() });
    assert_eq!(status(&story), None);
}
