//! Commands that are given a few at a time: the next when one that was given has come to its end.

use std::collections::BTreeMap;

use crate::model::{Operation, ProcessId, Step};
use crate::supervisor::Command;

/// What is still to be given.
pub struct Queue {
    commands: BTreeMap<ProcessId, Command>,
    /// So many are under way at a time.
    parallel: usize,
    /// With more failures than this, nothing more is begun.
    failures: usize,
}

impl Queue {
    /// One command for each target.
    pub fn new(commands: BTreeMap<ProcessId, Command>, parallel: usize, failures: usize) -> Queue {
        Queue { commands, parallel, failures }
    }

    /// Whether nothing more is to be begun.
    pub fn gives_up(&self, operation: &Operation) -> bool {
        operation.count(|step| matches!(step, Step::Failed(_))) > self.failures
    }

    /// The next target whose turn it is, with its command.
    pub fn next(&mut self, operation: &Operation) -> Option<(usize, Command)> {
        let under_way = operation.count(|step| !step.is_over() && *step != Step::Waiting);
        if under_way >= self.parallel {
            return None;
        }
        let mut waiting =
            operation.targets.iter().enumerate().filter(|(_, target)| target.step == Step::Waiting);
        let (index, target) = waiting.next()?;
        Some((index, self.commands.remove(&target.process)?))
    }
}
