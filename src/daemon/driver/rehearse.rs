//! What commands would do: tried on a copy of the brain, of which nothing is carried out.

use super::super::clock;
use super::super::handle::Rehearsed;
use super::Driver;
use crate::model::ProcessId;
use crate::supervisor::{Command, Input};

impl Driver {
    /// Tries them, each after the others.
    pub(super) fn rehearse(&mut self, commands: &[Command]) -> Rehearsed {
        let rehearsed = self.try_all(commands);
        // Nobody has got any.
        self.let_ports_go();
        rehearsed
    }

    fn try_all(&mut self, commands: &[Command]) -> Rehearsed {
        if let Some(denied) = self.look_at_ports(&self.with_balancers(commands.to_vec())) {
            return Rehearsed { answers: vec![Err(denied); commands.len()], others: Vec::new() };
        }
        let mut brain = self.brain.clone();
        let mut answers: Vec<_> = brain
            .in_order(commands)
            .into_iter()
            .map(|index| (index, brain.step(clock::now(), Input::Command(commands[index].clone())).0))
            .collect();
        answers.sort_by_key(|(index, _)| *index);
        let is_named = |id: &ProcessId| commands.iter().any(|command| command.process() == Some(*id));
        let goal = |id: ProcessId| brain.process(id).map(|process| process.goal);
        let moved = self.brain.processes().filter(|process| goal(process.id) != Some(process.goal));
        let others = moved.map(|process| process.id).filter(|id| !is_named(id)).collect();
        Rehearsed { answers: answers.into_iter().map(|(_, answer)| answer).collect(), others }
    }
}
