//! A run as it really is: a program of any character, with others that it may have started.

use std::time::Duration;

use super::super::Living;
use super::users::Dice;
use crate::model::{
    AppSpec, End, Fact, Moment, Pid, Port, ProcessId, ReadyPolicy, RunId, Signal, SpawnFailure, SpawnStep,
};

/// A run, as the operating system and the keeper know it.
#[derive(Clone, Debug)]
pub struct Life {
    pub process: ProcessId,
    restarts: u32,
    pub port: Option<Port>,
    /// By what it was launched to become ready.
    pub awaits: Option<ReadyPolicy>,
    /// The keeper was told that it is ready.
    pub ready: Option<Moment>,
    launch: Launch,
    pub spawned: Option<(Pid, Moment)>,
    /// When and how the main process will end, if it will.
    fate: Option<(Moment, End)>,
    pub ended: Option<(End, Moment)>,
    /// Processes that it started are there still.
    others: bool,
    others_end: Option<Moment>,
    ignores_asking: bool,
    others_ignore_asking: bool,
    killed: bool,
}

#[derive(Clone, Debug)]
enum Launch {
    WillSpawn(Moment),
    WillFail(Moment, SpawnFailure),
    Failed,
}

impl Life {
    /// What will become of a launch is decided by the dice, and by the character of the app.
    /// In calm, everything that is launched lives for ever.
    pub fn conceive(
        dice: &mut Dice,
        now: Moment,
        process: ProcessId,
        (restarts, port): (u32, Option<Port>),
        spec: &AppSpec,
        calm: bool,
    ) -> Life {
        let ms = Duration::from_millis;
        let spawn_at = now + ms(dice.pick(&[0, 1, 1, 5, 300]));
        let fails = |step, errno: i32| {
            Launch::WillFail(spawn_at, SpawnFailure { step, errno, detail: format!("errno {errno}") })
        };
        let launch = match dice.below(31) {
            _ if calm => Launch::WillSpawn(spawn_at),
            0 => fails(SpawnStep::Exec, libc::ENOENT),
            1 => fails(SpawnStep::Fork, libc::EAGAIN),
            2 => fails(SpawnStep::Logs, libc::ENOSPC),
            3 => fails(SpawnStep::Lost, 0),
            4 => fails(SpawnStep::EnvFiles, 0),
            5 => fails(SpawnStep::Hook, 0),
            _ => Launch::WillSpawn(spawn_at),
        };
        let short: [u64; 4] = [0, 40, 400, 999];
        let any: [u64; 9] = [0, 300, 999, 1_000, 5_000, 10_000, 29_999, 30_000, 90_000];
        // `api` never lasts; the others do what they like.
        let (lasts, ends) = match spec.name.as_str() {
            "api" => (ms(dice.pick(&short)), true),
            _ => (ms(dice.pick(&any)), dice.chance(85)),
        };
        let end =
            dice.pick(&[End::Code(0), End::Code(1), End::Code(3), End::Signal(Signal::KILL), End::Unknown]);
        Life {
            process,
            restarts,
            port,
            awaits: spec.ready.by.is_awaited().then(|| spec.ready.clone()),
            ready: None,
            launch,
            spawned: None,
            fate: (!calm && ends).then_some((spawn_at + lasts, end)),
            ended: None,
            others: dice.chance(30),
            others_end: dice.chance(50).then_some(spawn_at + lasts + ms(2_000)),
            ignores_asking: dice.chance(25),
            others_ignore_asking: dice.chance(25),
            killed: false,
        }
    }

    /// When something will happen to it next.
    pub fn due(&self) -> Option<Moment> {
        match (&self.launch, self.spawned, self.ended) {
            (Launch::WillSpawn(at) | Launch::WillFail(at, _), None, _) => Some(*at),
            (Launch::Failed, _, _) => None,
            (_, Some(_), None) => self.fate.map(|(at, _)| at),
            (_, Some(_), Some(_)) => self.others_end.filter(|_| self.others),
        }
    }

    /// What is due happens.
    pub fn happen(&mut self, now: Moment, run: RunId) -> Fact {
        match (self.launch.clone(), self.spawned, self.ended) {
            (Launch::WillFail(_, failure), None, _) => {
                self.launch = Launch::Failed;
                Fact::SpawnFailed { run, failure }
            }
            (_, None, _) => {
                let pid = Pid(100 + run.0 as i32);
                self.spawned = Some((pid, now));
                Fact::Spawned { run, pid, at: now }
            }
            (_, Some(_), None) => {
                let end = self.fate.map_or(End::Unknown, |(_, end)| end);
                self.ended = Some((end, now));
                Fact::Exited { run, end, at: now, tree_empty: !self.others }
            }
            (_, Some(_), Some(_)) => {
                self.others = false;
                Fact::TreeGone { run }
            }
        }
    }

    /// Its end is wanted before it was launched.
    pub fn is_called_off(&mut self, now: Moment) {
        if let (Launch::WillSpawn(_) | Launch::WillFail(..), None) = (&self.launch, self.spawned) {
            let failure = SpawnFailure { step: SpawnStep::CalledOff, errno: 0, detail: "called off".into() };
            self.launch = Launch::WillFail(now, failure);
        }
    }

    /// It could not be launched.
    pub fn never_was(&self) -> bool {
        matches!(self.launch, Launch::Failed)
    }

    /// It ended, with all of its tree.
    pub fn is_over(&self) -> bool {
        self.ended.is_some() && !self.others
    }

    /// Something of it is there.
    pub fn is_alive(&self) -> bool {
        self.spawned.is_some() && !self.is_over()
    }

    /// Something of it has that port open.
    pub fn listens_on(&self, port: u16) -> bool {
        self.port.is_some_and(|own| own.number() == port) && self.is_alive()
    }

    /// The stop signal came. Who obeys has ended `soon`.
    pub fn is_asked(&mut self, soon: Moment) {
        if !self.ignores_asking {
            self.fate = Some((soon, End::Signal(Signal::TERM)));
        }
        if !self.others_ignore_asking {
            self.others_end = Some(soon);
        }
    }

    /// The main process was asked by message to end; if it is gone, the others are by signal.
    pub fn is_asked_by_message(&mut self, soon: Moment) {
        match self.ended {
            Some(_) => self.is_asked(soon),
            None if !self.ignores_asking => self.fate = Some((soon, End::Code(0))),
            None => {}
        }
    }

    /// Somebody sent a signal to the main process.
    pub fn is_sent(&mut self, now: Moment, signal: Signal) {
        if signal == Signal::KILL || (signal == Signal::TERM && !self.ignores_asking) {
            self.fate = Some((now, End::Signal(signal)));
        }
    }

    /// SIGKILL came.
    pub fn is_killed(&mut self, now: Moment) {
        self.fate = Some((now, End::Signal(Signal::KILL)));
        self.others_end = Some(now);
        self.killed = true;
    }

    /// The keeper was lost before it sent the SIGKILL.
    pub fn survives_its_killing(&mut self) {
        if self.killed {
            (self.killed, self.fate, self.others_end) = (false, None, None);
        }
    }

    /// From now on it does not end by itself.
    pub fn calms_down(&mut self) {
        if !self.killed {
            self.fate = None;
        }
    }

    /// How the keeper describes it to a new daemon.
    pub fn picture(&self, run: RunId) -> Living {
        Living {
            run,
            process: self.process,
            restarts: self.restarts,
            port: self.port,
            spawned: self.spawned,
            ended: self.ended,
            tree_empty: self.is_over(),
            awaits: self.awaits.clone(),
            ready: self.ready,
        }
    }
}
