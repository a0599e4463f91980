//! Rehearsals: what a new version answers to its check is found out before it has any part of the
//! connections (acceptance row K5).
//!
//! ```text
//!  turn begins ─▶ rehearsed on a private socket ─ online, and stays so ─▶ leaves; on trial with the shared one
//!                        │ dies, is unhealthy or late
//!                        ▼
//!                      leaves: the reload has failed, and nobody was answered by it
//! ```
//!
//! Processes that accept from one socket cannot be asked one by one: whoever accepts first answers. So
//! the health check of a run beside them says nothing about it. The first new run of such a reload gets a
//! listening socket of a private port instead, and finds everything else as it will be; its check is
//! asked there. Those that begin after it are of the same version and are not rehearsed. Nobody else
//! has a turn meanwhile.
//!
//! Only for checks that ask the program. A check by TCP is answered by the kernel wherever a socket
//! listens, and that a new run accepts is seen anyway: see [`proving`](super::proving).
//!
//! When the old run ends by itself, one that is rehearsed cannot take its place, since it has another
//! socket: a run with the shared one begins at once, and the next process has a rehearsal.
//!
//! Who can have one is first, even before those that are not in service. Where nobody can have two runs
//! (`max_surge` 0, or nobody is up), there is none.

use super::reload::{Progress, Reload};
use super::{Denied, PortQuestion, Supervisor, Trial, Turn};
use crate::model::{Balance, EventKind, HealthCheck, Moment, Port, ProcessId, RunId, Want};

impl Supervisor {
    /// Where the new run that a reload begins for that process, with that port, is rehearsed. None: it
    /// is not.
    pub(super) fn rehearsal_port(&self, id: ProcessId, port: Option<Port>) -> Result<Option<u16>, Denied> {
        if !self.is_to_rehearse(id, port) {
            return Ok(None);
        }
        let free = |port: &u16| !self.ports.seen_busy(*port);
        let open = self.private_ports().into_iter().find(free);
        open.map(Some)
            .ok_or_else(|| Denied::PortsExhausted { plan: Balance::PRIVATE_PORTS, holders: Vec::new() })
    }

    /// Which ports are to be tried before that. None: it is not rehearsed.
    pub(super) fn question_of_rehearsal(&self, id: ProcessId) -> Option<PortQuestion> {
        let process = &self.processes[&id];
        let held = process.ports.held;
        // Nobody else has a turn while one is.
        if self.reloads.get(&process.app).is_some_and(|reload| self.is_rehearsing(reload.turns())) {
            return None;
        }
        self.is_to_rehearse(id, held).then(|| PortQuestion { first: None, others: self.private_ports() })
    }

    fn is_to_rehearse(&self, id: ProcessId, port: Option<Port>) -> bool {
        let process = &self.processes[&id];
        let asks = self.apps[&process.app].health.as_ref().is_some_and(|policy| match policy.check {
            HealthCheck::Http { .. } | HealthCheck::Script { .. } => true,
            HealthCheck::Tcp { .. } => false,
        });
        let shares = port.is_some_and(Port::is_shared) && port == process.ports.held;
        let going = self.reloads.get(&process.app).filter(|reload| !reload.is_over());
        asks && shares && !going.is_some_and(|reload| reload.rehearsed) && !planted!(NeverRehearses)
    }

    /// Nobody of ours has any of these.
    fn private_ports(&self) -> Vec<u16> {
        match Balance::PRIVATE_PORTS.wants(0) {
            Want::AnyOf(first, last) => {
                // Who was rehearsed accepts there until it is gone.
                let left = |port| self.leavers.values().any(|leaver| leaver.port == Some(Port::Shared(port)));
                (first..=last).filter(|port| self.is_open(*port) && !left(*port)).collect()
            }
            Want::One(_) | Want::Shared(_) | Want::Nothing => Vec::new(),
        }
    }

    /// Who of these, whose turns come, has a rehearsal: it is before all others.
    pub(super) fn first_to_rehearse(&self, waiting: &[ProcessId]) -> Option<ProcessId> {
        let can = |id: &ProcessId| {
            let held = self.processes.get(id).filter(|_| self.serves(*id)).and_then(|row| row.ports.held);
            let app = self.processes.get(id).map(|row| row.app);
            let beside = app.and_then(|app| self.reloads.get(&app)).is_some_and(|reload| {
                reload.is_over() || (reload.how.beside.contains(id) && !reload.how.ports.contains_key(id))
            });
            let surge = app.is_some_and(|app| self.roll_limits(app).surge > 0);
            held.is_some() && beside && surge && self.is_to_rehearse(*id, held)
        };
        waiting.iter().copied().find(can)
    }

    /// One of these has a rehearsal: it comes before everything else.
    pub(super) fn is_rehearsing(&self, turns: &[Turn]) -> bool {
        turns.iter().any(|turn| self.trials.get(&turn.process).is_some_and(Trial::is_rehearsed))
    }

    /// Tells of a rehearsal that begins.
    pub(super) fn tell_of_rehearsal(&mut self, id: ProcessId, run: RunId, port: u16) {
        self.publish(id, Some(run), EventKind::Rehearsing { port });
    }

    /// Ends the rehearsal of that process, if it has one: its run leaves, and one with the shared socket is
    /// put on trial. Which.
    pub(super) fn end_rehearsal(&mut self, now: Moment, id: ProcessId) -> Option<RunId> {
        let Trial { run, port, plan, .. } = self.dismiss_rehearsed(now, id)?;
        let new = self.begin_trial(id, port, plan, None);
        self.goes_on_with(id, run, new, true);
        Some(new)
    }

    /// The present life ended by itself. If a new one is rehearsed, one with the shared socket begins
    /// instead, and has its place at once.
    pub(super) fn begin_unrehearsed(&mut self, now: Moment, id: ProcessId) -> bool {
        let Some(Trial { run, .. }) = self.dismiss_rehearsed(now, id) else { return false };
        self.change(id, |process| (process.unstable, process.waits) = (0, 0));
        self.launch(now, id, true);
        if let Some(new) = self.processes[&id].latest_run {
            self.goes_on_with(id, run, new, false);
        }
        true
    }

    fn dismiss_rehearsed(&mut self, now: Moment, id: ProcessId) -> Option<Trial> {
        let trial = self.trials.get(&id).filter(|trial| trial.is_rehearsed())?.clone();
        if planted!(PromotesTheRehearsed) {
            return None;
        }
        self.end_trial(now, id);
        if let Some(leaver) = self.leavers.get_mut(&trial.run) {
            leaver.rehearsed = true;
        }
        Some(trial)
    }

    /// The turn of that process goes on with another run than the one that was rehearsed. `passed`: nobody
    /// has to be after it.
    fn goes_on_with(&mut self, id: ProcessId, rehearsed: RunId, new: RunId, passed: bool) {
        let reload = self.reloads.get_mut(&self.processes[&id].app);
        if let Some(Reload { rehearsed: done, progress: Progress::Rolling { turns, .. }, .. }) = reload {
            *done |= passed;
            let its = turns.iter_mut().find(|turn| turn.new == Some(rehearsed));
            its.into_iter().for_each(|turn| (turn.new, turn.stable_at) = (Some(new), None));
            self.reloads_touched = true;
        }
    }
}
