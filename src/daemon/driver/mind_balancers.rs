//! Balancers come and go with the apps before which they stand, in the same moment: a command that
//! would need one which cannot be, for want of its port, is refused as a whole.

use super::super::clock;
use super::Driver;
use crate::store::Change;
use crate::supervisor::{Command, Input};

impl Driver {
    /// These commands, and those that they make necessary for balancers.
    pub(super) fn with_balancers(&self, mut commands: Vec<Command>) -> Vec<Command> {
        let asks = commands.iter().any(|command| match command {
            Command::Create { spec } | Command::Update { spec, .. } | Command::Complete { spec, .. } => {
                spec.balance.is_some()
            }
            Command::Start { .. }
            | Command::Stop { .. }
            | Command::Restart { .. }
            | Command::Move { .. }
            | Command::Delete { .. }
            | Command::Signal { .. }
            | Command::Reset { .. }
            | Command::Scale { .. }
            | Command::Reload { .. }
            | Command::BreakOff { .. }
            | Command::Shutdown => false,
        });
        if !asks && self.brain.balanced().next().is_none() {
            return commands;
        }
        let mut rehearsal = self.brain.clone();
        for command in &commands {
            let _ = rehearsal.step(clock::now(), Input::Command(command.clone()));
        }
        // One may lead to another, as another port and then a stop.
        for _ in 0..2 {
            for command in rehearsal.balancers_due() {
                let _ = rehearsal.step(clock::now(), Input::Command(command.clone()));
                commands.push(command);
            }
        }
        commands
    }

    /// Brings the balancers into line with what has happened by itself: the last process of an app
    /// is gone, or a daemon has ended in between.
    pub(super) fn mind_balancers(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        for command in self.brain.balancers_due() {
            changes.extend(self.step(Input::Command(command)));
        }
        changes
    }
}
