//! How keeper and daemon die in a story, and how the next ones begin.

use super::*;

impl World {
    /// The keeper dies. What it had not said or done is lost; launches that it had not carried
    /// out never happen, some programs end unseen. The next one tells what it finds.
    pub(super) fn keeper_crashes(&mut self) -> Result<(), String> {
        self.line.clear();
        let dice = &mut self.dice;
        self.lives.retain(|_, life| life.is_alive() && !dice.chance(20));
        for life in self.lives.values_mut().filter(|_| dice.chance(50)) {
            life.survives_its_killing();
        }
        let living = self.lives.keys().copied().collect();
        for (run, life) in &self.lives {
            let run = *run;
            let spawned = life.spawned.map(|(pid, at)| Fact::Spawned { run, pid, at });
            let ended = life.ended.map(|(end, at)| Fact::Exited { run, end, at, tree_empty: false });
            self.line.extend(spawned.into_iter().chain(ended));
        }
        self.heard.clear();
        // The next one takes back what a life still has.
        let lives = &self.lives;
        self.sockets.retain(|port, _| lives.values().any(|life| life.port == Some(Port::Shared(*port))));
        self.give(Given::Input(Input::Fact(Fact::HandsRenewed { living })))?;
        self.tell_unwanted_sockets();
        Ok(())
    }

    /// The daemon dies, perhaps in the middle of carrying something out; a row may be damaged.
    pub(super) fn daemon_crashes(&mut self) -> Result<(), String> {
        if self.dice.chance(50) {
            let known = of_users(&self.brain);
            let names = self.names();
            let command = Given::Input(Input::Command(any_command(&mut self.dice, &known, &names)));
            let (_, effects) = self.decide(&command);
            let done = self.dice.below(effects.len() + 1);
            // A definition and the counters that it resets are one transaction.
            let whole = matches!(command, Given::Input(Input::Command(Command::Update { .. })));
            let done = if whole && done > 0 { effects.len() } else { done };
            self.note(|now| format!("{now:>12} {command:?}, of which only {:?}", &effects[..done]));
            // What one step changes is written in one transaction: all of it, or nothing.
            let is_record = |effect: &&Effect| matches!(effect, Effect::Record(_));
            let rest =
                if effects[..done].iter().any(|effect| is_record(&effect)) { &effects[done..] } else { &[] };
            let done: Vec<Effect> =
                effects[..done].iter().chain(rest.iter().filter(is_record)).cloned().collect();
            for effect in &done {
                self.perform(effect);
            }
            self.ledger.hear_of(&done);
            self.ledger.taken_back(&done, &self.brain);
        }
        if self.dice.chance(10) && !self.store.rows.is_empty() {
            let rows: Vec<ProcessId> = self.store.rows.keys().copied().collect();
            let lost = self.dice.pick(&rows);
            self.note(|now| format!("{now:>12} a row is lost: {lost}"));
            self.store.rows.remove(&lost);
        }
        self.note(|now| format!("{now:>12} the daemon crashes"));
        self.boot()
    }

    /// A new daemon takes up the work.
    pub(super) fn boot(&mut self) -> Result<(), String> {
        self.line.clear();
        self.watched.clear();
        self.awaited.clear();
        let living: Vec<Living> = self.lives.iter().map(|(run, life)| life.picture(*run)).collect();
        let rows: Vec<Remembered> = self.store.rows.values().cloned().collect();
        let (app, process, run) = self.store.next.unwrap_or((AppId(0), ProcessId(0), RunId(1)));
        let questions = Supervisor::port_questions_at_restore(&self.store.apps, &rows, &living);
        let (brain, effects) = Supervisor::restore(
            self.now,
            self.store.apps.clone(),
            rows.clone(),
            living.clone(),
            self.try_ports(&questions, |port| {
                rows.iter().any(|row| row.ports.held == Some(Port::Shared(port)))
            }),
            app,
            process,
            run,
        );
        self.brain = brain_of(self.seed, brain);
        self.brain.remember_slots(self.store.slots.clone());
        self.store.next = Some((self.brain.next_app(), self.brain.next_process(), self.brain.next_run()));
        self.note(|now| format!("{now:>12} restored with {living:?} -> {effects:?}"));
        self.describe_states();
        outcomes::restored_as_remembered(&self.brain, &rows, &living)?;
        outcomes::who_leaves_goes_on_leaving(&self.brain, &rows, &living)?;
        outcomes::what_was_asked_goes_on(&self.brain, &self.ledger, &living)?;
        outcomes::launched_in_order(&self.brain, &living, &effects)?;
        ready::who_was_ready_is_online(&self.brain, &living)?;
        for effect in &effects {
            self.perform(effect);
        }
        self.tell_unwanted_sockets();
        self.ledger.restored(self.now, &self.brain, &rows, &living, &effects);
        let before = BTreeMap::new();
        let answer = Ok(Accepted::Noted);
        let step = Step {
            now: self.now,
            given: &Given::Restored,
            before: &before,
            beside: &BTreeSet::new(),
            was_shutting_down: false,
            answer: &answer,
            effects: &effects,
        };
        self.told = Told::default();
        invariants::check(self, &step)?;
        self.told.update(self.now, &self.brain);
        if self.dice.chance(30) {
            // It took its time.
            self.ahead += 120_000_000;
        }
        self.the_clock_is_told()
    }
}
