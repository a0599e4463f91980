//! Who gets which port (acceptance rows C1 to C5).

use super::super::super::{Count, Progress, Then};
use super::*;
use crate::model::{Port, PortOwner, PortPlan};

fn on(port: PortPlan) -> AppSpec {
    AppSpec { port: Some(port), ..app("web") }
}

fn nginx() -> PortOwner {
    PortOwner::Foreign { program: "nginx".to_owned(), pid: Pid(812) }
}

impl Story {
    /// Another program has these ports, and nobody else.
    pub(super) fn others_on(self, ports: &[u16]) -> Story {
        let busy = ports.iter().map(|port| (*port, nginx())).collect();
        self.fact(Fact::PortsSeen { busy })
    }

    fn moved(self, port: PortPlan) -> Story {
        self.command(Command::Move { process: ID, port })
    }

    /// Creates another app, whose first process has that id.
    fn another(self, spec: AppSpec) -> Story {
        self.command(Command::Create {
            spec: Arc::new(AppSpec { name: crate::model::Name::parse("api").unwrap(), ..spec }),
        })
    }

    #[track_caller]
    fn has(self, held: Option<u16>) -> Story {
        let ports = self.brain.process(ID).expect("listed").ports;
        assert_eq!(ports.held.map(Port::number), held);
        self
    }

    #[track_caller]
    fn refuses(self, sentence: &str) -> Story {
        assert_eq!(self.answer.clone().map_err(|denied| denied.to_string()), Err(sentence.to_owned()));
        assert_eq!(self.effects, []);
        self
    }
}

#[test]
fn a_port_that_somebody_has_is_refused_with_its_owner_and_nothing_starts() {
    let story = running(on(PortPlan::Single(3000))).has(Some(3000));
    let story = story.another(on(PortPlan::Single(3000))).refuses("port 3000 is used by web (id 0)");
    let range = AppSpec { instances: 2, ..on(PortPlan::Range(4000, 4001)) };
    let story = story.others_on(&[4001]).another(range);
    story.refuses("port 4001 is used by another program (nginx, pid 812)");
}

#[test]
fn a_stopped_app_frees_its_port_and_is_refused_when_it_starts() {
    let story = running(on(PortPlan::Single(3000))).stop().has(Some(3000)).exits(1, 0).has(None);
    let story = story.another(on(PortPlan::Single(3000))).orders("launch 2");
    story.start().refuses("port 3000 is used by api (id 1)").is("stopped");
}

#[test]
fn an_auto_range_gives_the_first_free_one_and_says_who_has_them_when_none_is() {
    let story = of(app("other")).others_on(&[5200]).another(AppSpec {
        instances: 2,
        numbered: true,
        ..on(PortPlan::Auto(5200, 5202))
    });
    assert_eq!(
        story.brain.process(ProcessId(1)).map(|process| process.ports.held),
        Some(Some(Port::Own(5201)))
    );
    assert_eq!(
        story.brain.process(ProcessId(2)).map(|process| process.ports.held),
        Some(Some(Port::Own(5202)))
    );
    story.moved(PortPlan::Auto(5200, 5202)).refuses(
        "no port of auto:5200-5202 is free: 5200 is used by another program (nginx, pid 812), 5201 is used by \
         api-0 (id 1), 5202 is used by api-1 (id 2)",
    );
}

#[test]
fn a_crash_keeps_the_port_unless_another_program_took_it() {
    let fixed = || running(on(PortPlan::Single(3000)));
    fixed().exits(1, 1).orders("forget 1, launch 2").has(Some(3000));
    let parked =
        fixed().others_on(&[3000]).exits(1, 1).orders("forget 1").is("errored").restarts(0).has(None);
    let told = "port 3000 is used by another program (nginx, pid 812)".to_owned();
    parked.tells(EventKind::Errored { reason: crate::model::Reason::NoPort(told) }).start();
    let auto = || running(on(PortPlan::Auto(3000, 3002))).has(Some(3000));
    auto().others_on(&[3000]).exits(1, 1).orders("forget 1, launch 2").has(Some(3001)).restarts(1);
    auto().restart().exits(1, 0).orders("forget 1, launch 2").has(Some(3000));
}

#[test]
fn a_restart_on_another_port_lasts_over_crashes_until_the_next_plain_one() {
    let story = running(on(PortPlan::Single(3000))).moved(PortPlan::Single(3001)).orders("SIGTERM 1");
    // The new one is claimed while the old one is in use.
    let story = story.another(on(PortPlan::Single(3001))).refuses("port 3001 is used by web (id 0)");
    let story = story.exits(1, 0).orders("forget 1, launch 2").has(Some(3001)).spawned(2);
    let story = story.another(on(PortPlan::Single(3000))).orders("launch 3");
    let story = story.exits(2, 1).orders("forget 2, launch 4").has(Some(3001)).spawned(4);
    let story = story.restart().refuses("port 3000 is used by api (id 1)").is("online");
    let story = story.spawned(3).command(Command::Delete { process: ProcessId(1) }).exits(3, 0);
    story.restart().orders("SIGTERM 4").exits(4, 0).orders("forget 4, launch 5").has(Some(3000));
}

#[test]
fn a_stop_during_a_move_gives_both_ports_back() {
    let story = running(on(PortPlan::Single(3000))).moved(PortPlan::Single(3001)).stop();
    let story = story.another(on(PortPlan::Single(3001))).orders("launch 2");
    let story = story.exits(1, 0).has(None).start().has(Some(3000));
    assert_eq!(story.brain.process(ID).expect("listed").ports.plan, None);
}

#[test]
fn a_new_daemon_keeps_the_ports_of_what_lives_and_of_what_it_starts() {
    let ports = |held: Option<u16>, plan| Ports { held: held.map(Port::Own), next: None, trial: None, plan };
    let check = |living: Vec<Living>, ports: Ports, busy: &[u16], held: Option<u16>, orders: &str| {
        let row = Remembered { goal: Goal::Up, ports, ..Remembered::new(ID, AppId(0), 0) };
        let apps = BTreeMap::from([(AppId(0), Arc::new(on(PortPlan::Auto(3000, 3005))))]);
        let busy = busy.iter().map(|port| (*port, nginx())).collect();
        let now = Moment(1_000_000_000);
        let (brain, effects) =
            Supervisor::restore(now, apps, vec![row], living, busy, AppId(1), ProcessId(1), RunId(10));
        Story { brain, now, answer: Ok(Accepted::Noted), effects }.has(held).orders(orders);
    };
    check(vec![Living { port: Some(Port::Own(3004)), ..life(7) }], ports(None, None), &[], Some(3004), "");
    check(vec![life(7)], ports(Some(3003), None), &[3003], Some(3003), "");
    check(vec![], ports(Some(3003), None), &[], Some(3003), "launch 10");
    check(vec![], ports(Some(3003), None), &[3003, 3000], Some(3001), "launch 10");
    check(vec![], ports(Some(80), Some(PortPlan::Single(80))), &[], Some(80), "launch 10");
    check(vec![], ports(Some(80), Some(PortPlan::Single(80))), &[80], None, "");
}

#[test]
fn scaling_up_has_every_port_first_or_starts_nothing() {
    let scale = |story: Story, n| story.command(Command::Scale { app: AppId(0), count: Count::Exactly(n) });
    let story = scale(running(on(PortPlan::Range(4000, 4002))), 4);
    let story = story.refuses("4000-4002 has 3 ports and there are 4 processes: give a range of 4 or more");
    let story = scale(story.others_on(&[4002]), 3);
    let story = story.refuses("port 4002 is used by another program (nginx, pid 812)");
    let story = scale(story, 2).orders("launch 2");
    assert_eq!(
        story.brain.process(ProcessId(1)).map(|process| process.ports.held),
        Some(Some(Port::Own(4001)))
    );
    let story = scale(running(on(PortPlan::Single(3000))), 2);
    assert!(matches!(story.answer, Err(Denied::TooFewPorts(_))), "{:?}", story.answer);
}

#[test]
fn an_update_moves_to_the_new_plan_or_changes_nothing() {
    let update = |story: Story, port, then| {
        story.command(Command::Update { app: AppId(0), spec: Arc::new(on(port)), then })
    };
    let story = running(on(PortPlan::Single(3000))).others_on(&[3001]);
    let story = update(story, PortPlan::Single(3001), Then::Restart);
    let story = story.refuses("port 3001 is used by another program (nginx, pid 812)").has(Some(3000));
    let story = update(story, PortPlan::Single(3002), Then::Restart).orders("SIGTERM 1").has(Some(3000));
    let story = story.exits(1, 0).orders("forget 1, launch 2").has(Some(3002)).spawned(2);
    let story = update(story, PortPlan::Single(3003), Then::Keep).orders("").has(Some(3002));
    story.restart().exits(2, 0).has(Some(3003));
}

#[test]
fn a_reload_ends_where_there_is_no_port_for_the_next() {
    let spec = AppSpec { instances: 2, numbered: true, ..on(PortPlan::Range(4000, 4001)) };
    let story = of(spec).spawned(1).spawned(2);
    let story = story.command(Command::Move { process: ProcessId(1), port: PortPlan::Single(4005) });
    let story = story.exits(2, 0).spawned(3);
    let processes = vec![ProcessId(0), ProcessId(1)];
    let story = story
        .command(Command::Reload {
            processes,
            beside: Default::default(),
            soak: None,
            ports: Default::default(),
            back_to: Default::default(),
        })
        .exits(1, 0)
        .spawned(4)
        .others_on(&[4001]);
    let story = story.later(ms(1_000)).orders("");
    let reason = "port 4001 is used by another program (nginx, pid 812)".to_owned();
    let replaced = [ProcessId(0)].into();
    let failed = Progress::Failed { process: ProcessId(1), reason, replaced };
    assert_eq!(story.brain.reloads()[&AppId(0)].progress, failed);
}

/// A reload that moves each to one of these ports.
fn moved_by_reload(story: Story, ports: &[PortPlan]) -> Story {
    let processes: Vec<ProcessId> = (0..ports.len() as u32).map(ProcessId).collect();
    let beside = processes.iter().copied().collect();
    let ports = processes.iter().copied().zip(ports.iter().copied()).collect();
    story.command(Command::Reload { processes, beside, soak: None, ports, back_to: Default::default() })
}

#[test]
fn a_reload_to_another_port_has_both_runs_and_a_crash_keeps_the_new_one() {
    let story = of(on(PortPlan::Single(3000))).spawned(1);
    let story = moved_by_reload(story, &[PortPlan::Single(3001)]).orders("launch 2").has(Some(3000));
    let story = story.another(on(PortPlan::Single(3001))).refuses("port 3001 is used by web (id 0)");
    let story = story.spawned(2).later(ms(1_000)).orders("SIGTERM 1").has(Some(3001));
    let story = story.exits(1, 0).exits(2, 1).orders("forget 2, launch 3").has(Some(3001));
    story.spawned(3).restart().exits(3, 0).has(Some(3000));
}

#[test]
fn an_old_run_that_ends_while_the_new_one_has_the_next_port_is_followed_by_that() {
    let story = of(on(PortPlan::Single(3000))).spawned(1);
    let story = moved_by_reload(story, &[PortPlan::Single(3001)]).spawned(2);
    let story = story.others_on(&[3001]).exits(1, 9).orders("forget 1").has(Some(3001));
    let story = story.later(ms(1_000)).orders("");
    assert_eq!(story.brain.reloads()[&AppId(0)].progress, Progress::Done);
    story.another(on(PortPlan::Single(3000))).orders("launch 3");
}

#[test]
fn a_reload_to_a_port_that_another_program_has_is_refused_and_nothing_changes() {
    let story = of(on(PortPlan::Single(3000))).spawned(1).others_on(&[3001]);
    let story = moved_by_reload(story, &[PortPlan::Single(3001)]);
    story.refuses("port 3001 is used by another program (nginx, pid 812)").orders("").has(Some(3000));
}

#[test]
fn a_reload_to_a_definition_whose_port_is_anothers_takes_that_back() {
    let before = on(PortPlan::Single(3000));
    let story = of(before.clone()).spawned(1).another(on(PortPlan::Single(3001))).spawned(2);
    let spec = Arc::new(on(PortPlan::Single(3001)));
    let story = story.command(Command::Update { app: AppId(0), spec, then: Then::Keep });
    let story = story.command(Command::Reload {
        processes: vec![ID],
        beside: [ID].into(),
        soak: None,
        ports: Default::default(),
        back_to: [(ID, Arc::new(before))].into(),
    });
    let reason = "port 3001 is used by api (id 1)".to_owned();
    let failed = Progress::Failed { process: ID, reason, replaced: Default::default() };
    assert_eq!(story.brain.reloads()[&AppId(0)].progress, failed);
    let story = story.orders("").exits(1, 9).orders("forget 1, launch 3").has(Some(3000));
    assert_eq!(story.brain.app(AppId(0)).unwrap().port, Some(PortPlan::Single(3000)));
}

#[test]
fn processes_that_share_a_port_move_to_another_one_by_one() {
    let story = of(shared(2)).spawned(1).spawned(2);
    let story = moved_by_reload(story, &[PortPlan::Shared(3010), PortPlan::Shared(3010)]);
    let story = story.orders("launch 3");
    let accepts = |story: Story, run| {
        let (at, sign) = (story.now, crate::model::Sign::Accepts);
        story.fact(Fact::Ready { run: RunId(run), sign, at })
    };
    let story = accepts(story.spawned(3), 3).later(ms(1_000)).has(Some(3010));
    let story = accepts(story.spawned(4), 4).later(ms(1_000));
    // Nobody who goes on accepts from the first one.
    assert!(story.effects.contains(&Effect::Release { port: 3000 }), "{:?}", story.effects);
    let story = story.exits(1, 0).exits(2, 0).has(Some(3010));
    // The way back is the same, unless somebody is there by now.
    let back = || Command::Reload {
        processes: vec![ProcessId(0), ProcessId(1)],
        beside: [ProcessId(0), ProcessId(1)].into(),
        soak: None,
        ports: Default::default(),
        back_to: Default::default(),
    };
    let story = story.another(on(PortPlan::Single(3000))).orders("launch 5").spawned(5).command(back());
    let story = story.refuses("port 3000 is used by api (id 2)");
    let story = story.command(Command::Delete { process: ProcessId(2) }).exits(5, 0);
    let story = story.command(back()).orders("launch 6").has(Some(3010));
    let story = accepts(story.spawned(6), 6).later(ms(1_000)).has(Some(3000));
    let story = accepts(story.spawned(7), 7).later(ms(1_000));
    assert!(story.effects.contains(&Effect::Release { port: 3010 }), "{:?}", story.effects);
}

#[test]
fn who_shares_a_port_does_not_pause_when_it_is_moved_to_where_it_is() {
    let story = of(shared(2)).spawned(1).spawned(2);
    let story = moved_by_reload(story, &[PortPlan::Shared(3000), PortPlan::Shared(3000)]).orders("launch 3");
    let (at, sign) = (story.now, crate::model::Sign::Accepts);
    let story = story.spawned(3).fact(Fact::Ready { run: RunId(3), sign, at });
    story.later(ms(1_000)).orders("SIGTERM 1, launch 4").has(Some(3000));
}

fn shared(instances: u32) -> AppSpec {
    AppSpec { instances, numbered: true, ..on(PortPlan::Shared(3000)) }
}

#[test]
fn all_processes_of_an_app_share_its_port_and_nobody_else_gets_it() {
    let story = of(shared(2)).orders("launch 1, launch 2").spawned(1).spawned(2);
    for id in [ProcessId(0), ProcessId(1)] {
        assert_eq!(story.brain.process(id).map(|process| process.ports.held), Some(Some(Port::Shared(3000))));
    }
    let story = story.another(shared(2)).refuses("port 3000 is used by web-0 (id 0)");
    let story = story.another(on(PortPlan::Single(3000))).refuses("port 3000 is used by web-0 (id 0)");
    let story = story.command(Command::Scale { app: AppId(0), count: Count::Exactly(3) }).orders("launch 3");
    story.exits(1, 1).orders("forget 1, launch 4").has(Some(3000));
}

#[test]
fn a_reload_is_refused_if_the_one_that_is_down_finds_no_port_though_the_others_have_theirs() {
    let story = of(AppSpec { instances: 2, numbered: true, ..on(PortPlan::Auto(3000, 3002)) });
    let story = story.spawned(1).spawned(2).others_on(&[3001, 3002]).exits(2, 1).orders("forget 2");
    let processes = vec![ID, ProcessId(1)];
    let (soak, ports, back_to) = (None, BTreeMap::new(), BTreeMap::new());
    let reload = Command::Reload { processes, beside: [ID].into(), soak, ports, back_to };
    let full = "no port of auto:3000-3002 is free: 3000 is used by web-0 (id 0), 3001 is used by another program \
                (nginx, pid 812), 3002 is used by another program (nginx, pid 812)";
    let story = story.others_on(&[3001, 3002]).command(reload.clone()).refuses(full).has(Some(3000));
    story.others_on(&[3001]).command(reload).orders("launch 3");
}

#[test]
fn a_shared_socket_is_let_go_when_the_last_one_is_stopped_and_not_for_a_restart() {
    let story = of(shared(2)).spawned(1).spawned(2);
    let story = story.restart().exits(1, 0).orders("forget 1, launch 3").spawned(3);
    let story = story.stop().orders("SIGTERM 3").exits(3, 0).has(None);
    let story = story.command(Command::Stop { process: ProcessId(1) }).orders("release 3000, SIGTERM 2");
    // It is not for somebody else while what is left of the app may still use it.
    let story = story.another(on(PortPlan::Single(3000))).refuses("port 3000 is used by web-1 (id 1)");
    story.exits(2, 0).another(on(PortPlan::Single(3000))).orders("launch 4");
}

#[test]
fn what_is_given_up_or_deleted_lets_its_socket_go() {
    let once = AppSpec { restart: RestartPolicy { auto: false, ..Default::default() }, ..shared(1) };
    of(once).spawned(1).exits(1, 1).orders("forget 1, release 3000").is("errored");
    let story = of(shared(1)).spawned(1).command(Command::Delete { process: ID });
    story.orders("release 3000, SIGTERM 1").exits(1, 0).orders("forget 1");
}

#[test]
fn an_app_that_begins_to_share_its_port_waits_for_the_run_that_has_it_alone() {
    let update = |story: Story, instances| {
        let spec = Arc::new(shared(instances));
        story.command(Command::Update { app: AppId(0), spec, then: Then::Restart })
    };
    let story = update(running(on(PortPlan::Single(3000))), 2).refuses("port 3000 is used by web (id 0)");
    let story = update(story, 1).orders("SIGTERM 1").exits(1, 0).orders("forget 1, launch 2").spawned(2);
    assert_eq!(story.brain.process(ID).map(|process| process.ports.held), Some(Some(Port::Shared(3000))));
    let back = Arc::new(on(PortPlan::Single(3000)));
    let story = story.command(Command::Update { app: AppId(0), spec: back, then: Then::Restart });
    story.orders("SIGTERM 2").exits(2, 0).orders("forget 2, release 3000, launch 3");
}
