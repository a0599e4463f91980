//! Where connections go to a port of which each process has a socket of its own (`spread even`).
//!
//! To who is in service: by the same rules as behind a balancer ([`super::balancing`]). The place of a
//! process is its number among the instances: its next run takes the same socket. Runs are named, not
//! instances: of one instance a run may be ready and another not yet, and may have other sockets.

use std::collections::{BTreeMap, BTreeSet};

use super::ports::shared;
use super::{Route, Supervisor};
use crate::model::{RunId, Spread};

/// Such a port.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Steered {
    /// The lives that get connections.
    pub to: BTreeSet<RunId>,
    /// The instances whose sockets stay: something of them goes on, or is to come again. None of an
    /// app whose definition does not say so any more.
    pub keep: BTreeSet<u32>,
}

impl Supervisor {
    /// All such ports.
    pub fn steered(&self) -> BTreeMap<u16, Steered> {
        let mut ports: BTreeMap<u16, Steered> = BTreeMap::new();
        for app in &self.spread {
            let stay = self.apps.get(app).is_some_and(|spec| spec.spread == Spread::Even);
            for row in self.members_of(*app).map(|id| &self.processes[&id]) {
                let rehearsed_on = self.trials.get(&row.id).and_then(|trial| trial.rehearsed_on);
                for (port, _) in shared(row).filter(|(port, _)| Some(*port) != rehearsed_on) {
                    let steered = ports.entry(port).or_default();
                    steered.keep.extend(stay.then_some(row.instance));
                    if planted!(SteersToEverybody) {
                        steered.to.extend(row.state.run());
                    }
                }
            }
            for (Route { run, port, draining, .. }, _) in self.lives_in_service(*app) {
                if let Some(steered) = ports.get_mut(&port).filter(|_| !draining) {
                    steered.to.insert(run);
                }
            }
        }
        ports
    }
}
