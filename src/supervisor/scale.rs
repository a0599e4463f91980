//! More or fewer processes of an app (acceptance row J10).
//!
//! New ones take the lowest free instance numbers, and run if any of the app is wanted up. The
//! highest numbers go first, each as if somebody had deleted it. A number is free when nothing of
//! its last owner is left, so that two lives never write into the same files. Each new one that is
//! to run has its port before anything changes, or nothing changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Accepted, Denied, PortQuestion, Ports, Remembered, Supervisor};
use crate::model::{AppId, AppSpec, Cause, EventKind, Goal, Moment, Port, ProcessId};

/// The most processes that an app may have.
pub const MOST: u32 = 1000;

/// How many processes an app is to have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Count {
    /// So many.
    Exactly(i64),
    /// So many more than now, or fewer.
    Change(i64),
}

impl Count {
    /// How many that are, of so many now.
    pub fn of(self, now: i64) -> i64 {
        match self {
            Count::Exactly(wanted) => wanted,
            Count::Change(delta) => now.saturating_add(delta),
        }
    }
}

impl Supervisor {
    pub(super) fn scale(&mut self, now: Moment, app: AppId, count: Count) -> Result<Accepted, Denied> {
        let spec = self.apps.get(&app).ok_or(Denied::NoSuchApp)?.clone();
        let present = self.wanted_members(app);
        if self.shutting_down {
            return Err(Denied::ShuttingDown);
        }
        let is = present.len() as i64;
        let wanted = count.of(is);
        if !(1..=i64::from(MOST)).contains(&wanted) {
            return Err(Denied::BadCount { name: spec.name.to_string(), wanted });
        }
        if wanted == is {
            return Ok(Accepted::AlreadySo);
        }
        self.resize(now, app, wanted as u32)?;
        Ok(Accepted::Done)
    }

    /// Adds or removes processes until there are so many. Denied before anything changes, if one
    /// would lack a port.
    pub(super) fn resize(&mut self, now: Moment, app: AppId, wanted: u32) -> Result<(), Denied> {
        let spec = self.apps[&app].clone();
        let (goal, added) = self.additions(app, wanted);
        if let (false, Some(Err(few))) = (added.is_empty(), spec.port.map(|plan| plan.suffices_for(wanted))) {
            return Err(Denied::TooFewPorts(few));
        }
        let starts = goal == Goal::Up && !spec.is_job();
        let ports_for = if starts { Goal::Up } else { Goal::Down };
        let ports = self.ports_of_new(Some(app), &spec, &added, ports_for)?;
        if spec.instances != wanted {
            self.redefine(app, Arc::new(AppSpec { instances: wanted, ..(*spec).clone() }));
        }
        let present = self.wanted_members(app);
        let wanted = wanted as usize;
        let surplus = present.len().saturating_sub(wanted);
        let mut leaving: Vec<(u32, ProcessId)> = present.clone();
        match planted!(RemovesTheLowestFirst) {
            true => leaving.sort(),
            false => leaving.sort_by(|a, b| b.cmp(a)),
        }
        for (_, id) in leaving.into_iter().take(surplus) {
            // Cannot be denied: it is there, and is not going yet.
            let _ = self.delete(now, id, Cause::Scale);
        }
        for (instance, held) in added.into_iter().zip(ports) {
            let id = self.add_instance(app, instance, goal, held);
            if starts {
                self.begin(now, id, false);
            }
        }
        Ok(())
    }

    /// The numbers of the processes that come when there are to be so many, and what is wanted of
    /// them.
    pub(super) fn additions(&self, app: AppId, wanted: u32) -> (Goal, Vec<u32>) {
        let present = self.wanted_members(app);
        let goal = if present.iter().any(|(_, id)| self.is_wanted_up(*id)) { Goal::Up } else { Goal::Down };
        let taken: BTreeSet<u32> = match planted!(TakesNumbersInUse) {
            true => present.iter().map(|(instance, _)| *instance).collect(),
            false => self.members_of(app).map(|id| self.processes[&id].instance).collect(),
        };
        let missing = (wanted as usize).saturating_sub(present.len());
        (goal, (0..).filter(|i| !taken.contains(i)).take(missing).collect())
    }

    /// Which ports are to be tried before the number of processes changes.
    pub(super) fn questions_of_scale(&self, app: AppId, count: Count) -> Vec<PortQuestion> {
        let wanted = count.of(self.wanted_members(app).len() as i64);
        let Some(spec) = self.apps.get(&app) else { return Vec::new() };
        let Some(plan) = spec.port else { return Vec::new() };
        let question = |instance| self.or_spare(spec, None, self.ask(None, plan, instance, None));
        match u32::try_from(wanted).ok().filter(|wanted| *wanted <= MOST).map(|w| self.additions(app, w)) {
            Some((Goal::Up, added)) => added.into_iter().map(question).collect(),
            Some((Goal::Down | Goal::Gone, _)) | None => Vec::new(),
        }
    }

    /// A new process of an app, at rest, with its port if it is to be launched now.
    pub(super) fn add_instance(
        &mut self,
        app: AppId,
        instance: u32,
        goal: Goal,
        held: Option<Port>,
    ) -> ProcessId {
        let id = self.next_process;
        self.next_process = ProcessId(id.0 + 1);
        let ports = Ports { held, ..Ports::default() };
        let row = Remembered { goal, ports, ..Remembered::new(id, app, instance) };
        self.put(id, Some(super::Process::at_rest(row)));
        self.publish(id, None, EventKind::Created);
        id
    }

    /// The processes of the app that are not to go, with their instance numbers, in that order.
    pub(super) fn wanted_members(&self, app: AppId) -> Vec<(u32, ProcessId)> {
        let members = self.members_of(app).map(|id| &self.processes[&id]);
        let wanted = members.filter(|process| process.goal != Goal::Gone);
        let mut wanted: Vec<_> = wanted.map(|process| (process.instance, process.id)).collect();
        wanted.sort_unstable();
        wanted
    }

    fn is_wanted_up(&self, id: ProcessId) -> bool {
        self.processes.get(&id).is_some_and(|process| process.goal == Goal::Up)
    }
}
