//! The mark that the keeper gives every run in its environment: by it those are recognised that
//! left session and parent behind.

use std::collections::HashMap;

use super::stat::Stat;
use crate::model::Pid;

/// The name of the variable.
const MARK: &[u8] = b"PMDAEMON_RUN=";

/// The marks of processes, each read once: to read an environment costs more than all the rest.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// By number and start time.
    known: HashMap<(Pid, u64), Option<Vec<u8>>>,
}

impl Marks {
    /// Who carries which mark.
    pub fn of_all(&mut self, table: &HashMap<Pid, Stat>) -> HashMap<&[u8], Vec<Pid>> {
        self.known.retain(|(pid, started), _| table.get(pid).is_some_and(|stat| stat.started == *started));
        for stat in table.values() {
            self.known.entry((stat.pid, stat.started)).or_insert_with(|| of(stat.pid));
        }
        let mut carriers: HashMap<&[u8], Vec<Pid>> = HashMap::new();
        for ((pid, _), mark) in &self.known {
            if let Some(mark) = mark {
                carriers.entry(mark.as_slice()).or_default().push(*pid);
            }
        }
        carriers
    }
}

/// The mark in the environment with which that process was executed.
pub(super) fn of(pid: Pid) -> Option<Vec<u8>> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    environment.split(|byte| *byte == 0).find_map(|variable| variable.strip_prefix(MARK)).map(<[u8]>::to_vec)
}
