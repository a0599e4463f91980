//! The world around the supervisor: an operating system with programs of every character, the
//! keeper that watches them, the store that remembers, and the line between.

mod balancers;
mod deaths;
mod orders;
mod ports;
mod verdicts;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::super::{
    Accepted, Command, Denied, Effect, Input, Living, PortQuestion, Process, Remembered, Supervisor,
};
use super::balance::{Told, of_users};
use super::health::any_verdict;
use super::ledger::Ledger;
use super::life::Life;
use super::limits::{Bucket, brain_of, host_of};
use super::ready;
use super::users::{Dice, PORTS, any_command, three_levels};
use super::{depends, invariants, outcomes, schedule};
use crate::model::{
    AppId, AppSpec, ByteSize, Fact, Moment, Name, Pid, Port, PortOwner, ProcessId, RunId, Sign, Verdict,
};

/// What the store holds.
#[derive(Default, Debug)]
pub struct Store {
    pub apps: BTreeMap<AppId, Arc<AppSpec>>,
    pub rows: BTreeMap<ProcessId, Remembered>,
    pub slots: BTreeMap<AppId, u64>,
    next: Option<(AppId, ProcessId, RunId)>,
}

/// What the supervisor was given.
#[derive(Clone, Debug)]
pub enum Given {
    Input(Input),
    /// A fact that it was given before.
    Repeated(Fact),
    Restored,
}

/// One step, as an observer sees it.
pub struct Step<'a> {
    pub now: Moment,
    pub given: &'a Given,
    pub before: &'a BTreeMap<ProcessId, Process>,
    /// Lives on trial and leaving ones, before.
    pub beside: &'a BTreeSet<RunId>,
    pub was_shutting_down: bool,
    pub answer: &'a Result<Accepted, Denied>,
    pub effects: &'a [Effect],
}

pub struct World {
    pub brain: Supervisor,
    pub lives: BTreeMap<RunId, Life>,
    pub store: Store,
    pub ledger: Ledger,
    /// Lives whose health is checked.
    pub watched: BTreeSet<RunId>,
    /// Lives whose sign is looked for, and which one that is.
    pub awaited: BTreeMap<RunId, Sign>,
    pub diary: Vec<String>,
    pub keeps_diary: bool,
    /// What balancers were told before the present step.
    pub told: Told,
    dice: Dice,
    now: Moment,
    /// Told by the keeper, not heard yet.
    line: VecDeque<Fact>,
    heard: Vec<Fact>,
    /// Ports on which programs of others listen.
    foreign: BTreeSet<u16>,
    /// Sockets that the keeper holds, and whether they are released.
    pub sockets: BTreeMap<u16, bool>,
    calm: bool,
    /// How far the clock on the wall is ahead of ours, in microseconds.
    ahead: i64,
    /// In one story of eight, people leave the programs alone for long.
    patient: bool,
    seed: u64,
}

impl World {
    /// How many steps the wild part of this story has.
    pub fn steps(&self) -> usize {
        if self.patient { 300 } else { 120 }
    }

    pub fn new(seed: u64) -> World {
        World {
            brain: brain_of(seed, Supervisor::default()),
            lives: BTreeMap::new(),
            store: Store::default(),
            ledger: Ledger { budget: Bucket::new(host_of(seed)), ..Ledger::default() },
            watched: BTreeSet::new(),
            awaited: BTreeMap::new(),
            diary: Vec::new(),
            keeps_diary: false,
            told: Told::default(),
            dice: Dice(seed),
            now: Moment(1_000_000),
            line: VecDeque::new(),
            heard: Vec::new(),
            foreign: BTreeSet::new(),
            sockets: BTreeMap::new(),
            calm: false,
            ahead: schedule::EPOCH_US - 1_000_000,
            patient: seed % 8 == 7,
            seed,
        }
    }

    /// In one story of four, three apps are there from the beginning, each of which depends on the one
    /// before it.
    pub fn begin(&mut self) -> Result<(), String> {
        self.the_clock_is_told()?;
        // Not in those that are patient, in which one app goes through much.
        if self.seed % 4 != 1 {
            return Ok(());
        }
        for spec in three_levels(&mut self.dice) {
            self.give(Given::Input(Input::Command(Command::Create { spec: Arc::new(spec) })))?;
            self.let_it_run()?;
        }
        Ok(())
    }

    /// Definitions by which the present runs of these may be: their environment is another one.
    fn earlier(&self, processes: &[ProcessId]) -> BTreeMap<ProcessId, Arc<AppSpec>> {
        let rows = processes.iter().filter_map(|id| self.brain.process(*id));
        let earlier = |row: &Process| {
            let mut spec = AppSpec::clone(self.brain.app(row.app)?);
            spec.env.insert("BEFORE".to_owned(), self.now.0.to_string());
            Some((row.id, Arc::new(spec)))
        };
        rows.filter_map(earlier).collect()
    }

    /// Something happens.
    pub fn go_on(&mut self) -> Result<(), String> {
        if self.patient && self.ledger.launched.len() > 1 && !self.dice.chance(5) {
            return self.let_it_run().map(|_| ());
        }
        match self.dice.below(100) {
            0..14 => {
                let members = of_users(&self.brain);
                let names = self.names();
                let mut command = any_command(&mut self.dice, &members, &names);
                // Nobody can name a balancer to have more of it, or another one.
                if let Command::Scale { app, .. } | Command::Update { app, .. } = &command
                    && self.brain.app(*app).is_some_and(|spec| spec.is_balancer())
                {
                    return Ok(());
                }
                if let Command::BreakOff { app, number } = &mut command
                    && let Some(reload) = self.brain.reloads().get(app)
                    && self.dice.chance(70)
                {
                    *number = reload.number;
                }
                if let Command::Reload { processes, back_to, .. } = &mut command {
                    *back_to = self.earlier(processes);
                }
                self.give(Given::Input(Input::Command(command)))
            }
            14..18 if !self.heard.is_empty() => {
                let repeated = self.dice.pick(&self.heard);
                self.give(Given::Repeated(repeated))
            }
            18 => self.keeper_crashes(),
            19 => self.daemon_crashes(),
            20 => self.give(Given::Input(Input::Tick)),
            21..24 => {
                self.others_come_and_go();
                Ok(())
            }
            28..43 if !self.watched.is_empty() => self.somebody_is_checked(),
            43..45 => self.a_verdict_comes_late(),
            45..47 => self.all_are_ended(),
            47..54 if !self.awaited.is_empty() => self.somebody_shows_a_sign(),
            54 => self.a_sign_comes_unasked(),
            58..61 => self.somebody_has_drained(),
            57 => {
                self.ahead += self.dice.pick(&[20, 90, 90, 86_400, -30, -7_200]) * 1_000_000;
                self.the_clock_is_told()
            }
            55..57 if !self.brain.apps.is_empty() => {
                let apps: Vec<AppId> = self.brain.apps.keys().copied().collect();
                let (app, file) = (self.dice.pick(&apps), "app.js".to_owned());
                self.give(Given::Input(Input::Fact(Fact::FilesChanged { app, file })))
            }
            24..28 if !self.lives.is_empty() => {
                let runs: Vec<RunId> = self.lives.keys().copied().collect();
                let (run, used) = (self.dice.pick(&runs), self.dice.pick(&[0, 999, 1_000, 1_001, 5_000]));
                self.give(Given::Input(Input::Fact(Fact::Sampled { run, memory: ByteSize(used) })))
            }
            _ => self.let_it_run().map(|_| ()),
        }
    }

    /// From here on nothing breaks and nobody asks for anything; what was wanted must become so.
    pub fn calm_down(&mut self) -> Result<(), String> {
        if self.dice.chance(25) {
            self.give(Given::Input(Input::Command(Command::Shutdown)))?;
        }
        self.calm = true;
        self.lives.values_mut().for_each(Life::calms_down);
        let well = self.watched.iter().map(|run| Fact::Checked { run: *run, verdict: Verdict::Passed });
        self.line.extend(well);
        let at = self.now;
        let ready = self.awaited.iter().map(|(run, sign)| Fact::Ready { run: *run, sign: *sign, at });
        self.line.extend(ready);
        self.run_out()?;
        if self.brain.is_shutting_down() {
            outcomes::shutdown_leaves_nothing_alive(self)?;
            self.boot()?;
            self.run_out()?;
        }
        outcomes::wanted_becomes_actual_in_calm(self)
    }

    fn run_out(&mut self) -> Result<(), String> {
        for _ in 0..5_000 {
            if !self.let_it_run()? {
                return Ok(());
            }
        }
        Err("wanted_becomes_actual_in_calm: it never comes to rest".to_owned())
    }

    /// The next fact is heard, or time goes on to the next thing that happens.
    fn let_it_run(&mut self) -> Result<bool, String> {
        if let Some(fact) = self.line.pop_front() {
            self.give(Given::Input(Input::Fact(fact)))?;
            return Ok(true);
        }
        let happening = self.lives.values().filter_map(Life::due).min();
        match (happening, self.brain.next_deadline()) {
            (None, None) => Ok(false),
            (Some(at), deadline) if deadline.is_none_or(|deadline| at <= deadline) => {
                self.now = self.now.max(at);
                self.happen();
                Ok(true)
            }
            (_, Some(at)) => {
                self.now = self.now.max(at);
                self.give(Given::Input(Input::Tick))?;
                Ok(true)
            }
            (Some(_), None) => Ok(false),
        }
    }

    /// Somebody has set the clock, or a daemon begins.
    fn the_clock_is_told(&mut self) -> Result<(), String> {
        let unix_us = self.now.0.saturating_add_signed(self.ahead);
        self.give(Given::Input(Input::Fact(Fact::ClockSet { unix_us })))
    }

    /// Gives it to the supervisor, carries out what it orders, and looks at everything.
    fn give(&mut self, given: Given) -> Result<(), String> {
        self.give_one(given)?;
        self.mind_balancers()
    }

    fn give_one(&mut self, given: Given) -> Result<(), String> {
        let before = self.brain.processes.clone();
        let beside = self.brain.beside();
        let was_shutting_down = self.brain.is_shutting_down();
        let (answer, effects) = self.decide(&given);
        self.note(|now| format!("{now:>12} {given:?} -> {answer:?} {effects:?}"));
        for effect in &effects {
            self.perform(effect);
        }
        self.describe_states();
        let step = Step {
            now: self.now,
            given: &given,
            before: &before,
            beside: &beside,
            was_shutting_down,
            answer: &answer,
            effects: &effects,
        };
        let ledger = std::mem::take(&mut self.ledger);
        self.ledger = ledger.after(&step, &self.brain);
        let checked = invariants::check(self, &step);
        self.told.update(self.now, &self.brain);
        checked
    }

    /// Writes into the diary what happens now.
    fn note(&mut self, line: impl FnOnce(u64) -> String) {
        if self.keeps_diary {
            self.diary.push(line(self.now.0));
        }
    }

    fn describe_states(&mut self) {
        if !self.keeps_diary {
            return;
        }
        let state = |process: &Process| format!("{} {:?} {:?}", process.id, process.goal, process.state);
        let states: Vec<String> = self.brain.processes().map(state).collect();
        let reloads: Vec<String> =
            self.brain.reloads().values().map(|reload| format!("; {:?}", reload.progress)).collect();
        let draining = if self.told.draining_since.is_empty() { "" } else { "; some were draining" };
        let states = states.join("; ");
        self.diary.push(format!("{:>12} {states}{}{draining}", "", reloads.concat()));
    }

    fn decide(&mut self, given: &Given) -> (Result<Accepted, Denied>, Vec<Effect>) {
        let input = match given {
            Given::Input(input) => input.clone(),
            Given::Repeated(fact) => Input::Fact(fact.clone()),
            Given::Restored => unreachable!("a restored supervisor is given nothing"),
        };
        if let Input::Fact(fact) = &input
            && !matches!(
                fact,
                Fact::HandsRenewed { .. }
                    | Fact::Checked { .. }
                    | Fact::Sampled { .. }
                    | Fact::Ready { .. }
                    | Fact::FilesChanged { .. }
                    | Fact::ClockSet { .. }
            )
        {
            self.heard.push(fact.clone());
        }
        let questions = self.brain.port_questions(self.now, &input);
        if !questions.is_empty() {
            let busy = self.try_ports(&questions, |port| self.brain.is_shared(port));
            let (_, effects) = self.brain.step(self.now, Input::Fact(Fact::PortsSeen { busy }));
            assert_eq!(effects, [], "looking at ports changes nothing");
        }
        let decided = self.brain.step(self.now, input);
        self.store.next = Some((self.brain.next_app(), self.brain.next_process(), self.brain.next_run()));
        decided
    }

    /// Everything that is due happens, and the keeper tells of it.
    fn happen(&mut self) {
        let now = self.now;
        for (run, life) in self.lives.iter_mut().filter(|(_, life)| life.due().is_some_and(|at| at <= now)) {
            self.line.push_back(life.happen(now, *run));
        }
        self.lives.retain(|_, life| !life.never_was());
        self.close_sockets();
    }

    fn names(&self) -> Vec<Name> {
        let of_users = self.brain.apps.values().filter(|spec| !spec.is_balancer());
        of_users.map(|spec| spec.name.clone()).collect()
    }

    /// Somebody ends everything there is with one request.
    fn all_are_ended(&mut self) -> Result<(), String> {
        let deletes = self.dice.chance(20);
        let all: Vec<ProcessId> = of_users(&self.brain).into_iter().map(|(_, id)| id).collect();
        let end = |process: &ProcessId| match deletes {
            true => Command::Delete { process: *process },
            false => Command::Stop { process: *process },
        };
        let commands: Vec<Command> = all.iter().map(end).collect();
        let before = self.brain.processes.clone();
        for index in self.brain.in_order(&commands) {
            self.give(Given::Input(Input::Command(commands[index].clone())))?;
        }
        depends::nobody_is_told_too_early(&self.brain, &before)?;
        // And somebody wants one of them back.
        match all.is_empty() || self.dice.chance(40) {
            true => Ok(()),
            false => {
                let process = self.dice.pick(&all);
                self.give(Given::Input(Input::Command(Command::Start { process })))
            }
        }
    }
}
