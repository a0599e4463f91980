//! A run that uses more memory than it may is ended gracefully and run anew (acceptance row B9).
//! That is an automatic restart: it counts, and draws from the host's budget; but it is no crash,
//! so it says nothing about how stable the program is.

use super::Supervisor;
use crate::model::{ByteSize, EventKind, Goal, Moment, OverMemory, RunId, State};

impl Supervisor {
    /// A run that has a limit was measured.
    pub(super) fn sampled(&mut self, now: Moment, run: RunId, used: ByteSize) {
        let Some(id) = self.living(run) else { return };
        let process = &self.processes[&id];
        let Some(limit) = self.apps[&process.app].resources.max_memory else { return };
        let allowed = if planted!(IgnoresMemory) { ByteSize(u64::MAX) } else { limit };
        match process.state {
            State::Running { .. } if process.goal == Goal::Up && used > allowed => {}
            State::Running { .. }
            | State::Idle(_)
            | State::Backoff { .. }
            | State::Starting { .. }
            | State::Stopping { .. } => return,
        }
        let over = OverMemory { used, limit };
        self.change(id, |process| {
            process.end_asked = true;
            process.restart_asked = true;
            process.over_memory = Some(over);
        });
        self.publish(id, Some(run), EventKind::OverMemory(over));
        self.ask_to_end(now, id);
    }
}
