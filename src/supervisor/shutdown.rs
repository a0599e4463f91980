//! The end of everything. Goals stay as they are: what was wanted up comes back at the next
//! start, because its row says `Up` and not how it came to rest.

use super::{Accepted, Supervisor};
use crate::model::{AppId, Cause, Moment, ProcessId, Rest, State};

impl Supervisor {
    /// Ends every life, the newest first, so that what was started on top of something goes
    /// before it; what others depend on only when those are gone.
    pub(super) fn shut_down(&mut self, now: Moment) -> Accepted {
        if self.shutting_down {
            return Accepted::AlreadySo;
        }
        self.shutting_down = true;
        let apps: Vec<AppId> = self.reloads.keys().copied().collect();
        apps.into_iter().for_each(|app| self.interrupt_reload(app));
        let newest_first: Vec<ProcessId> = match planted!(StopsInOrderOfStart) {
            true => self.lives().map(|(_, id)| id).collect(),
            false => self.lives().rev().map(|(_, id)| id).collect(),
        };
        for id in newest_first {
            match self.processes[&id].state {
                // Somebody wanted its end before; it waits for what depends on it.
                State::Starting { .. } | State::Running { .. } if self.processes[&id].end_asked => {}
                State::Starting { .. } | State::Running { .. } => {
                    self.end_by_request(now, id, Cause::Shutdown)
                }
                State::Stopping { .. } | State::Idle(_) | State::Waiting { .. } | State::Backoff { .. } => {}
            }
        }
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
