//! What the keeper is told about ports of which each process has a socket of its own: who gets
//! connections, whenever that changes.

use std::collections::BTreeMap;

use crate::keeper::protocol::Order;
use crate::supervisor::{Steered, Supervisor};

/// What it was told, by port.
#[derive(Default)]
pub struct Steering(BTreeMap<u16, Steered>);

impl Steering {
    /// What it has to be told now.
    pub fn update(&mut self, brain: &Supervisor) -> Vec<Order> {
        let now = brain.steered();
        // Of a port that is not there any more nobody is to be kept.
        let left = self.0.keys().filter(|port| !now.contains_key(port));
        let left = left.map(|port| (*port, Steered::default())).collect::<Vec<_>>();
        let new = now.iter().filter(|(port, steered)| self.0.get(port) != Some(steered));
        let orders = new.map(|(port, steered)| order(*port, steered));
        let orders = orders.chain(left.iter().map(|(port, steered)| order(*port, steered))).collect();
        self.0 = now;
        orders
    }

    /// Another keeper knows nothing of it.
    pub fn forget(&mut self) {
        self.0.clear();
    }
}

fn order(port: u16, steered: &Steered) -> Order {
    Order::Steer {
        port,
        to: steered.to.iter().map(|run| run.0).collect(),
        keep: steered.keep.iter().copied().collect(),
    }
}
