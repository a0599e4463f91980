//! Another definition for an app that is there (acceptance row A1b). Its processes keep their ids,
//! names and files; a run that goes on ends by the new definition, and the next one begins by it.

use std::sync::Arc;

use super::{Accepted, Denied, Supervisor};
use crate::model::{AppId, AppSpec, Cause, EventKind, Moment, State};

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
        let wanted = spec.instances;
        self.redefine(app, Arc::new(spec));
        for (_, id) in &members {
            // What an older definition went through says nothing about this one.
            self.change(*id, |process| {
                process.unstable = 0;
                process.waits = 0;
            });
            self.publish(*id, None, EventKind::Updated);
        }
        if !self.shutting_down {
            self.resize(now, app, wanted);
        }
        for (_, id) in self.wanted_members(app) {
            // Cannot be denied: it is there, is not going, and nothing shuts down.
            let _ = match then {
                Then::Keep => Ok(Accepted::Done),
                Then::Start => self.start(now, id),
                // What has just come with the new number is up by the new definition.
                Then::Restart if !members.iter().any(|(_, old)| *old == id) => self.start(now, id),
                Then::Restart => self.restart(now, id, Cause::Restart),
            };
        }
        Ok(Accepted::Done)
    }

    /// Something of it runs, or is about to.
    fn is_up(&self, id: crate::model::ProcessId) -> bool {
        match self.processes[&id].state {
            State::Idle(_) => false,
            State::Backoff { .. }
            | State::Starting { .. }
            | State::Running { .. }
            | State::Stopping { .. } => true,
        }
    }
}
