//! The end of everything. Goals stay as they are: what was wanted up comes back at the next
//! start, because its row says `Up` and not how it came to rest.

use super::{Accepted, Overtaken, Supervisor};
use crate::model::{AppId, Cause, Moment, ProcessId, Rest, RunId, State};

impl Supervisor {
    /// Ends every life, the newest first, so that what was started on top of something goes
    /// before it; what others depend on only when those are gone.
    pub(super) fn shut_down(&mut self, now: Moment) -> Accepted {
        if self.shutting_down {
            return Accepted::AlreadySo;
        }
        self.shutting_down = true;
        // What is on trial, or drains, ends in its place.
        let trials = self.trials.iter().map(|(id, trial)| (trial.run, *id));
        let draining = self.leavers.iter().filter(|(_, leaver)| leaver.drains());
        let draining = draining.map(|(run, leaver)| (*run, leaver.process));
        let mut newest_first: Vec<(RunId, ProcessId)> = self.lives().chain(trials).chain(draining).collect();
        newest_first.sort();
        if !planted!(StopsInOrderOfStart) {
            newest_first.reverse();
        }
        for (run, id) in newest_first {
            if self.on_trial(run).is_some() {
                self.end_trial(now, id);
                continue;
            }
            if self.leavers.contains_key(&run) {
                self.ask_leaver(now, run);
                continue;
            }
            match self.processes[&id].state {
                State::Running { .. }
                    if self.processes[&id].drains_until.is_some() && !self.ends_later(id) =>
                {
                    self.ask_to_end(now, id);
                }
                // Somebody wanted its end before; it waits for what depends on it.
                State::Starting { .. } | State::Running { .. } if self.processes[&id].end_asked => {}
                State::Starting { .. } | State::Running { .. } => {
                    self.end_by_request(now, id, Cause::Shutdown)
                }
                State::Stopping { .. } | State::Idle(_) | State::Waiting { .. } | State::Backoff { .. } => {}
            }
        }
        let apps: Vec<AppId> = self.reloads.keys().copied().collect();
        apps.into_iter().for_each(|app| self.interrupt_reload(now, app, Overtaken::Shutdown));
        let waits = |state: &State| match state {
            State::Waiting { .. } | State::Backoff { .. } => true,
            State::Idle(_) | State::Starting { .. } | State::Running { .. } | State::Stopping { .. } => false,
        };
        let waiting = self.processes.values().filter(|process| waits(&process.state));
        let waiting: Vec<ProcessId> = waiting.map(|process| process.id).collect();
        for id in waiting {
            self.rest(id, Rest::Stopped);
        }
        Accepted::Done
    }
}
