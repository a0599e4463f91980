//! A reload whose processes share a socket and are asked how they are.

use super::super::super::Progress;
use super::*;
use crate::model::{HealthCheck, HealthPolicy, Port, PortPlan, Share, Status};

const SECOND: ProcessId = ProcessId(1);
/// The first private one.
const APART: u16 = 20_000;

/// Two processes that share a socket, and are checked by URL.
fn shared() -> AppSpec {
    let health = HealthPolicy {
        check: HealthCheck::Http { url: "http://localhost:{port}/health".to_owned() },
        timeout: ms(5_000),
        interval: ms(10_000),
        retries: 2,
        start_limit: None,
        ready_within: None,
    };
    AppSpec { port: Some(PortPlan::Shared(3000)), instances: 2, health: Some(health), ..app("web") }
}

impl Story {
    fn launches(self, run: u64, port: Port, told: Option<u16>) -> Story {
        let launched = self.effects.iter().find_map(|effect| match effect {
            Effect::Launch { run: other, port, told, .. } if *other == RunId(run) => Some((*port, *told)),
            _ => None,
        });
        assert_eq!(launched, Some((Some(port), told.map(Port::Shared))), "{:?}", self.effects);
        self
    }

    fn present(&self) -> (Option<RunId>, Status) {
        let process = self.brain.process(ID).expect("listed");
        (process.state.run(), process.state.status())
    }
}

/// Both run and are well, and their reload begins.
fn reloading() -> Story {
    let story = of(shared()).orders("launch 1, launch 2").spawned(1).passes(1).spawned(2).passes(2);
    story.command(Command::Reload {
        processes: vec![ID, SECOND],
        beside: [ID, SECOND].into(),
        soak: None,
        ports: Default::default(),
        back_to: Default::default(),
    })
}

#[test]
fn a_new_version_is_asked_on_a_socket_of_its_own_before_it_shares_one() {
    let story = reloading().orders("launch 3").launches(3, Port::Shared(APART), Some(3000));
    let story = story.tells(EventKind::Rehearsing { port: APART });
    assert!(story.brain.is_shared(APART), "so the keeper keeps it");
    let story = story.spawned(3).orders("watch 3, await 3").accepts(3).passes(3);
    let story =
        story.later(ms(999)).orders("").later(ms(1)).orders("unwatch 3, release 20000, SIGTERM 3, launch 4");
    let story = story.launches(4, Port::Shared(3000), None);
    assert_eq!(story.present(), (Some(RunId(1)), Status::Online), "nobody was replaced by it");
    let over = EventKind::Exited { end: End::Code(0), cause: ExitCause::Rehearsed, uptime: ms(1_000) };
    let story = story.exits(3, 0).orders("forget 3").tells(over);
    // From now on as ever, and the second is not rehearsed.
    let story = story.spawned(4).accepts(4).passes(4).later(ms(1_000));
    assert_eq!(story.present(), (Some(RunId(4)), Status::Online));
    let story = story.launches(5, Port::Shared(3000), None);
    let story = story.spawned(5).accepts(5).passes(5).later(ms(1_000));
    assert_eq!(story.progress(), &Progress::Done);
}

#[test]
fn a_new_version_that_answers_wrongly_ends_the_reload_before_it_shares_the_socket() {
    let story = reloading().spawned(3).accepts(3).fails(3).later(ms(10_000)).fails(3);
    let story = story.orders("unwatch 3, release 20000, SIGTERM 3");
    let reason = "its new run is unhealthy: answered 503".to_owned();
    assert_eq!(story.progress(), &Progress::Failed { process: ID, reason, replaced: Default::default() });
    let over = EventKind::Exited { end: End::Code(0), cause: ExitCause::TakenBack, uptime: ms(10_000) };
    story.exits(3, 0).tells(over).later(ms(60_000)).orders("").restarts(0);
}

#[test]
fn an_old_run_that_ends_meanwhile_is_followed_by_one_with_the_shared_socket() {
    let story = reloading().spawned(3).accepts(3).passes(3).later(ms(200)).exits(1, 9);
    let story = story.orders("unwatch 1, forget 1, unwatch 3, release 20000, SIGTERM 3, launch 4");
    let story = story.launches(4, Port::Shared(3000), None).is("starting");
    let story = story.spawned(4).accepts(4).passes(4).exits(3, 0).later(ms(1_000));
    assert_eq!(story.present(), (Some(RunId(4)), Status::Online));
    // What it is worth is not known yet: the next one is rehearsed.
    let story = story.launches(5, Port::Shared(APART), Some(3000)).spawned(5).accepts(5).passes(5);
    let story = story.later(ms(1_000)).launches(6, Port::Shared(3000), None);
    assert_eq!(story.spawned(6).accepts(6).passes(6).later(ms(1_000)).progress(), &Progress::Done);
}

#[test]
fn who_can_be_rehearsed_is_before_one_that_is_down() {
    let story = of(shared()).spawned(1).passes(1).spawned(2).passes(2).exits(1, 9).exits(2, 9);
    let story = story.later(ms(60_000)).later(ms(60_000)).spawned(4).passes(4);
    assert_eq!(story.present().1, Status::Starting, "the first is not in service, the second is");
    let story = story.command(Command::Reload {
        processes: vec![ID, SECOND],
        beside: [ID, SECOND].into(),
        soak: None,
        ports: Default::default(),
        back_to: Default::default(),
    });
    story.orders("launch 5").launches(5, Port::Shared(APART), Some(3000));
}

#[test]
fn nobody_else_has_a_turn_meanwhile() {
    let mut spec = shared();
    spec.roll.max_surge = Share::Count(2);
    let story = of(spec).spawned(1).passes(1).spawned(2).passes(2).command(Command::Reload {
        processes: vec![ID, SECOND],
        beside: [ID, SECOND].into(),
        soak: None,
        ports: Default::default(),
        back_to: Default::default(),
    });
    let story = story.orders("launch 3").spawned(3).accepts(3).passes(3).later(ms(1_000));
    let story = story.orders("unwatch 3, release 20000, SIGTERM 3, launch 4, launch 5");
    story.launches(5, Port::Shared(3000), None);
}

#[test]
fn what_a_new_daemon_finds_of_a_rehearsal_is_ended() {
    let row = reloading().spawned(3).brain.process(ID).expect("listed").to_remember();
    assert_eq!(row.apart, [(RunId(3), None)].into());
    let of_rehearsal = Living { port: Some(Port::Shared(APART)), ..life(3) };
    let present = Living { port: Some(Port::Shared(3000)), ..life(1) };
    let story = remembered_as(row, vec![present, of_rehearsal]).orders("SIGTERM 3");
    assert_eq!(story.brain.unwanted_sockets(&[3000, APART]), [APART]);
}
