//! A run that uses more memory than it may is ended gracefully and run anew (acceptance row B9).
//! That is an automatic restart: it counts, and draws from the host's budget. It is no crash, and
//! waits for nothing; but one that uses too much before it is stable may have a limit with which it
//! cannot work at all, so that [the rules](super::restart) count it as unstable.
//!
//! Of several processes of an app one has its turn after the other: the next is ended when the one
//! before it is online again, or has failed.

use super::Supervisor;
use crate::model::{ByteSize, EventKind, Goal, Health, Moment, OverMemory, ProcessId, RunId, State, Status};

impl Supervisor {
    /// A run that has a limit was measured.
    pub(super) fn sampled(&mut self, now: Moment, run: RunId, used: ByteSize) {
        let Some(id) = self.living(run) else { return };
        let process = &self.processes[&id];
        let Some(limit) = self.apps[&process.app].resources.max_memory else { return };
        let allowed = if planted!(IgnoresMemory) { ByteSize(u64::MAX) } else { limit };
        match process.state {
            State::Running { .. } if process.goal == Goal::Up && !process.end_asked && used > allowed => {}
            State::Running { .. }
            | State::Idle(_)
            | State::Waiting { .. }
            | State::Backoff { .. }
            | State::Starting { .. }
            | State::Stopping { .. } => return,
        }
        // It has its turn with a later measurement.
        if self.members_of(process.app).any(|other| other != id && self.has_memory_turn(other))
            && !planted!(RestartsForMemoryTogether)
        {
            return;
        }
        let over = OverMemory { used, limit };
        let after = process.started.map(|started| now.since(started));
        self.change(id, |process| {
            process.end_asked = true;
            process.restart_asked = true;
            process.over_memory = Some(over);
            process.over_memory_after = after;
        });
        self.publish(id, Some(run), EventKind::OverMemory(over));
        self.ask_to_end(now, id);
    }

    /// It is being restarted because of its memory, and its new run is neither online nor over.
    fn has_memory_turn(&self, id: ProcessId) -> bool {
        let process = &self.processes[&id];
        let was = process.goal == Goal::Up && process.last_over_memory.is_some();
        match &process.state {
            State::Stopping { .. } => process.over_memory.is_some(),
            State::Backoff { queued: true, .. } | State::Starting { .. } => was,
            State::Running { vitals: Some(vitals), .. }
                if matches!(vitals.health, Health::Unhealthy { .. }) =>
            {
                false
            }
            State::Running { .. } => was && process.state.status() != Status::Online,
            State::Backoff { queued: false, .. } | State::Waiting { .. } | State::Idle(_) => false,
        }
    }
}
