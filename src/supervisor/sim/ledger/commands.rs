//! What commands mean for what is to be expected: whose end is asked for, and what counts.

use super::*;

impl Ledger {
    /// A command that a crash has cut short had written down that an end is not wanted any more.
    pub fn taken_back(&mut self, done: &[Effect], brain: &Supervisor) {
        for effect in done {
            let Effect::Record(Record::Process(id)) = effect else { continue };
            let Some(process) = brain.process(*id) else { continue };
            if let State::Starting { run, .. } | State::Running { run, .. } = process.state
                && process.goal == Goal::Up
                && !process.end_asked
            {
                self.asked.remove(&run);
            }
        }
    }

    pub(super) fn command(&mut self, command: &Command, step: &Step<'_>, brain: &Supervisor) {
        if !matches!(step.answer, Ok(Accepted::Done | Accepted::Created { .. })) {
            return;
        }
        let row = |id: &ProcessId| step.before.get(id);
        match command {
            Command::Start { process } => row(process).into_iter().for_each(|before| self.start(before)),
            Command::Restart { process } | Command::Move { process, .. } => {
                row(process).into_iter().for_each(|before| self.restart(before))
            }
            Command::Stop { process } => {
                let Some(before) = row(process) else { return };
                self.counts.entry(*process).or_default().restart_asked = false;
                self.asked.extend(before.state.run());
            }
            Command::Delete { process } => {
                self.asked.extend(row(process).and_then(|before| before.state.run()));
            }
            Command::Reset { process } => {
                let counts = self.counts.entry(*process).or_default();
                *counts = Counts { restart_asked: counts.restart_asked, ..Counts::default() };
            }
            Command::Scale { app, .. } => self.leave(*app, step, brain),
            Command::Update { app, then, .. } => {
                for before in members(*app, step) {
                    let counts = self.counts.entry(before.id).or_default();
                    *counts = Counts { unstable: 0, waits: 0, ..*counts };
                }
                self.leave(*app, step, brain);
                let stay = |before: &&Process| {
                    brain.process(before.id).is_some_and(|process| process.goal != Goal::Gone)
                };
                for before in members(*app, step).filter(stay) {
                    match then {
                        Then::Keep => {}
                        Then::Start => self.start(before),
                        Then::Restart => self.restart(before),
                    }
                }
            }
            Command::Complete { spec, wanted } => {
                let of_app = |row: &&Process| brain.app(row.app).is_some_and(|known| known.name == spec.name);
                let runs = |row: &&Process| wanted.get(&row.instance) == Some(&true);
                for before in step.before.values().filter(of_app).filter(runs) {
                    if before.goal == Goal::Down {
                        self.start(before);
                    }
                }
            }
            Command::Shutdown => {
                for process in step.before.values() {
                    if let State::Starting { run, .. } | State::Running { run, .. } = process.state {
                        self.asked.insert(run);
                    }
                }
            }
            // What the new app depends on is started with it.
            Command::Create { .. } => {
                let is_up = |id| brain.process(id).is_some_and(|process| process.goal == Goal::Up);
                for before in step.before.values().filter(|row| row.goal == Goal::Down && is_up(row.id)) {
                    self.start(before);
                }
            }
            // Heard of as a reload's turns; a signal asks for nothing.
            Command::Reload { .. } | Command::BreakOff { .. } | Command::Signal { .. } => {}
        }
    }

    pub(super) fn start(&mut self, before: &Process) {
        let run = before.state.run();
        let was_asked = run.is_some_and(|run| self.asked.contains(&run));
        let counts = self.counts.entry(before.id).or_default();
        *counts = Counts { unstable: 0, waits: 0, ..*counts };
        match before.state {
            // So already.
            State::Starting { .. } | State::Running { .. } => {
                // Its end was wanted, and is not any more.
                _ = run.map(|run| self.asked.remove(&run));
                return;
            }
            State::Waiting { .. } => return,
            State::Backoff { .. } => counts.restarts += 1,
            State::Stopping { .. } if !was_asked => counts.restart_asked = true,
            State::Stopping { .. } | State::Idle(_) => {}
        }
        if let Some(run) = run {
            self.asked.insert(run);
            self.over_memory.remove(&run);
        }
    }

    pub(super) fn restart(&mut self, before: &Process) {
        let run = before.state.run();
        let counts = self.counts.entry(before.id).or_default();
        *counts = Counts { unstable: 0, waits: 0, ..*counts };
        match run {
            Some(_) => counts.restart_asked = true,
            // It has its start still before it.
            None if matches!(before.state, State::Waiting { .. }) => {}
            None => counts.restarts += 1,
        }
        if let Some(run) = run {
            self.asked.insert(run);
            self.over_memory.remove(&run);
        }
    }

    /// The ends of those that a smaller number leaves out were asked for.
    pub(super) fn leave(&mut self, app: AppId, step: &Step<'_>, brain: &Supervisor) {
        for before in members(app, step) {
            if brain.process(before.id).is_none_or(|process| process.goal == Goal::Gone) {
                self.asked.extend(before.state.run());
            }
        }
    }
}
