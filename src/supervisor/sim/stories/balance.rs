//! Reloads behind a balancer. Process 0 is the app's, on port 4000 or 4001; process 1 the balancer.

use super::super::super::{Count, Progress, Route};
use super::*;
use crate::model::{Balance, Port, PortOwner, PortPlan, ReadyBy, ReadyPolicy, Sign};

const APP: AppId = AppId(0);

fn balanced() -> AppSpec {
    let balance = Balance {
        port: 8080,
        mode: Default::default(),
        method: Default::default(),
        sticky: Default::default(),
        timeout: Balance::USUAL_TIMEOUT,
        drain: ms(30_000),
        slow_start: ms(0),
    };
    let ready = ReadyPolicy { by: ReadyBy::Port, limit: ms(5_000) };
    AppSpec { port: Some(PortPlan::Range(4000, 4001)), balance: Some(balance), ready, ..app("web") }
}

/// It is in service, and life 2 is the balancer.
fn in_service() -> Story {
    let mut story = of(balanced()).orders("launch 1");
    for command in story.brain.balancers_due() {
        story = story.command(command);
    }
    story.orders("launch 2").spawned(1).spawned(2).accepts(1).serves("1 on 4000")
}

fn reload() -> Command {
    Command::Reload {
        processes: vec![ID],
        beside: [ID].into(),
        soak: None,
        ports: Default::default(),
        back_to: Default::default(),
    }
}

fn reloading() -> Story {
    in_service().command(reload()).orders("launch 3").spawned(3)
}

impl Story {
    pub(super) fn accepts(self, run: u64) -> Story {
        let at = self.now;
        self.fact(Fact::Ready { run: RunId(run), sign: Sign::Accepts, at })
    }

    fn drained(self, run: u64) -> Story {
        self.fact(Fact::Drained { run: RunId(run) })
    }

    /// What the balancer is told.
    #[track_caller]
    fn serves(self, expected: &str) -> Story {
        let route = |Route { run, port, draining, .. }: &Route| {
            format!("{run} on {port}{}", if *draining { ", draining" } else { "" })
        };
        let routes: Vec<String> = self.brain.routes(APP).iter().map(route).collect();
        assert_eq!(routes.join("; "), expected);
        self
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.brain.reloads()[&APP].progress
    }
}

#[test]
fn the_new_run_takes_its_share_and_the_old_one_drains_before_it_is_asked_to_end() {
    let story = reloading().orders("await 3").serves("1 on 4000");
    let story = story.later(ms(3_000)).orders("").serves("1 on 4000");
    let story = story.accepts(3).orders("unawait 3").serves("1 on 4000; 3 on 4001");
    let story = story.later(ms(999)).serves("1 on 4000; 3 on 4001");
    let story = story.later(ms(1)).orders("").serves("3 on 4001; 1 on 4000, draining");
    assert_eq!(story.progress(), &Progress::Done);
    let story = story.later(ms(20_000)).orders("").drained(3).orders("").drained(1).orders("SIGTERM 1");
    story.serves("3 on 4001").exits(1, 0).orders("forget 1").restarts(1);
}

#[test]
fn the_next_reload_goes_back_to_the_first_port() {
    let story = reloading().accepts(3).later(ms(1_000)).drained(1).exits(1, 0);
    let story = story.command(reload()).orders("launch 4").spawned(4).accepts(4);
    story.serves("3 on 4001; 4 on 4000");
}

#[test]
fn who_does_not_drain_in_time_is_asked_and_then_killed() {
    let story = reloading().accepts(3).later(ms(1_000)).orders("");
    let story = story.later(ms(29_999)).orders("").later(ms(1)).orders("SIGTERM 1");
    story.later(ms(9_999)).orders("").later(ms(1)).orders("kill 1");
}

#[test]
fn a_new_run_that_does_not_listen_in_time_is_given_up_and_never_served() {
    let story = reloading().later(ms(4_999)).orders("").serves("1 on 4000");
    let story = story.later(ms(1)).orders("unawait 3, SIGTERM 3").serves("1 on 4000");
    let reason = "its new run was not ready within 5 s".to_owned();
    assert_eq!(story.progress(), &Progress::Failed { process: ID, reason, replaced: Default::default() });
    story.exits(3, 0).orders("forget 3").serves("1 on 4000").restarts(0);
}

#[test]
fn a_new_run_that_dies_while_it_proves_itself_leaves_the_old_one_in_service() {
    let story = reloading().accepts(3).later(ms(500)).exits(3, 7).orders("forget 3").serves("1 on 4000");
    assert!(matches!(story.progress(), Progress::Failed { .. }));
    story.later(ms(60_000)).orders("").serves("1 on 4000");
}

#[test]
fn a_new_run_that_is_not_wanted_any_more_drains_too() {
    let story = reloading().accepts(3).command(Command::BreakOff { app: APP, number: 1 }).orders("");
    story.serves("1 on 4000; 3 on 4001, draining").drained(3).orders("SIGTERM 3").serves("1 on 4000");
}

#[test]
fn nobody_drains_when_everything_ends_and_a_new_balancer_says_who_has_drained() {
    let story = reloading().accepts(3).later(ms(1_000)).orders("");
    let story = story.exits(2, 1).orders("forget 2, launch 4").spawned(4);
    story.drained(1).orders("SIGTERM 1");
    let story = reloading().accepts(3).later(ms(1_000)).orders("");
    story.shutdown().orders("SIGTERM 3, SIGTERM 2, SIGTERM 1");
}

#[test]
fn a_crash_while_the_old_run_still_listens_keeps_the_new_port() {
    let story = reloading().accepts(3).later(ms(1_000)).orders("");
    let story = story.exits(3, 1).orders("forget 3, launch 4").spawned(4).accepts(4);
    story.serves("4 on 4001; 1 on 4000, draining");
}

#[test]
fn who_is_stopped_drains_while_another_is_in_service_and_not_otherwise() {
    let two = AppSpec { instances: 2, ..balanced() };
    let mut story = of(two).orders("launch 1, launch 2");
    for command in story.brain.balancers_due() {
        story = story.command(command);
    }
    let story = story.spawned(1).spawned(2).spawned(3).accepts(1).accepts(2);
    let story = story.stop().orders("").serves("1 on 4000, draining; 2 on 4001");
    let story = story.drained(1).orders("SIGTERM 1").serves("2 on 4001");
    // Nobody is there any more who would answer what comes.
    let last = Command::Stop { process: ProcessId(1) };
    story.exits(1, 0).command(last).orders("SIGTERM 2").serves("");
}

#[test]
fn who_is_removed_by_a_smaller_number_drains_for_as_long_as_it_may() {
    let two = AppSpec { instances: 2, ..balanced() };
    let mut story = of(two);
    for command in story.brain.balancers_due() {
        story = story.command(command);
    }
    let story = story.spawned(1).spawned(2).spawned(3).accepts(1).accepts(2);
    let fewer = Command::Scale { app: APP, count: Count::Exactly(1) };
    let story = story.command(fewer).orders("").serves("1 on 4000; 2 on 4001, draining");
    story.later(ms(29_999)).orders("").later(ms(1)).orders("SIGTERM 2").exits(2, 0).orders("forget 2");
}

#[test]
fn a_new_daemon_lets_a_replaced_run_drain_for_as_long_as_the_last_one_did() {
    let (balancer, of_balancer) = (AppId(1), ProcessId(1));
    let apps =
        BTreeMap::from([(APP, Arc::new(balanced())), (balancer, Arc::new(balanced().balancer().unwrap()))]);
    let now = Moment(1_000_000_000);
    let since = Moment(now.0 - 20_000_000);
    let up = |id, app| Remembered { goal: Goal::Up, ..Remembered::new(id, app, 0) };
    let apart = [(RunId(1), Some(since))].into();
    let rows = vec![Remembered { apart, ..up(ID, APP) }, up(of_balancer, balancer)];
    let on = |run, port| Living { port: Some(Port::Own(port)), ready: Some(since), ..life(run) };
    let stands = Living { process: of_balancer, ..on(2, 8080) };
    let living = vec![on(1, 4000), stands, on(3, 4001)];
    let (brain, effects) =
        Supervisor::restore(now, apps, rows, living, BTreeMap::new(), AppId(2), ProcessId(2), RunId(10));
    let story = Story { brain, now, answer: Ok(Accepted::Noted), effects }.orders("");
    let story = story.serves("3 on 4001; 1 on 4000, draining").later(ms(9_999)).orders("");
    story.later(ms(1)).orders("SIGTERM 1").serves("3 on 4001");
}

/// Two processes on the two ports of their range, of which a reload has begun; life 3 is the balancer.
fn full_range_reloading() -> Story {
    let mut story = of(AppSpec { instances: 2, numbered: true, ..balanced() });
    for command in story.brain.balancers_due() {
        story = story.command(command);
    }
    let story = story.spawned(1).spawned(2).spawned(3).accepts(1).accepts(2);
    let both = vec![ProcessId(0), ProcessId(1)];
    let both = Command::Reload {
        beside: both.iter().copied().collect(),
        processes: both,
        soak: None,
        ports: Default::default(),
        back_to: Default::default(),
    };
    let story = story.command(both).orders("launch 4").spawned(4).accepts(4);
    story.later(ms(1_000)).orders("").serves("4 on 20000; 2 on 4001; 1 on 4000, draining")
}

#[test]
fn a_full_range_is_left_for_as_long_as_a_reload_needs_it() {
    let story = full_range_reloading().drained(1).orders("SIGTERM 1").exits(1, 0).orders("forget 1");
    let story = story.at_the_deadline().orders("launch 5").spawned(5).accepts(5);
    let story = story.later(ms(1_000)).serves("4 on 20000; 5 on 4000; 2 on 4001, draining");
    assert!(matches!(story.progress(), Progress::Rolling { .. }));
    let story = story.drained(2).exits(2, 0).at_the_deadline().orders("launch 6").spawned(6).accepts(6);
    let story = story.later(ms(1_000)).drained(4).exits(4, 0).serves("6 on 4001; 5 on 4000");
    assert_eq!(story.progress(), &Progress::Done);
}

#[test]
fn who_takes_long_to_leave_a_port_is_not_waited_for() {
    let story = full_range_reloading().later(ms(1_000)).orders("launch 5").spawned(5).accepts(5);
    let story =
        story.later(ms(1_000)).serves("4 on 20000; 5 on 20001; 1 on 4000, draining; 2 on 4001, draining");
    let story = story.later(ms(1_000));
    assert_eq!(story.progress(), &Progress::Done);
    // The next one comes back.
    let story = story.drained(1).drained(2).exits(1, 0).exits(2, 0).command(reload()).orders("launch 6");
    story.spawned(6).accepts(6).later(ms(1_000)).drained(4).serves("6 on 4000; 5 on 20001");
}

#[test]
fn a_second_turn_that_fails_leaves_what_was_replaced() {
    let story = full_range_reloading().drained(1).exits(1, 0).at_the_deadline().spawned(5).accepts(5);
    let story = story.later(ms(1_000)).drained(2).exits(2, 0).at_the_deadline().orders("launch 6");
    let story = story.spawned(6).exits(6, 7).serves("4 on 20000; 5 on 4000");
    assert_eq!(story.progress(), &Progress::Done);
}

#[test]
fn nobody_is_replaced_twice_for_a_port_that_another_program_has() {
    let three_ports = AppSpec { port: Some(PortPlan::Range(4000, 4002)), instances: 2, ..balanced() };
    let mut story = of(AppSpec { numbered: true, ..three_ports });
    for command in story.brain.balancers_due() {
        story = story.command(command);
    }
    let found = |story: Story, ports: &[u16]| {
        let busy = ports.iter().map(|port| (*port, PortOwner::Unknown)).collect();
        story.fact(Fact::PortsSeen { busy })
    };
    let story = story.spawned(1).spawned(2).spawned(3).accepts(1).accepts(2);
    let processes = vec![ProcessId(0), ProcessId(1)];
    let both = Command::Reload {
        beside: processes.iter().copied().collect(),
        processes,
        soak: None,
        ports: Default::default(),
        back_to: Default::default(),
    };
    let story = found(story, &[4002]).command(both).orders("launch 4").spawned(4).accepts(4);
    let story = story.later(ms(1_000)).drained(1).exits(1, 0);
    // The next one gets the first port that is free, and no other is looked at.
    let story = found(story, &[]).at_the_deadline().orders("launch 5").spawned(5).accepts(5);
    let story = story.later(ms(1_000)).serves("4 on 20000; 5 on 4000; 2 on 4001, draining");
    // The one that seems to be free is looked at, and nobody is waited for any longer.
    let story = found(story, &[4002]).at_the_deadline().orders("");
    assert_eq!(story.progress(), &Progress::Done);
}

#[test]
fn nobody_new_gets_the_port_of_another_new_one_when_its_own_is_another_programs() {
    let one = AppSpec { port: Some(PortPlan::Range(4000, 4002)), numbered: true, instances: 1, ..balanced() };
    let mut story = of(one);
    for command in story.brain.balancers_due() {
        story = story.command(command);
    }
    let story = story.spawned(1).spawned(2).accepts(1).others_on(&[4001]);
    let story = story.command(Command::Scale { app: APP, count: Count::Exactly(3) });
    let members = story.brain.processes().filter(|process| process.app == APP);
    let held: Vec<Option<Port>> = members.map(|process| process.ports.held).collect();
    assert_eq!(held, [4000, 20_000, 4002].map(|port| Some(Port::Own(port))));
}

#[test]
fn a_new_process_gets_what_is_free_of_the_range_when_another_has_its_port() {
    let three = AppSpec { port: Some(PortPlan::Range(4000, 4001)), numbered: true, ..balanced() };
    let mut story = of(three);
    for command in story.brain.balancers_due() {
        story = story.command(command);
    }
    let story = story.spawned(1).spawned(2).accepts(1).command(reload()).spawned(3).accepts(3);
    let story = story.later(ms(1_000)).drained(1).exits(1, 0).serves("3 on 4001");
    let more = Command::Scale { app: APP, count: Count::Exactly(2) };
    story.command(more).orders("launch 4").spawned(4).accepts(4).serves("3 on 4001; 4 on 4000");
}
