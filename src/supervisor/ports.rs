//! The table of ports: who has which, and who gets which (acceptance rows A10, C1 to C5).
//!
//! A process has a port from its launch until nothing of it runs and nothing is about to: over
//! crashes, waits, restarts and new daemons. What rests has none, so a stopped app is in nobody's
//! way and finds out when it starts whether its port is free. A restart that moves a process has
//! the new port claimed while the old run still uses the old one.
//!
//! A port that is shared may be had by several processes of one app, and by its balancer, so that one
//! goes over into the other: the keeper holds the listening socket for them. It makes the socket at the
//! first launch that needs it, and is told when none that is wanted up has the port any more
//! ([`Effect::Release`]); over restarts it stays open.
//!
//! What waits for others before its first start has its port already, or has claimed it.
//!
//! Whether another program listens is not known here: that is asked before ([`super::port_questions`]).

use std::collections::{BTreeMap, BTreeSet};

use super::{Command, Denied, Effect, Input, Process, Supervisor};
use crate::model::{AppId, AppSpec, Goal, Moment, Port, PortOwner, PortPlan, ProcessId, State, Want};

/// The ports of one process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ports {
    /// What its present run was given, or its next one keeps.
    pub held: Option<Port>,
    /// Claimed for the run after the present one. Not remembered: a new daemon claims anew.
    pub next: Option<Port>,
    /// What a run on trial beside the present one has to itself. Not remembered: that run ends with
    /// the daemon.
    pub trial: Option<Port>,
    /// Instead of the definition's plan, until the next plain restart or start.
    pub plan: Option<PortPlan>,
}

/// Who has which port.
#[derive(Clone, Debug, Default)]
pub(super) struct PortTable {
    held: BTreeSet<(u16, ProcessId, Port)>,
    /// Shared ports, and who of those that go on has them.
    sockets: BTreeSet<(u16, ProcessId)>,
    /// What other programs were seen to have, before the present step.
    seen: BTreeMap<u16, PortOwner>,
    /// How often anybody got a port or gave one up.
    changes: u64,
}

impl PortTable {
    /// The row of a process changed. Returns the shared ports that nobody who goes on has any more.
    pub(super) fn update(&mut self, before: Option<&Process>, now: Option<&Process>) -> Vec<u16> {
        let parts = |row: Option<&Process>| row.map(|row| (row.id, wants_socket(row), row.ports));
        if parts(before) == parts(now) {
            return Vec::new();
        }
        self.changes += 1;
        before.into_iter().flat_map(claims).for_each(|claim| _ = self.held.remove(&claim));
        now.into_iter().flat_map(claims).for_each(|claim| _ = self.held.insert(claim));
        let left: Vec<(u16, ProcessId)> = before.into_iter().flat_map(shared).collect();
        left.iter().for_each(|socket| _ = self.sockets.remove(socket));
        now.into_iter().flat_map(shared).for_each(|socket| _ = self.sockets.insert(socket));
        let unwanted = left.into_iter().map(|(port, _)| port).filter(|port| !self.is_shared_by_any(*port));
        unwanted.collect()
    }

    /// Somebody who goes on has that port as a shared one.
    fn is_shared_by_any(&self, port: u16) -> bool {
        self.sockets.range((port, ProcessId(0))..=(port, ProcessId(u32::MAX))).next().is_some()
    }

    /// A run that left a port is gone.
    pub(super) fn left(&mut self) {
        self.changes += 1;
    }

    /// What was found just now.
    pub(super) fn see(&mut self, busy: BTreeMap<u16, PortOwner>) {
        self.seen = busy;
    }

    /// Who has that port, and how.
    pub(super) fn holders(&self, port: u16) -> impl Iterator<Item = (ProcessId, Port)> {
        let least = (port, ProcessId(0), Port::Own(0));
        let most = (port, ProcessId(u32::MAX), Port::Shared(u16::MAX));
        self.held.range(least..=most).map(|(_, id, port)| (*id, *port))
    }

    /// Nobody of ours has it.
    pub(super) fn is_open(&self, port: u16) -> bool {
        self.holders(port).next().is_none()
    }

    /// Another program was seen to have it.
    pub(super) fn seen_busy(&self, port: u16) -> bool {
        self.seen.contains_key(&port)
    }

    /// Ports and holders, to be compared with the rows.
    #[cfg(test)]
    pub(super) fn held(&self) -> &BTreeSet<(u16, ProcessId, Port)> {
        &self.held
    }

    /// What other programs were seen to have.
    #[cfg(test)]
    pub(super) fn seen(&self) -> &BTreeMap<u16, PortOwner> {
        &self.seen
    }
}

/// What a row has in the table.
fn claims(row: &Process) -> impl Iterator<Item = (u16, ProcessId, Port)> {
    let id = row.id;
    let Ports { held, next, trial, plan: _ } = row.ports;
    held.into_iter().chain(next).chain(trial).map(move |port| (port.number(), id, port))
}

/// It is wanted up, or its end has not been asked for yet: then it can still be wanted up again.
pub(super) fn wants_socket(row: &Process) -> bool {
    let goes_on = match row.state {
        State::Starting { .. } | State::Running { .. } => true,
        State::Idle(_) | State::Waiting { .. } | State::Backoff { .. } | State::Stopping { .. } => false,
    };
    row.goal == Goal::Up || goes_on
}

/// What a row wants a socket for.
pub(super) fn shared(row: &Process) -> impl Iterator<Item = (u16, ProcessId)> {
    let wanted = wants_socket(row);
    claims(row).filter(move |(_, _, port)| wanted && port.is_shared()).map(|(number, id, _)| (number, id))
}

/// Who asks for a port, and what it has already.
#[derive(Clone, Copy)]
pub(super) struct Asking {
    pub id: Option<ProcessId>,
    /// Its app, if that is there already.
    pub app: Option<AppId>,
    pub instance: u32,
    /// The port that it would rather have than another one of a range.
    pub keeps: Option<Port>,
    /// Its own run may be the one that listens there.
    pub listens: bool,
}

impl Supervisor {
    /// The ports of new processes with these numbers, or none if the app asks for none or they are
    /// not to run.
    pub(super) fn ports_of_new(
        &self,
        app: Option<AppId>,
        spec: &AppSpec,
        numbers: &[u32],
        goal: Goal,
    ) -> Result<Vec<Option<Port>>, Denied> {
        let Some(plan) = spec.port.filter(|_| goal == Goal::Up) else {
            return Ok(vec![None; numbers.len()]);
        };
        let asking = |instance| Asking { id: None, app, instance, keeps: None, listens: false };
        let mut given = BTreeSet::new();
        let mut chosen = Vec::new();
        for &instance in numbers {
            let port = self.choose(plan, asking(instance), &given);
            given.extend(port.as_ref().ok().map(|port| port.number()));
            chosen.push((instance, port));
        }
        // What is to be had instead of one's own is what all others leave.
        let mut ports = Vec::new();
        for (instance, port) in chosen {
            let port = port.or_else(|denied| {
                let spare = self.spare_of_new(spec, asking(instance), &given);
                spare.filter(|_| matches!(denied, Denied::PortTaken { .. })).ok_or(denied)
            })?;
            given.insert(port.number());
            ports.push(Some(port));
        }
        Ok(ports)
    }

    /// Settles where the next run of a process is to be: by `plan`, or by its definition. Claims
    /// the port while the present run has another.
    pub(super) fn aim(&mut self, id: ProcessId, plan: Option<PortPlan>) -> Result<(), Denied> {
        let process = &self.processes[&id];
        let plan = if planted!(KeepsTheOverride) { plan.or(process.ports.plan) } else { plan };
        let listens = process.state.run().is_some();
        let (keeps, held) = (process.ports.held, process.ports.held);
        let port = self.port_by(id, plan, keeps, listens)?;
        let next = port.filter(|port| Some(*port) != held);
        if (process.ports.plan, process.ports.next) != (plan, next) {
            self.change(id, |process| (process.ports.plan, process.ports.next) = (plan, next));
        }
        Ok(())
    }

    /// The port with which a process is launched now.
    pub(super) fn port_at_launch(&self, id: ProcessId) -> Result<Option<Port>, Denied> {
        let ports = self.processes[&id].ports;
        let keeps = if planted!(WandersAfterCrash) { None } else { ports.next.or(ports.held) };
        if ports.plan.is_none() && self.has_spare(id, keeps) {
            let asking = self.asking(id, keeps, false);
            if let Some(port) = self.spare_port(id, asking) {
                return Ok(Some(port));
            }
        }
        self.port_by(id, ports.plan, keeps, false)
    }

    pub(super) fn port_by(
        &self,
        id: ProcessId,
        plan: Option<PortPlan>,
        keeps: Option<Port>,
        listens: bool,
    ) -> Result<Option<Port>, Denied> {
        let process = &self.processes[&id];
        // A plan for one run was spread already when it was asked for.
        let instance = if plan.is_some() { 0 } else { process.instance };
        let spare = plan.is_none();
        let Some(plan) = plan.or(self.apps[&process.app].port) else { return Ok(None) };
        let asking = Asking { instance, ..self.asking(id, keeps, listens) };
        self.choose(plan, asking, &BTreeSet::new()).map(Some).or_else(|denied| match spare {
            true => self.spare_port(id, asking).map(Some).ok_or(denied),
            false => Err(denied),
        })
    }

    pub(super) fn asking(&self, id: ProcessId, keeps: Option<Port>, listens: bool) -> Asking {
        let process = &self.processes[&id];
        Asking { id: Some(id), app: Some(process.app), instance: process.instance, keeps, listens }
    }

    /// The port that somebody gets by that plan. `given` are taken too.
    fn choose(&self, plan: PortPlan, asking: Asking, given: &BTreeSet<u16>) -> Result<Port, Denied> {
        let is_free = |port: &u16| !given.contains(port) && self.owner(Port::Own(*port), asking).is_none();
        let only = |port: Port| match self.owner(port, asking) {
            Some(by) => Err(Denied::PortTaken { port: port.number(), by }),
            None => Ok(port),
        };
        match plan.wants(asking.instance) {
            Want::One(port) => only(Port::Own(port)),
            Want::Shared(port) => only(Port::Shared(port)),
            Want::AnyOf(first, last) => asking
                .keeps
                .map(Port::number)
                .filter(|port| (first..=last).contains(port) && is_free(port))
                .or_else(|| (first..=last).find(is_free))
                .map(Port::Own)
                .ok_or_else(|| self.exhausted(plan, first, last, asking)),
            // Its number is beyond the range: others before it are gone, or the range became smaller.
            Want::Nothing => match plan.suffices_for(asking.instance + 1) {
                Err(few) => Err(Denied::TooFewPorts(few)),
                Ok(()) => Err(Denied::PortsExhausted { plan, holders: Vec::new() }),
            },
        }
    }

    fn exhausted(&self, plan: PortPlan, first: u16, last: u16, asking: Asking) -> Denied {
        let holders = (first..=last).filter_map(|port| Some((port, self.owner(Port::Own(port), asking)?)));
        Denied::PortsExhausted { plan, holders: holders.collect() }
    }

    /// Who has that port, other than who asks and whom it may share it with.
    pub(super) fn owner(&self, port: Port, asking: Asking) -> Option<PortOwner> {
        let asks = asking.app.map(|app| self.front_of(app));
        let in_the_way = |(id, held): &(ProcessId, Port)| {
            let of_one_app = self.processes.get(id).is_some_and(|row| Some(self.front_of(row.app)) == asks);
            let share = held.is_shared() && port.is_shared() && (of_one_app || planted!(SharesWithStrangers));
            Some(*id) != asking.id && !share
        };
        let holder = self.ports.holders(port.number()).find(in_the_way).map(|(id, _)| id);
        let ours = holder.or(self.leaver_on(port)).filter(|_| !planted!(GivesPortsTwice));
        if let Some(process) = ours.and_then(|id| self.processes.get(&id)) {
            let name = self.apps.get(&process.app).map(|spec| spec.instance_name(process.instance));
            return Some(PortOwner::Ours { name: name.unwrap_or_default(), id: process.id });
        }
        if (asking.listens && asking.keeps == Some(port)) || planted!(OverlooksForeignPorts) {
            return None;
        }
        self.ports.seen.get(&port.number()).cloned()
    }

    /// Which of these shared ports, whose sockets the keeper holds, nobody wants any more. To be
    /// asked of a keeper's first words: what an earlier daemon had to say about them may be lost.
    pub fn unwanted_sockets(&self, sockets: &[u16]) -> Vec<u16> {
        sockets.iter().copied().filter(|port| !self.ports.is_shared_by_any(*port)).collect()
    }

    /// A number that is another one after anybody got a port or gave one up.
    pub fn port_changes(&self) -> u64 {
        self.ports.changes
    }

    /// Somebody has that port as a shared one.
    pub fn is_shared(&self, port: u16) -> bool {
        self.ports.holders(port).any(|(_, port)| port.is_shared())
    }

    /// Orders that the sockets of these ports are let go.
    pub(super) fn release(&mut self, ports: Vec<u16>) {
        if !planted!(ForgetsTheSocket) {
            self.effects.extend(ports.into_iter().map(|port| Effect::Release { port }));
        }
    }

    /// Would one of these commands, one after the other, be denied for want of a port? Then none
    /// of them should be given.
    pub fn lacks_a_port(&self, now: Moment, commands: &[Command]) -> Option<Denied> {
        let mut rehearsal = self.clone();
        let mut answers =
            commands.iter().map(|command| rehearsal.step(now, Input::Command(command.clone())).0);
        answers.find_map(|answer| answer.err().filter(Denied::is_about_ports))
    }
}
