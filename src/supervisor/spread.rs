//! Where connections go to a port of which each process has a socket of its own (`spread even`).
//!
//! To who is in service: by the same rules as behind a balancer ([`super::balancing`]). The place of a
//! process is its number among the instances: its next run takes the same socket.

use std::collections::{BTreeMap, BTreeSet};

use super::ports::shared;
use super::{Route, Supervisor};

/// Such a port.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Steered {
    /// The instances that get connections.
    pub to: BTreeSet<u32>,
    /// The instances whose sockets stay: something of them goes on, or is to come again.
    pub keep: BTreeSet<u32>,
}

impl Supervisor {
    /// All such ports.
    pub fn steered(&self) -> BTreeMap<u16, Steered> {
        let mut ports: BTreeMap<u16, Steered> = BTreeMap::new();
        for app in &self.spread {
            for row in self.members_of(*app).map(|id| &self.processes[&id]) {
                for (port, _) in shared(row) {
                    ports.entry(port).or_default().keep.insert(row.instance);
                }
            }
            for Route { instance, port, draining, .. } in self.routes(*app) {
                let steered = ports.get_mut(&port).filter(|_| !draining);
                if let Some(steered) = steered.filter(|steered| steered.keep.contains(&instance)) {
                    steered.to.insert(instance);
                }
            }
        }
        if planted!(SteersToEverybody) {
            ports.values_mut().for_each(|steered| steered.to = steered.keep.clone());
        }
        ports
    }
}
