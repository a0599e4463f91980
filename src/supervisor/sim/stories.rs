//! Single stories, to be read like a manual. Process 0 is the only one unless a story says so;
//! its lives are 1, 2, 3 and so on.

mod balance;
pub(super) mod beside;
mod commands;
mod depends;
mod endings;
mod health;
mod hooks;
mod keeper;
mod limits;
mod moving;
mod ports;
mod ready;
mod rehearsal;
mod restore;
pub(super) mod rolling;
mod schedule;
mod verbs;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::{
    Accepted, Command, Denied, Effect, Input, Living, Ports, Record, Remembered, Scope, Supervisor,
};
use super::users::app;
use crate::model::{
    AppId, AppSpec, Cause, End, EventKind, ExitCause, Fact, Goal, Moment, Pid, ProcessId, Rest,
    RestartPolicy, RunId, Signal, SpawnFailure, SpawnStep,
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
    let row = Remembered { goal, rest, restarts: 4, ..Remembered::new(ID, AppId(0), 0) };
    remembered_as(row, living)
}

/// The same, as that row says.
fn remembered_as(row: Remembered, living: Vec<Living>) -> Story {
    let apps = BTreeMap::from([(AppId(0), Arc::new(app("web")))]);
    let now = Moment(1_000_000_000);
    let (brain, effects) =
        Supervisor::restore(now, apps, vec![row], living, BTreeMap::new(), AppId(1), ProcessId(1), RunId(10));
    Story { brain, now, answer: Ok(Accepted::Noted), effects }
}

fn life(run: u64) -> Living {
    let spawned = Some((Pid(run as i32), Moment(900_000_000)));
    Living {
        run: RunId(run),
        process: ID,
        restarts: 5,
        port: None,
        spawned,
        ended: None,
        tree_empty: false,
        awaits: None,
        ready: None,
    }
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
            Effect::Signal { run, scope: Scope::Message, .. } => Some(format!("message {run}")),
            Effect::Signal { run, signal, .. } => Some(format!("{signal} {run}")),
            Effect::CallOff { run } => Some(format!("call off {run}")),
            Effect::KillTree { run } => Some(format!("kill {run}")),
            Effect::Forget { run } => Some(format!("forget {run}")),
            Effect::Release { port } => Some(format!("release {port}")),
            Effect::Watch { run, .. } => Some(format!("watch {run}")),
            Effect::Unwatch { run } => Some(format!("unwatch {run}")),
            Effect::Await { run, .. } => Some(format!("await {run}")),
            Effect::Unawait { run } => Some(format!("unawait {run}")),
            // A note, and no order.
            Effect::KeepReady { .. } | Effect::Record(_) | Effect::Publish(_) => None,
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
    fn leaves_no_trace(self) -> Story {
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
