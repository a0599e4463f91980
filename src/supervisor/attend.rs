//! What people do to a process without changing what is wanted of it: send it a signal (acceptance
//! row A13), set its counters to zero (J25).

use super::{Accepted, Denied, Effect, Scope, Supervisor};
use crate::model::{EventKind, ProcessId, Signal, State};

impl Supervisor {
    /// To the main process, and only of a life that runs: what is not executed yet has no pid, and
    /// what is ending has been asked already. What the program makes of it is its own affair; an
    /// end is a crash.
    pub(super) fn signal(&mut self, id: ProcessId, signal: Signal) -> Result<Accepted, Denied> {
        let process = self.processes.get(&id).ok_or(Denied::NoSuchProcess(id))?;
        let run = match process.state {
            State::Running { run, .. } => run,
            State::Stopping { run, .. } if planted!(SignalsTheDying) => run,
            State::Idle(_)
            | State::Waiting { .. }
            | State::Backoff { .. }
            | State::Starting { .. }
            | State::Stopping { .. } => {
                let name = self.apps[&process.app].instance_name(process.instance);
                return Err(Denied::NotRunning { name, process: id, status: process.state.status() });
            }
        };
        self.effects.push(Effect::Signal { run, signal, scope: Scope::Main });
        self.publish(id, Some(run), EventKind::Signalled { signal });
        Ok(Accepted::Done)
    }

    pub(super) fn reset(&mut self, id: ProcessId) -> Result<Accepted, Denied> {
        let process = self.processes.get(&id).ok_or(Denied::NoSuchProcess(id))?;
        if (process.restarts, process.unstable, process.waits) == (0, 0, 0) {
            return Ok(Accepted::AlreadySo);
        }
        self.change(id, |process| {
            process.restarts = 0;
            process.unstable = 0;
            process.waits = 0;
            // The keeper has the old count with this life, and tells it to the next daemon.
            process.reset_at = process.latest_run;
        });
        let run = self.processes[&id].latest_run;
        self.publish(id, run, EventKind::CountersReset);
        Ok(Accepted::Done)
    }
}
