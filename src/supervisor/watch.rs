//! What follows when files were changed that an app is restarted for (acceptance row J11).
//!
//! Nobody asked for it, so goals stay as they are: what was stopped stays stopped. What is wanted
//! up starts anew at once, also if it had been given up, had finished or waits: the change may be
//! what it needed. An override of its port stays, as after a crash.

use super::{Accepted, Effect, Overtaken, PortQuestion, Supervisor};
use crate::model::{AppId, Cause, Event, EventKind, Goal, Moment, ProcessId, State};

impl Supervisor {
    pub(super) fn files_changed(&mut self, now: Moment, app: AppId, file: &str) {
        let mut any = false;
        for id in self.to_renew(app) {
            any |=
                self.renew(now, id, Cause::FilesChanged, EventKind::FilesChanged { file: file.to_owned() });
        }
        if any {
            self.interrupt_reload(now, app, Overtaken::FilesChanged);
        }
    }

    /// Those that start anew without anybody's wish: wanted up, and not waiting for others.
    pub(super) fn to_renew(&self, app: AppId) -> Vec<ProcessId> {
        let is_wanted = |id: &ProcessId| {
            let process = &self.processes[id];
            let wanted =
                process.goal == Goal::Up || (process.goal == Goal::Down && planted!(RevivesTheStopped));
            let rests = matches!(process.state, State::Idle(_)) && planted!(LeavesTheErrored);
            wanted && !rests && !matches!(process.state, State::Waiting { .. }) && !self.shutting_down
        };
        self.members_of(app).filter(is_wanted).collect()
    }

    /// Which port is to be tried before that.
    pub(super) fn question_at_renewal(&self, id: ProcessId) -> Option<PortQuestion> {
        self.question_of(id, self.processes[&id].ports.plan)
    }

    /// Restarts it for that reason, unless it is restarting already or gets no port.
    pub(super) fn renew(&mut self, now: Moment, id: ProcessId, cause: Cause, kind: EventKind) -> bool {
        let process = &self.processes[&id];
        let (plan, run) = (process.ports.plan, process.state.run());
        let event = Event { app: process.app, process: id, run, kind };
        let before = self.effects.len();
        let renewed = self.restart_alone(now, id, plan, cause) == Ok(Accepted::Done);
        if renewed {
            // First why, then what.
            self.effects.insert(before, Effect::Publish(event));
        }
        renewed
    }
}
