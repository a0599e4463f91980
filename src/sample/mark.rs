//! The mark that the keeper gives every run in its environment: by it those are recognised that
//! left session and parent behind.

use std::collections::HashMap;

use super::stat::Stat;
use crate::model::Pid;

/// The name of the variable.
const MARK: &[u8] = b"PMDAEMON_RUN=";

/// The marks of processes, each read once for each program: to read an environment costs more than all
/// the rest.
///
/// While a process executes a program it has no environment for a moment, and a script may execute one
/// after the other (`env`, `nice`, a version manager's shim) before it is what it is going to be.
#[derive(Debug, Default)]
pub(super) struct Marks {
    known: HashMap<Program, Option<Vec<u8>>>,
}

/// A process, and which program it is: number, start time, and where its environment is.
type Program = (Pid, u64, u64);

fn program(stat: &Stat) -> Program {
    (stat.pid, stat.started, stat.environment)
}

impl Marks {
    /// Looks at all of them.
    pub fn look(&mut self, table: &HashMap<Pid, Stat>) {
        self.known.retain(|known, _| table.get(&known.0).is_some_and(|stat| program(stat) == *known));
        for stat in table.values() {
            self.known.entry(program(stat)).or_insert_with(|| of(stat.pid));
        }
    }

    /// The mark that it carries, as was seen.
    pub fn carried_by(&self, stat: &Stat) -> Option<&[u8]> {
        self.known.get(&program(stat))?.as_deref()
    }

    /// Who carries which mark.
    pub fn carriers(&self) -> HashMap<&[u8], Vec<Pid>> {
        let mut carriers: HashMap<&[u8], Vec<Pid>> = HashMap::new();
        for ((pid, ..), mark) in &self.known {
            if let Some(mark) = mark {
                carriers.entry(mark.as_slice()).or_default().push(*pid);
            }
        }
        carriers
    }
}

/// The mark in the environment with which that process was executed.
fn of(pid: Pid) -> Option<Vec<u8>> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    environment.split(|byte| *byte == 0).find_map(|variable| variable.strip_prefix(MARK)).map(<[u8]>::to_vec)
}
