//! Signals, counters, numbers, definitions, reloads.

use super::super::super::{Count, Overtaken, Progress, Scope, Then};
use super::*;
use crate::model::{Name, Status};

const APP: AppId = AppId(0);

fn several(instances: u32) -> Story {
    let spec = AppSpec { instances, numbered: instances > 1, ..app("web") };
    (1..=u64::from(instances)).fold(of(spec), Story::spawned)
}

fn reload(story: Story, ids: &[u32]) -> Story {
    story.command(Command::Reload {
        processes: ids.iter().map(|id| ProcessId(*id)).collect(),
        beside: Default::default(),
        soak: None,
        ports: Default::default(),
        back_to: Default::default(),
    })
}

fn progress(story: &Story) -> &Progress {
    &story.brain.reloads()[&APP].progress
}

fn state(story: &Story, id: u32) -> Status {
    story.brain.process(ProcessId(id)).expect("listed").state.status()
}

#[test]
fn reload_takes_the_next_when_the_new_run_has_stayed_up() {
    let story = reload(several(2), &[1, 0]).answers(Ok(Accepted::Reloading { number: 1 }));
    let story = story.tells(EventKind::Reloading { turn: 1, of: 2, beside: false }).orders("SIGTERM 1");
    let story = story.exits(1, 0).orders("forget 1, launch 3").spawned(3).orders("");
    assert_eq!(story.brain.next_deadline(), Some(story.now + ms(1_000)));
    let story = story.later(ms(999)).orders("").later(ms(1)).orders("SIGTERM 2");
    let story = story
        .tells(EventKind::Reloading { turn: 2, of: 2, beside: false })
        .exits(2, 0)
        .spawned(4)
        .later(ms(1_000));
    assert_eq!(progress(&story), &Progress::Done);
    assert_eq!(story.brain.next_deadline(), None);
    story.restarts(1);
}

#[test]
fn a_new_run_that_dies_ends_the_reload_and_the_rest_run_on() {
    let story = reload(several(3), &[0, 1, 2]).exits(1, 0).spawned(4).later(ms(200)).exits(4, 7);
    let reason = "its new run ended with exit code 7 after 200 ms".to_owned();
    let story = story.tells(EventKind::ReloadFailed { reason: reason.clone() });
    assert_eq!(progress(&story), &Progress::Failed { process: ID, reason, replaced: Default::default() });
    let story = story.later(ms(60_000)).orders("");
    assert_eq!((state(&story, 1), state(&story, 2)), (Status::Online, Status::Online));
}

#[test]
fn a_new_run_that_is_done_has_proven_itself() {
    let restart = RestartPolicy { auto: false, ..RestartPolicy::default() };
    let spec = AppSpec { instances: 2, numbered: true, restart, ..app("web") };
    let story = reload(of(spec.clone()).spawned(1).spawned(2).exits(1, 0), &[0, 1]).orders("launch 3");
    let story = story.spawned(3).later(ms(100)).exits(3, 0).later(ms(1)).orders("SIGTERM 2");
    let story = story.exits(2, 0).spawned(4).later(ms(100)).exits(4, 0);
    assert_eq!(progress(&story), &Progress::Done);
    let story = reload(of(spec).spawned(1).spawned(2).exits(1, 0), &[0, 1]).spawned(3).exits(3, 7);
    assert!(matches!(progress(&story), Progress::Failed { process: ID, .. }), "it has failed");
}

#[test]
fn a_new_run_that_cannot_be_executed_ends_the_reload() {
    let story = reload(several(2), &[0, 1]).exits(1, 0).fails_to_spawn(3, SpawnStep::Exec, libc::ENOENT);
    let reason = "cannot execute /bin/true".to_owned();
    assert_eq!(progress(&story), &Progress::Failed { process: ID, reason, replaced: Default::default() });
    assert_eq!((state(&story, 0), state(&story, 1)), (Status::Errored, Status::Online));
}

#[test]
fn what_somebody_else_wants_meanwhile_ends_the_reload() {
    let story = reload(several(2), &[0, 1]).command(Command::Stop { process: ProcessId(1) });
    assert_eq!(progress(&story), &Progress::Interrupted { by: Some(Overtaken::Stop) });
    let story = story.exits(1, 0).spawned(3).later(ms(60_000)).orders("kill 2");
    assert_eq!(state(&story, 0), Status::Online);
}

fn break_off(story: Story, number: u64) -> Story {
    story.command(Command::BreakOff { app: APP, number })
}

#[test]
fn a_reload_that_is_broken_off_gives_nobody_another_turn() {
    let story = reload(several(2), &[0, 1]).exits(1, 0).spawned(3);
    let story = break_off(story, 7).answers(Ok(Accepted::AlreadySo));
    assert!(matches!(progress(&story), Progress::Rolling { .. }), "that is another reload");
    let story = break_off(story, 1).answers(Ok(Accepted::Done)).orders("");
    assert_eq!(progress(&story), &Progress::Interrupted { by: Some(Overtaken::Cancel) });
    let story = break_off(story.later(ms(60_000)).orders(""), 1).answers(Ok(Accepted::AlreadySo));
    assert_eq!((state(&story, 0), state(&story, 1)), (Status::Online, Status::Online));
}

#[test]
fn a_second_reload_waits_for_the_first() {
    let name = "web".to_owned();
    reload(reload(several(2), &[0, 1]), &[1]).answers(Err(Denied::Reloading { name })).orders("");
}

#[test]
fn what_is_stopped_is_left_out_of_a_reload() {
    let story = several(2).stop().exits(1, 0);
    let story = reload(story, &[0, 1])
        .tells(EventKind::Reloading { turn: 1, of: 1, beside: false })
        .orders("SIGTERM 2");
    let story = story.exits(2, 0).spawned(3).later(ms(1_000));
    assert_eq!((progress(&story), state(&story, 0)), (&Progress::Done, Status::Stopped));
    let name = "web".to_owned();
    reload(story, &[0]).answers(Err(Denied::NothingUp { name })).orders("");
}

#[test]
fn new_processes_take_the_lowest_free_numbers_and_the_highest_go_first() {
    let scale = |count| Command::Scale { app: APP, count };
    let numbers = |story: &Story| {
        let mut numbers: Vec<u32> = story.brain.processes().map(|process| process.instance).collect();
        numbers.sort_unstable();
        numbers
    };
    let story = several(3).command(Command::Delete { process: ProcessId(1) }).exits(2, 0);
    let story =
        story.command(scale(Count::Change(2))).answers(Ok(Accepted::Done)).orders("launch 4, launch 5");
    assert_eq!(numbers(&story), [0, 1, 2, 3]);
    let story =
        story.spawned(4).spawned(5).command(scale(Count::Exactly(4))).answers(Ok(Accepted::AlreadySo));
    let story =
        story.command(scale(Count::Exactly(2))).orders("SIGTERM 5, SIGTERM 3").exits(5, 0).exits(3, 0);
    assert_eq!(numbers(&story), [0, 1]);
    let story = story.command(scale(Count::Change(-2)));
    story.answers(Err(Denied::BadCount { name: "web".to_owned(), wanted: 0 })).orders("");
}

#[test]
fn a_number_is_free_when_nothing_of_its_last_owner_is_left() {
    let scale = |count| Command::Scale { app: APP, count: Count::Exactly(count) };
    let story = several(2).command(scale(1)).orders("SIGTERM 2").command(scale(2)).orders("launch 3");
    assert_eq!(story.brain.process(ProcessId(2)).expect("listed").instance, 2);
}

#[test]
fn an_app_that_is_stopped_gets_processes_that_are_stopped() {
    let story = running(app("web")).stop().exits(1, 0);
    let story = story.command(Command::Scale { app: APP, count: Count::Exactly(2) }).orders("");
    assert_eq!(state(&story, 1), Status::Stopped);
}

#[test]
fn a_definition_is_changed_and_started_only_when_nothing_is_up() {
    let changed = || Arc::new(AppSpec { args: vec!["-x".into()], ..app("web") });
    let update = |then| Command::Update { app: APP, spec: changed(), then };
    let denied = Err(Denied::StillUp { name: "web".to_owned(), process: ID });
    let story = running(app("web")).command(update(Then::Start)).answers(denied).orders("");
    let story =
        story.command(update(Then::Keep)).answers(Ok(Accepted::Done)).orders("").records(Record::App(APP));
    let story =
        story.command(update(Then::Restart)).orders("SIGTERM 1").exits(1, 0).orders("forget 1, launch 2");
    let launched = |effect: &Effect| matches!(effect, Effect::Launch { spec, .. } if spec.args == ["-x"]);
    assert!(story.effects.iter().any(launched));
    let story = story.spawned(2).stop().exits(2, 0).command(update(Then::Start)).orders("launch 3");
    story.tells(EventKind::Updated).is("starting");
}

#[test]
fn a_signal_is_for_the_main_process_of_what_runs() {
    let signal = Signal::parse("USR1").expect("a signal");
    let order = || Command::Signal { process: ID, signal };
    let story =
        running(app("web")).command(order()).tells(EventKind::Signalled { signal }).orders("SIGUSR1 1");
    assert!(story.effects.contains(&Effect::Signal { run: RunId(1), signal, scope: Scope::Main }));
    let denied = |status| Err(Denied::NotRunning { name: "web".to_owned(), process: ID, status });
    let story = story.stop().command(order()).answers(denied(Status::Stopping)).orders("");
    story.exits(1, 0).command(order()).answers(denied(Status::Stopped)).orders("");
}

#[test]
fn counters_that_were_set_to_zero_stay_so_with_a_new_daemon() {
    let reset = || Command::Reset { process: ID };
    let story = running(app("web")).restart().exits(1, 0).spawned(2).restarts(1);
    let story = story.command(reset()).answers(Ok(Accepted::Done)).restarts(0).is("online").orders("");
    let row = story.brain.process(ID).expect("listed").to_remember();
    story.command(reset()).answers(Ok(Accepted::AlreadySo));
    let apps = BTreeMap::from([(APP, Arc::new(app("web")))]);
    let adopt = |run| {
        let now = Moment(1_000_000_000);
        let living = vec![Living { restarts: 1, ..life(run) }];
        let (next_app, next_process) = (AppId(1), ProcessId(1));
        let (brain, _) = Supervisor::restore(
            now,
            apps.clone(),
            vec![row.clone()],
            living,
            BTreeMap::new(),
            next_app,
            next_process,
            RunId(9),
        );
        brain.process(ID).expect("listed").restarts
    };
    assert_eq!((adopt(2), adopt(3)), (0, 1), "only a later life knows a newer count");
}

fn complete(story: Story, wanted: &[(u32, bool)]) -> Story {
    story.command(Command::Complete { spec: Arc::new(app("web")), wanted: wanted.iter().copied().collect() })
}

#[test]
fn an_app_that_is_gone_comes_back_as_it_was() {
    let story = running(app("web")).command(Command::Delete { process: ID }).exits(1, 0);
    let story = complete(story, &[(0, true), (2, false)]).orders("launch 2");
    assert_eq!(state(&story, 1), Status::Starting);
    assert_eq!(state(&story, 2), Status::Stopped);
    assert_eq!(story.brain.process(ProcessId(2)).expect("listed").instance, 2);
    complete(story, &[(0, true), (2, false)]).orders("").answers(Ok(Accepted::AlreadySo));
}

#[test]
fn what_is_there_is_completed_started_and_never_doubled_or_stopped() {
    let story = several(2).command(Command::Stop { process: ID }).exits(1, 0);
    let story = complete(story, &[(0, true), (1, false), (2, true)]).orders("launch 3, launch 4");
    assert_eq!((state(&story, 0), state(&story, 1)), (Status::Starting, Status::Online));
    assert_eq!(story.brain.app(APP).expect("defined").instances, 3);
    assert_eq!(story.brain.processes().count(), 3);
}

#[test]
fn an_app_that_cannot_have_its_ports_is_not_completed_at_all() {
    let spec = AppSpec { port: Some(crate::model::PortPlan::Single(3000)), ..app("web") };
    let story = of(spec.clone());
    let other = AppSpec { name: Name::parse("other").unwrap(), ..spec };
    let wanted = [(0, true)].into_iter().collect();
    let story = story.command(Command::Complete { spec: Arc::new(other), wanted }).orders("");
    assert!(story.answer.is_err());
    assert_eq!(story.brain.processes().count(), 1);
}
