//! Which ports are taken, found out before the brain gives any away; and what was found to be free is
//! reserved as long as a process has it.

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
        let Driver { brain, reserved, shared_ports, .. } = self;
        let ours = || {
            let main = |process: &Process| {
                let name = brain.app(process.app)?.instance_name(process.instance);
                Some((process.state.pid()?, PortOwner::Ours { name, id: process.id }))
            };
            brain.processes().filter_map(main).collect()
        };
        // A socket is there as long as anybody of ours has the port.
        let is_held = |port| shared_ports.contains(&port) && brain.is_shared(port);
        let busy = port_probe::look(questions, reserved, is_held, ours);
        // Nothing follows from it by itself.
        let (_, effects) = self.brain.step(clock::now(), Input::Fact(Fact::PortsSeen { busy }));
        debug_assert!(effects.is_empty());
    }

    /// After a step: others may have what no process of ours has any more, or has got.
    pub(super) fn let_ports_go(&mut self) {
        let Driver { brain, reserved, .. } = self;
        reserved.keep_only(brain.port_changes(), |port| !brain.is_open(port));
    }
}
