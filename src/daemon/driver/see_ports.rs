//! Which ports are taken, found out before the brain gives any away.

use super::super::{clock, port_probe};
use super::Driver;
use crate::model::{Fact, PortOwner};
use crate::supervisor::{Command, Denied, Input, PortQuestion, Process};

impl Driver {
    /// Tries the ports that commands may need. Answers why all of them are refused: a port is not
    /// to be had for one, and nothing is to start before that is known.
    pub(super) fn look_at_ports(&mut self, commands: &[Command]) -> Option<Denied> {
        let now = clock::now();
        let questions = |command: &Command| self.brain.port_questions(now, &Input::Command(command.clone()));
        let questions: Vec<_> = commands.iter().flat_map(questions).collect();
        self.see_ports(&questions);
        // One by itself is refused before it changes anything.
        if questions.is_empty() || commands.len() == 1 {
            return None;
        }
        self.brain.lacks_a_port(now, commands)
    }

    pub(super) fn see_ports(&mut self, questions: &[PortQuestion]) {
        if questions.is_empty() {
            return;
        }
        let ours = || {
            let main = |process: &Process| {
                let name = self.brain.app(process.app)?.instance_name(process.instance);
                Some((process.state.pid()?, PortOwner::Ours { name, id: process.id }))
            };
            self.brain.processes().filter_map(main).collect()
        };
        // A socket is there as long as anybody of ours has the port.
        let is_held = |port| self.shared_ports.contains(&port) && self.brain.is_shared(port);
        let busy = port_probe::look(questions, is_held, ours);
        // Nothing follows from it by itself.
        let (_, effects) = self.brain.step(clock::now(), Input::Fact(Fact::PortsSeen { busy }));
        debug_assert!(effects.is_empty());
    }
}
