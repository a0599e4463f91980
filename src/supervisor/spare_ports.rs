//! Ports behind a balancer (acceptance rows A10, C2). Only that connects to them, so a process may
//! have another one than its definition names: while a reload has two runs of it side by side, and
//! when somebody else has the one that it should have, which may be a run that still drains.
//!
//! The others are those of the app's range, whosever they are by its number, and then those that are
//! private anyway. So the new run that a reload begins first is outside of a range that has a port for each
//! process and no more; the next ones get what the runs before them have left, for which they wait a
//! moment, and in the end the first one is replaced once more, by a run within the range.

use std::collections::BTreeSet;

use super::leaving::Leaver;
use super::ports::Asking;
use super::{Denied, PortQuestion, Supervisor};
use crate::model::{AppSpec, Balance, Port, PortPlan, ProcessId, RunId, Want};

/// The ports that processes of an app may have instead of those of its plan: none, unless a
/// balancer stands before it.
pub(super) fn spare(spec: &AppSpec) -> Vec<u16> {
    let rest = match spec.port {
        _ if spec.balance.is_none() => return Vec::new(),
        None | Some(PortPlan::Shared(_)) => return Vec::new(),
        Some(PortPlan::Range(first, last)) => (first..=last).collect(),
        Some(PortPlan::Single(_) | PortPlan::Auto(..)) => Vec::new(),
    };
    let private = match Balance::PRIVATE_PORTS.wants(0) {
        Want::AnyOf(first, last) => (first..=last).collect(),
        Want::One(_) | Want::Shared(_) | Want::Nothing => Vec::new(),
    };
    [rest, private].concat()
}

impl Supervisor {
    /// The port of a run that is to begin beside the present one; by `to`, if that is not the
    /// definition's.
    pub(super) fn port_of_trial(&self, id: ProcessId, to: Option<PortPlan>) -> Result<Option<Port>, Denied> {
        if let Some(to) = to {
            return self.port_by(id, Some(to), None, false).and_then(|port| self.not_its_own(id, to, port));
        }
        let process = &self.processes[&id];
        let spec = &self.apps[&process.app];
        match spec.port {
            None => Ok(None),
            // It has the socket, or moves to where it should be.
            Some(PortPlan::Shared(port)) if process.ports.held == Some(Port::Shared(port)) => {
                Ok(Some(Port::Shared(port)))
            }
            Some(_) if spec.balance.is_none() => self.port_by(id, None, None, false),
            Some(
                plan @ (PortPlan::Shared(_) | PortPlan::Single(_) | PortPlan::Range(..) | PortPlan::Auto(..)),
            ) => {
                let free = |port: &u16| !self.ports.seen_busy(*port) || planted!(TriesOnTakenPorts);
                let open = self.ports_for_trial(id).into_iter().find(free);
                open.map(|port| Some(Port::Own(port)))
                    .ok_or(Denied::PortsExhausted { plan, holders: Vec::new() })
            }
        }
    }

    /// The present run has its port until it is gone; of several there may be another one.
    fn not_its_own(&self, id: ProcessId, to: PortPlan, port: Option<Port>) -> Result<Option<Port>, Denied> {
        let held = self.processes[&id].ports.held.map(Port::number);
        match (port, to.wants(0)) {
            (Some(port), Want::AnyOf(first, last)) if held == Some(port.number()) => {
                let asking = self.asking(id, None, false);
                let mut others = (first..=last).filter(|other| Some(*other) != held).map(Port::Own);
                let open = others.find(|other| self.owner(*other, asking).is_none());
                open.map(Some).ok_or(Denied::PortsExhausted { plan: to, holders: Vec::new() })
            }
            (port, Want::AnyOf(..) | Want::One(_) | Want::Shared(_) | Want::Nothing) => Ok(port),
        }
    }

    /// Which ports are to be tried before such a run begins. None: it needs none of its own.
    pub(super) fn question_of_trial(&self, id: ProcessId) -> Option<PortQuestion> {
        let process = &self.processes[&id];
        let spec = &self.apps[&process.app];
        if let (Some(plan), None) = (spec.port, &spec.balance) {
            let has_it =
                matches!(plan, PortPlan::Shared(port) if process.ports.held == Some(Port::Shared(port)));
            return match has_it {
                true => self.question_of_rehearsal(id),
                false => Some(self.ask(Some(id), plan, process.instance, None)),
            };
        }
        let others = self.ports_for_trial(id);
        // Another app may be about to take the same.
        (!others.is_empty()).then_some(PortQuestion { first: None, others })
    }

    /// Which ports are to be tried when a run on trial ends: its own, which another program may have
    /// taken before it listened, and then those that will do instead.
    pub(super) fn question_of_failed_trial(&self, run: RunId) -> Option<PortQuestion> {
        let id = self.on_trial(run)?;
        let own = self.trials[&id].port.filter(|port| !port.is_shared())?;
        Some(PortQuestion { first: Some(own.number()), others: self.ports_for_trial(id) })
    }

    /// Nobody of ours has that port, not even a run that leaves.
    pub fn is_open(&self, port: u16) -> bool {
        self.ports.is_open(port) && self.leaver_on(Port::Own(port)).is_none()
    }

    /// Whose run leaves, and may listen there until it is gone.
    pub(super) fn leaver_on(&self, port: Port) -> Option<ProcessId> {
        let is_it = |leaver: &&Leaver| leaver.port == Some(port) && !port.is_shared();
        self.leavers.values().find(is_it).map(|leaver| leaver.process)
    }

    /// Nobody of ours has any of these.
    fn ports_for_trial(&self, id: ProcessId) -> Vec<u16> {
        let process = &self.processes[&id];
        let spec = &self.apps[&process.app];
        let spare = spare(spec);
        let own = match spec.port.map(|plan| plan.wants(process.instance)) {
            Some(Want::One(port)) => port..=port,
            Some(Want::AnyOf(first, last)) => first..=last,
            Some(Want::Shared(_) | Want::Nothing) | None => return spare,
        };
        let spare = spare.into_iter().filter(|port| !own.contains(port));
        let open = |port: &u16| self.is_open(*port) || planted!(TriesOnTakenPorts);
        own.clone().chain(spare).filter(open).collect()
    }

    /// What such a process may have instead of the port of its plan; its own first, if that is one.
    pub(super) fn spare_port(&self, id: ProcessId, asking: Asking) -> Option<Port> {
        let spare = spare(&self.apps[&self.processes[&id].app]);
        let kept = asking.keeps.map(Port::number).filter(|port| spare.contains(port));
        let mut ports = kept.into_iter().chain(spare.iter().copied()).map(Port::Own);
        ports.find(|port| self.owner(*port, asking).is_none())
    }

    /// That port is one that such a process has instead of its own.
    pub(super) fn has_spare(&self, id: ProcessId, port: Option<Port>) -> bool {
        let process = &self.processes[&id];
        let spec = &self.apps[&process.app];
        let own = spec.port.map(|plan| plan.wants(process.instance));
        let is_spare = |port: Port| !port.is_shared() && spare(spec).contains(&port.number());
        port.is_some_and(|port| is_spare(port) && own != Some(Want::One(port.number())))
    }

    /// The port of a new process of an app with a balancer, whose own one somebody has. `given` are taken.
    pub(super) fn spare_of_new(&self, spec: &AppSpec, asking: Asking, given: &BTreeSet<u16>) -> Option<Port> {
        // Who defines an app is told that its ports are not to be had.
        asking.app?;
        let mut spare = spare(spec).into_iter().filter(|port| !given.contains(port)).map(Port::Own);
        spare.find(|port| self.owner(*port, asking).is_none())
    }

    /// The question of a process of such an app, with what will do instead.
    pub(super) fn or_spare(&self, spec: &AppSpec, keeps: Option<Port>, asked: PortQuestion) -> PortQuestion {
        let spare = spare(spec);
        if spare.is_empty() {
            return asked;
        }
        let PortQuestion { first, others } = asked;
        let kept = keeps.map(Port::number).filter(|port| spare.contains(port));
        let open = spare.into_iter().filter(|port| self.is_open(*port));
        let instead = first.filter(|_| kept.is_some());
        let first = kept.or(first);
        let mut others: Vec<u16> = instead.into_iter().chain(others).chain(open).collect();
        let mut seen = BTreeSet::from_iter(first);
        others.retain(|port| seen.insert(*port));
        PortQuestion { first, others }
    }
}
