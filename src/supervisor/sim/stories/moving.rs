//! Apps that go over from a port that their processes share to a balancer on the same one, and back.
//! Processes 0 and 1 are the app's, process 2 is the balancer.

use super::super::super::{Progress, Then};
use super::*;
use crate::model::{Balance, Port, PortPlan, ReadyBy, ReadyPolicy, Sign};

const APP: AppId = AppId(0);
const FRONT: u16 = 4880;

fn two(port: PortPlan) -> AppSpec {
    let ready = ReadyPolicy { by: ReadyBy::Port, limit: ms(5_000) };
    AppSpec { port: Some(port), instances: 2, numbered: true, ready, ..app("web") }
}

fn shared() -> AppSpec {
    two(PortPlan::Shared(FRONT))
}

fn balanced_by(port: PortPlan) -> AppSpec {
    let balance = Balance {
        port: FRONT,
        mode: Default::default(),
        method: Default::default(),
        sticky: Default::default(),
        timeout: Balance::USUAL_TIMEOUT,
        drain: ms(30_000),
        slow_start: ms(0),
    };
    AppSpec { balance: Some(balance), ..two(port) }
}

fn balanced() -> AppSpec {
    balanced_by(PortPlan::Auto(5000, 5009))
}

impl Story {
    fn becomes(self, spec: AppSpec, then: Then) -> Story {
        let story = self.command(Command::Update { app: APP, spec: Arc::new(spec), then });
        assert_eq!(story.answer, Ok(Accepted::Done));
        story
    }

    /// What the driver does after every step. The orders of all of it are looked at.
    #[track_caller]
    fn mind_balancer(mut self) -> Story {
        for command in self.brain.balancers_due() {
            self = self.command(command);
            assert!(self.answer.is_ok(), "{:?}", self.answer);
        }
        self
    }

    fn replaced_from(self, before: AppSpec) -> Story {
        let processes = vec![ProcessId(0), ProcessId(1)];
        let before = Arc::new(before);
        self.command(Command::Reload {
            beside: processes.iter().copied().collect(),
            back_to: processes.iter().map(|id| (*id, Arc::clone(&before))).collect(),
            processes,
            soak: None,
            ports: Default::default(),
        })
    }

    fn listens(self, run: u64) -> Story {
        let at = self.now;
        self.spawned(run).fact(Fact::Ready { run: RunId(run), sign: Sign::Accepts, at })
    }

    #[track_caller]
    fn are_on(self, ports: [Port; 2]) -> Story {
        let held = [0, 1].map(|id| self.brain.process(ProcessId(id)).expect("listed").ports.held);
        assert_eq!(held, ports.map(Some));
        self
    }

    #[track_caller]
    fn behind(self, expected: &[u16]) -> Story {
        let ports: Vec<u16> = self.brain.routes(APP).iter().map(|route| route.port).collect();
        assert_eq!(ports, expected);
        self
    }
}

fn shared_in_service() -> Story {
    of(shared()).orders("launch 1, launch 2").listens(1).listens(2)
}

fn balanced_in_service() -> Story {
    let story = of(balanced()).orders("launch 1, launch 2").mind_balancer().orders("launch 3");
    story.listens(1).listens(2).spawned(3).behind(&[5000, 5001])
}

#[test]
fn a_balancer_takes_over_the_socket_that_the_processes_share_while_they_accept_from_it() {
    let story = shared_in_service().becomes(balanced(), Then::Keep).mind_balancer().orders("launch 3");
    let story = story.spawned(3).behind(&[]);
    assert!(story.brain.others_accept(APP));
    let story = story.replaced_from(shared()).orders("launch 4").listens(4).behind(&[5000]);
    let story = story.later(ms(1_000)).orders("SIGTERM 1, launch 5").exits(1, 0).orders("forget 1");
    let story = story.listens(5).later(ms(1_000)).orders("SIGTERM 2");
    assert!(!story.brain.others_accept(APP));
    assert_eq!(story.brain.reloads()[&APP].progress, Progress::Done);
    // The balancer has the socket.
    story.exits(2, 0).orders("forget 2").are_on([Port::Own(5000), Port::Own(5001)]).behind(&[5000, 5001]);
}

#[test]
fn processes_take_over_the_socket_of_their_balancer_which_ends_when_it_has_answered() {
    let story = balanced_in_service().becomes(shared(), Then::Keep).mind_balancer().orders("");
    let story = story.replaced_from(balanced()).orders("launch 4").mind_balancer().orders("launch 4");
    let story = story.listens(4).mind_balancer().orders("SIGTERM 3");
    // It answers what it has from the old one still.
    let story = story.later(ms(1_000)).orders("launch 5").exits(3, 0).orders("forget 3, SIGTERM 1");
    let story = story.exits(1, 0).listens(5).later(ms(1_000)).orders("SIGTERM 2");
    story.exits(2, 0).orders("forget 2").are_on([Port::Shared(FRONT); 2]);
}

#[test]
fn a_restart_goes_over_in_both_directions_and_keeps_the_socket() {
    let story = shared_in_service().becomes(balanced(), Then::Restart).orders("SIGTERM 1, SIGTERM 2");
    let story = story.mind_balancer().orders("launch 3").exits(1, 0).exits(2, 0).spawned(3);
    let story = story.are_on([Port::Own(5000), Port::Own(5001)]).listens(4).listens(5);
    let story = story.becomes(shared(), Then::Restart);
    let story = story.mind_balancer().orders("SIGTERM 3").drained_or_gone();
    story.are_on([Port::Shared(FRONT); 2]);
}

impl Story {
    /// The balancer and both runs behind it end.
    fn drained_or_gone(self) -> Story {
        let story = self.exits(3, 0).exits(4, 0).exits(5, 0);
        assert!(story.brain.is_shared(FRONT));
        story
    }
}

#[test]
fn a_change_that_fails_leaves_the_processes_where_they_were_and_the_balancer_goes() {
    let story = shared_in_service().becomes(balanced(), Then::Keep).mind_balancer().spawned(3);
    let story =
        story.replaced_from(shared()).orders("launch 4").spawned(4).exits(4, 7).orders("unawait 4, forget 4");
    assert!(matches!(story.brain.reloads()[&APP].progress, Progress::Failed { .. }));
    let story = story.mind_balancer().orders("SIGTERM 3").exits(3, 0).orders("forget 3");
    assert_eq!(story.brain.app(APP).expect("defined").port, Some(PortPlan::Shared(FRONT)));
    story.are_on([Port::Shared(FRONT); 2]);
}

#[test]
fn a_balancer_comes_when_the_run_is_gone_that_has_bound_its_port() {
    let one = |spec: AppSpec| AppSpec { instances: 1, numbered: false, ..spec };
    let alone = one(two(PortPlan::Single(FRONT)));
    let story = of(alone.clone()).listens(1).becomes(one(balanced()), Then::Keep).mind_balancer().orders("");
    let story = story.command(Command::Reload {
        processes: vec![ID],
        beside: [ID].into(),
        soak: None,
        ports: Default::default(),
        back_to: [(ID, Arc::new(alone))].into(),
    });
    let story = story.orders("launch 2").listens(2).mind_balancer().orders("unawait 2");
    let story = story.later(ms(1_000)).orders("SIGTERM 1").mind_balancer().orders("SIGTERM 1");
    story.exits(1, 0).orders("forget 1").mind_balancer().orders("launch 3");
}

#[test]
fn another_app_never_gets_the_socket() {
    let story = shared_in_service();
    let other = AppSpec { name: crate::model::Name::parse("api").expect("a name"), ..balanced() };
    let mut story = story.command(Command::Create { spec: Arc::new(other) });
    let due = story.brain.balancers_due();
    for command in due {
        story = story.command(command);
        let why = story.answer.clone().map_err(|denied| denied.to_string());
        assert_eq!(why, Err("port 4880 is used by web-0 (id 0)".to_owned()));
    }
}
