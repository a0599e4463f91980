//! Bringing an app back to what a restore point says (acceptance row J26), which only ever adds:
//!
//! - an app that is not there is defined;
//! - a process that is not there is added, under its old number, and runs if it ran then;
//! - a process that is stopped and ran then is started.
//!
//! Nothing is doubled, stopped, taken away or redefined. All of it happens, or nothing: it is tried
//! on a copy, which takes the place of the original when nothing was denied.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::scale::MOST;
use super::{Accepted, Denied, PortQuestion, Supervisor};
use crate::model::{AppId, AppSpec, Goal, Moment, ProcessId};

impl Supervisor {
    /// `wanted`: the instance numbers, and whether each is to run.
    pub(super) fn complete(
        &mut self,
        now: Moment,
        spec: Arc<AppSpec>,
        wanted: &BTreeMap<u32, bool>,
    ) -> Result<Accepted, Denied> {
        if self.shutting_down {
            return Err(Denied::ShuttingDown);
        }
        let mut rehearsal = self.clone();
        let changed = rehearsal.complete_or_fail(now, spec, wanted)?;
        *self = rehearsal;
        Ok(if changed { Accepted::Done } else { Accepted::AlreadySo })
    }

    fn complete_or_fail(
        &mut self,
        now: Moment,
        spec: Arc<AppSpec>,
        wanted: &BTreeMap<u32, bool>,
    ) -> Result<bool, Denied> {
        let Some(app) = self.app_to_complete(&spec) else {
            return self.define_completely(now, spec, wanted);
        };
        let here: BTreeMap<u32, ProcessId> =
            self.members_of(app).map(|id| (self.processes[&id].instance, id)).collect();
        let mut changed = false;
        for (number, runs) in wanted {
            let Some(id) = here.get(number) else { continue };
            match self.processes[id].goal {
                Goal::Gone => return Err(Denied::BeingDeleted(*id)),
                // It waits for what it depends on: that has its own place in the restore point.
                Goal::Down if *runs => changed |= self.start_alone(now, *id)? == Accepted::Done,
                Goal::Down if planted!(StopsToComplete) => {}
                Goal::Up if !*runs && planted!(StopsToComplete) => {
                    self.change(*id, |process| process.goal = Goal::Down);
                }
                Goal::Up | Goal::Down => {}
            }
        }
        let missing: BTreeMap<u32, bool> = match planted!(DoublesToComplete) {
            true => wanted.clone(),
            false => wanted
                .iter()
                .filter(|(number, _)| !here.contains_key(number))
                .map(|(n, r)| (*n, *r))
                .collect(),
        };
        if !missing.is_empty() {
            let spec = self.apps[&app].clone();
            let count = self.wanted_members(app).len() + missing.len();
            self.add_numbers(now, app, &spec, &missing, count)?;
            if spec.instances as usize != count {
                self.redefine(app, Arc::new(AppSpec { instances: count as u32, ..(*spec).clone() }));
            }
        }
        Ok(changed || !missing.is_empty())
    }

    fn define_completely(
        &mut self,
        now: Moment,
        spec: Arc<AppSpec>,
        wanted: &BTreeMap<u32, bool>,
    ) -> Result<bool, Denied> {
        if wanted.is_empty() {
            return Ok(false);
        }
        // What it depends on may come back after it.
        self.check_cycle(&spec)?;
        let app = self.next_app;
        self.next_app = AppId(app.0 + 1);
        let count = wanted.len();
        let spec = Arc::new(AppSpec { instances: count as u32, ..(*spec).clone() });
        self.define(app, spec.clone());
        self.add_numbers(now, app, &spec, wanted, count)?;
        Ok(true)
    }

    /// Adds those processes to an app, which then has `count`.
    fn add_numbers(
        &mut self,
        now: Moment,
        app: AppId,
        spec: &AppSpec,
        missing: &BTreeMap<u32, bool>,
        count: usize,
    ) -> Result<(), Denied> {
        if count > MOST as usize {
            return Err(Denied::BadCount { name: spec.name.to_string(), wanted: count as i64 });
        }
        if let Some(Err(few)) = spec.port.map(|plan| plan.suffices_for(count as u32)) {
            return Err(Denied::TooFewPorts(few));
        }
        let running: Vec<u32> =
            missing.iter().filter(|(_, runs)| **runs && !spec.is_job()).map(|(number, _)| *number).collect();
        let mut ports = self.ports_of_new(Some(app), spec, &running, Goal::Up)?.into_iter();
        for (number, runs) in missing {
            let (goal, held) = match runs {
                true if spec.is_job() => (Goal::Up, None),
                true => (Goal::Up, ports.next().flatten()),
                false => (Goal::Down, None),
            };
            let id = self.add_instance(app, *number, goal, held);
            if *runs && !spec.is_job() {
                self.begin(now, id, false);
            }
        }
        Ok(())
    }

    fn app_to_complete(&self, spec: &AppSpec) -> Option<AppId> {
        self.app_named(&spec.namespace, &spec.name).map(|id| self.processes[&id].app)
    }

    /// Which ports are to be tried before an app is completed.
    pub(super) fn questions_of_completion(
        &self,
        spec: &AppSpec,
        wanted: &BTreeMap<u32, bool>,
    ) -> Vec<PortQuestion> {
        let app = self.app_to_complete(spec);
        let plan = app.and_then(|app| self.apps.get(&app)).map_or(spec.port, |known| known.port);
        let mut here: BTreeMap<u32, ProcessId> = BTreeMap::new();
        if let Some(app) = app {
            here.extend(self.members_of(app).map(|id| (self.processes[&id].instance, id)));
        }
        let running = wanted.iter().filter(|(_, runs)| **runs).map(|(number, _)| *number);
        running
            .filter_map(|number| match here.get(&number) {
                Some(id) if self.processes[id].goal == Goal::Down => self.question_of(*id, None),
                Some(_) => None,
                None => plan.map(|plan| {
                    let known = app.and_then(|app| self.apps.get(&app));
                    let asked = self.ask(None, plan, number, None);
                    self.or_spare(known.map_or(spec, |known| known), None, asked)
                }),
            })
            .collect()
    }
}
