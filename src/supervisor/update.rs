//! Another definition for an app that is there (acceptance row A1b). Its processes keep their ids,
//! names and files; a run that goes on ends by the new definition, and the next one begins by it.
//! A run keeps its port while it goes on. What is to be launched has its port by the new plan
//! before anything changes, or nothing changes.

use std::sync::Arc;

use super::{Accepted, Denied, PortQuestion, Supervisor};
use crate::model::{AppId, AppSpec, Cause, EventKind, Goal, Moment, Port, ProcessId, Rest, State, Want};

/// What follows the change of a definition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Then {
    /// Nothing: the next run is the first that knows of it.
    Keep,
    /// What is down starts. Refused if anything of the app is up.
    Start,
    /// What is up is restarted, what is down starts.
    Restart,
}

impl Supervisor {
    pub(super) fn update(
        &mut self,
        now: Moment,
        app: AppId,
        spec: Arc<AppSpec>,
        then: Then,
    ) -> Result<Accepted, Denied> {
        let old = self.apps.get(&app).ok_or(Denied::NoSuchApp)?.clone();
        let members = self.wanted_members(app);
        let Some((_, first)) = members.first().copied() else {
            let going = self.members_of(app).next().ok_or(Denied::NoSuchApp)?;
            return Err(Denied::BeingDeleted(going));
        };
        match then {
            Then::Keep => {}
            Then::Start | Then::Restart if self.shutting_down => return Err(Denied::ShuttingDown),
            Then::Start if members.iter().any(|(_, id)| self.is_up(*id)) && !planted!(UpdatesWhatIsUp) => {
                return Err(Denied::StillUp { name: old.name.to_string(), process: first });
            }
            Then::Start | Then::Restart => {}
        }
        // The name is how everybody refers to it, the numbers are in the names of its files.
        let spec = AppSpec {
            name: old.name.clone(),
            namespace: old.namespace.clone(),
            numbered: old.numbered,
            ..(*spec).clone()
        };
        self.check_dependencies(&spec)?;
        if spec.port.is_some() || !spec.depends_on.is_empty() {
            self.clone().replace(now, app, spec.clone(), then, &members)?;
        }
        self.replace(now, app, spec, then, &members)?;
        Ok(Accepted::Done)
    }

    /// The change, and what follows. Only a port can be lacking, of it or of what it depends on.
    fn replace(
        &mut self,
        now: Moment,
        app: AppId,
        spec: AppSpec,
        then: Then,
        members: &[(u32, ProcessId)],
    ) -> Result<(), Denied> {
        let wanted = spec.instances;
        let was_job = self.apps.get(&app).is_some_and(|old| old.is_job());
        let rests_no_more = was_job && !spec.is_job();
        // Before the definition: a crash in between must not leave old counts beside a lower limit.
        for (_, id) in members {
            // What an older definition went through says nothing about this one.
            self.change(*id, |process| {
                process.unstable = 0;
                process.waits = 0;
            });
        }
        self.redefine(app, Arc::new(spec));
        for (_, id) in members {
            // A job is wanted up while it rests; anything else that rests and was not started is not.
            let process = &self.processes[id];
            let rests = matches!(process.state, State::Idle(Rest::Stopped | Rest::Finished(_)));
            if rests_no_more && process.goal == Goal::Up && rests {
                self.change(*id, |process| (process.goal, process.queued) = (Goal::Down, false));
                self.rest(*id, Rest::Stopped);
            }
            self.publish(*id, None, EventKind::Updated);
        }
        if !self.shutting_down {
            self.resize(now, app, wanted)?;
        }
        for (_, id) in self.wanted_members(app) {
            match then {
                Then::Keep => {}
                Then::Start => _ = self.start(now, id)?,
                // What has just come with the new number is up by the new definition.
                Then::Restart if !members.iter().any(|(_, old)| *old == id) => _ = self.start(now, id)?,
                Then::Restart => {
                    // Also one that is restarting already goes where the new plan says.
                    self.aim(id, None)?;
                    self.restart(now, id, None, Cause::Restart)?;
                }
            }
        }
        Ok(())
    }

    /// A reload has failed: the app is defined again as the run was that goes on. How many it has was
    /// no matter of the reload, and nothing ends or begins. It is left as it is where that cannot be by
    /// now: it is a job by one of the two only, has too few ports, or what it depended on is gone.
    pub(super) fn take_back(&mut self, app: AppId, spec: &AppSpec) {
        let Some(now) = self.apps.get(&app).cloned() else { return };
        let spec = AppSpec {
            name: now.name.clone(),
            namespace: now.namespace.clone(),
            numbered: now.numbered,
            instances: now.instances,
            ..spec.clone()
        };
        // What the failed definition has, too, is no reason to keep that.
        let has_ports =
            spec.port == now.port || spec.port.is_none_or(|plan| plan.suffices_for(spec.instances).is_ok());
        let may_depend = spec.depends_on == now.depends_on || self.check_dependencies(&spec).is_ok();
        let fits = spec.is_job() == now.is_job() && has_ports && may_depend;
        if spec == *now || !fits {
            return;
        }
        self.redefine(app, Arc::new(spec));
        for (_, id) in self.wanted_members(app) {
            self.publish(id, None, EventKind::Updated);
        }
    }

    /// Which ports are to be tried before a definition changes.
    pub(super) fn questions_of_update(&self, app: AppId, spec: &AppSpec, then: Then) -> Vec<PortQuestion> {
        let Some(plan) = spec.port else { return Vec::new() };
        let (goal, added) = self.additions(app, spec.instances);
        let starts = then != Then::Keep;
        let mut questions = Vec::new();
        if starts || goal == Goal::Up {
            let question = |instance| self.or_spare(spec, None, self.ask(None, plan, instance, None));
            questions.extend(added.into_iter().map(question));
        }
        for (instance, id) in self.wanted_members(app) {
            let process = &self.processes[&id];
            // What waits for others may have nobody to wait for any more.
            if starts || process.waits() {
                let question = self.ask(Some(id), plan, instance, process.ports.held);
                let question = self.or_spare(spec, process.ports.held, question);
                // What it has while it runs it keeps, whoever listens there.
                let kept = question.first.is_some() && question.first == process.ports.held.map(Port::number);
                if process.state.run().is_none() || !kept {
                    questions.push(question);
                }
            }
        }
        // Some may go, and leave a port to the others.
        let members = self.wanted_members(app);
        let waiting = members.iter().map(|(_, id)| &self.processes[id]).filter(|p| p.state.run().is_none());
        let left: Vec<u16> = waiting.filter_map(|process| process.ports.held.map(Port::number)).collect();
        for question in &mut questions {
            let may_have = |port: &&u16| match plan.wants(0) {
                Want::AnyOf(low, high) => (low..=high).contains(port) && question.first != Some(**port),
                Want::One(_) | Want::Shared(_) | Want::Nothing => false,
            };
            let more: Vec<u16> = left.iter().filter(may_have).copied().collect();
            question.others.extend(more);
            question.others.sort_unstable();
            question.others.dedup();
        }
        questions
    }

    /// Something of it runs, or is about to.
    fn is_up(&self, id: crate::model::ProcessId) -> bool {
        match self.processes[&id].state {
            State::Idle(_) => false,
            State::Waiting { .. }
            | State::Backoff { .. }
            | State::Starting { .. }
            | State::Running { .. }
            | State::Stopping { .. } => true,
        }
    }
}
