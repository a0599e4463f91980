//! The life of a process, from its launch to its end. Each step of it has exactly one place here:
//! commands, facts and deadlines all come by.

use std::time::Duration;

use super::restart::{self, Ending, Next, Tally};
use super::{Effect, Ports, Scope, Supervisor};
use crate::model::{EventKind, Goal, Moment, ProcessId, Reason, Remarks, Rest, RunId, SpawnFailure, State};

/// What follows the end of a life.
enum Follows {
    Deletion,
    Launch { counts: bool },
    Restart,
    Wait(Duration),
    Rest(Rest),
}

impl Supervisor {
    /// The one place that launches, whatever it depends on, unless there is no port for it. `counts`: this is a restart,
    /// not a start.
    pub(super) fn launch(&mut self, now: Moment, id: ProcessId, counts: bool) {
        let port = match self.port_at_launch(id) {
            Ok(port) => port,
            // Nobody is told no here; and waiting would not bring the port back.
            Err(denied) => return self.rest(id, Rest::Errored(Reason::NoPort(denied.to_string()))),
        };
        let run = self.next_run;
        if !planted!(ReusesRunIds) || !run.0.is_multiple_of(5) {
            self.next_run = RunId(run.0 + 1);
        }
        let awaits = Some(&self.apps[&self.processes[&id].app].ready);
        let awaits = awaits.filter(|policy| policy.by.is_awaited() && !planted!(AwaitsNothing)).cloned();
        let counts = if planted!(CountsEveryStart) { true } else { counts };
        self.change(id, |process| {
            process.state = State::Starting { run, since: now };
            process.latest_run = Some(run);
            process.started = None;
            (process.ports.held, process.ports.next) = (port, None);
            process.end_asked = false;
            process.end_cause = None;
            process.restart_asked = false;
            (process.over_memory, process.over_memory_after) = (None, None);
            process.killed = false;
            process.unwell = None;
            process.asked_by_message = false;
            process.awaits = awaits;
            process.remarks = Remarks::default();
            if counts && !planted!(ForgetsToCount) {
                process.restarts = process.restarts.saturating_add(1);
            }
        });
        let process = &self.processes[&id];
        self.effects.push(Effect::Launch {
            run,
            process: id,
            instance: process.instance,
            spec: self.apps[&process.app].clone(),
            restarts: process.restarts,
            port,
            told: None,
        });
    }

    /// The one place that asks the present life to end: the stop signal to the whole tree, and
    /// SIGKILL to what is left of it after the kill timeout. A life that is not executed yet
    /// cannot be signalled: its launch is called off, and if that comes too late it is asked when it is
    /// executed.
    pub(super) fn ask_to_end(&mut self, now: Moment, id: ProcessId) {
        let process = &self.processes[&id];
        let Some(run) = process.state.run() else { return };
        let pid = process.state.pid();
        let executed = process.started.is_some() || planted!(SignalsTheUnborn);
        let stop = &self.apps[&process.app].stop;
        let (signal, kill_at) = (stop.signal, now + stop.timeout);
        let scope = if stop.with_message { Scope::Message } else { Scope::Tree };
        self.change(id, |process| {
            process.state = State::Stopping { run, pid, kill_at };
            process.drains_until = None;
            process.asked_by_message = scope == Scope::Message;
        });
        match executed {
            true => self.effects.push(Effect::Signal { run, signal, scope }),
            false => self.effects.push(Effect::CallOff { run }),
        }
    }

    /// The kill timeout has passed.
    pub(super) fn kill(&mut self, id: ProcessId) {
        let process = &self.processes[&id];
        let Some(run) = process.state.run() else { return };
        let main_was_there = process.state.pid().is_some();
        self.change(id, |process| process.killed = true);
        if planted!(NeverKills) {
            return;
        }
        self.effects.push(Effect::KillTree { run });
        if main_was_there {
            self.publish(id, Some(run), EventKind::Killed);
        }
    }

    /// Nothing of the present life is left; the main process had ended as `last_end` says.
    pub(super) fn over(&mut self, now: Moment, id: ProcessId) {
        let process = &self.processes[&id];
        let (Some(run), Some(end)) = (process.state.run(), process.last_end) else { return };
        let uptime = process.last_uptime;
        let unwell = process.unwell.clone();
        let ending = match (process.over_memory, &unwell) {
            (Some(over), _) => {
                // How long it takes to end says nothing about how long it ran well.
                Ending::OverMemory { over, uptime: process.over_memory_after.unwrap_or(uptime) }
            }
            (None, Some(unwell)) if !planted!(TakesTheUnwellForCrashed) => unwell.ending(uptime),
            (None, Some(_) | None) => Ending::Exited { end, uptime },
        };
        self.conclude(now, id, run, ending);
    }

    /// The present life never began.
    pub(super) fn not_spawned(&mut self, now: Moment, id: ProcessId, failure: &SpawnFailure) {
        let Some(run) = self.processes[&id].state.run() else { return };
        self.conclude(now, id, run, Ending::NotSpawned(failure));
    }

    /// The one place that ends a life.
    fn conclude(&mut self, now: Moment, id: ProcessId, run: RunId, ending: Ending<'_>) {
        let (follows, tally) = self.what_follows(id, run, ending);
        let (follows, tally) = self.or_next_slot(id, follows, tally);
        self.change(id, |process| {
            process.state = State::Idle(Rest::Stopped);
            process.end_asked = false;
            process.end_cause = None;
            process.drains_until = None;
            process.restart_asked = false;
            (process.over_memory, process.over_memory_after) = (None, None);
            process.killed = false;
            process.unwell = None;
            process.unstable = tally.unstable;
            process.waits = tally.waits;
        });
        // After the record: the keeper's copy of the end is the only one until then. Before the
        // next launch: the keeper never holds two lives of one process that both matter.
        match ending {
            Ending::Exited { .. } if planted!(LeaksRuns) && run.0.is_multiple_of(7) => {}
            Ending::Exited { .. }
            | Ending::Unhealthy { .. }
            | Ending::NotReady { .. }
            | Ending::OverMemory { .. } => self.effects.push(Effect::Forget { run }),
            Ending::NotSpawned(_) => {}
        }
        match follows {
            Follows::Deletion => self.forget(id),
            Follows::Launch { counts } => self.launch(now, id, counts),
            // What was to replace it is there already, and has the port that another one may need.
            Follows::Restart | Follows::Wait(_) | Follows::Rest(Rest::Errored(_))
                if self.trials.contains_key(&id) && !planted!(StartsAThird) =>
            {
                if !self.begin_unrehearsed(now, id) {
                    self.promote(now, id);
                }
            }
            Follows::Restart => self.restart_in_turn(now, id, now),
            Follows::Wait(wait) => {
                self.change(id, |process| {
                    process.state = State::Backoff { until: now + wait, queued: false }
                });
                self.publish(id, Some(run), EventKind::BackingOff { wait, unstable: tally.unstable });
            }
            Follows::Rest(rest) => self.rest(id, rest),
        }
    }

    /// A job with a slot that waits for the end of its run is run again, instead of resting.
    fn or_next_slot(&mut self, id: ProcessId, follows: Follows, tally: Tally) -> (Follows, Tally) {
        let process = &self.processes[&id];
        let waits = process.queued && process.goal == Goal::Up && !self.shutting_down;
        match follows {
            Follows::Rest(_) if waits && !planted!(ForgetsTheQueue) => {
                self.change(id, |process| process.queued = false);
                (Follows::Launch { counts: false }, Tally::default())
            }
            Follows::Rest(_)
            | Follows::Deletion
            | Follows::Launch { .. }
            | Follows::Restart
            | Follows::Wait(_) => (follows, tally),
        }
    }

    /// Decides what follows the end of a life: what somebody asked for, or else what the restart
    /// rules say.
    fn what_follows(&self, id: ProcessId, run: RunId, ending: Ending<'_>) -> (Follows, Tally) {
        let process = &self.processes[&id];
        let tally = Tally { unstable: process.unstable, waits: process.waits };
        let follows = match process.goal {
            Goal::Gone => Follows::Deletion,
            Goal::Down if !planted!(RestartsWhatWasStopped) => Follows::Rest(Rest::Stopped),
            Goal::Up if self.shutting_down && !planted!(LaunchesInShutdown) => Follows::Rest(Rest::Stopped),
            Goal::Up | Goal::Down
                if process.end_asked && process.over_memory.is_none() && !planted!(TakesStopsForCrashes) =>
            {
                Follows::Launch { counts: process.restart_asked }
            }
            Goal::Up | Goal::Down => {
                let (next, tally) = restart::after(&self.apps[&process.app].restart, tally, run, ending);
                let follows = match next {
                    Next::Again => Follows::Launch { counts: false },
                    Next::Now => Follows::Restart,
                    Next::After(wait) => Follows::Wait(wait),
                    Next::Rest(rest) => Follows::Rest(rest),
                };
                return (follows, tally);
            }
        };
        (follows, tally)
    }

    /// Nothing runs, and nothing will until somebody asks.
    pub(super) fn rest(&mut self, id: ProcessId, rest: Rest) {
        let kind = match &rest {
            Rest::Stopped | Rest::Finished(_) => EventKind::Stopped,
            Rest::Errored(reason) => EventKind::Errored { reason: reason.clone() },
        };
        // What only a shutdown keeps from running comes back where it was.
        let comes_back = self.shutting_down && rest == Rest::Stopped;
        self.change(id, |process| {
            process.state = State::Idle(rest);
            process.ports = match process.goal {
                Goal::Up if comes_back => {
                    Ports { held: process.ports.next.or(process.ports.held), next: None, ..process.ports }
                }
                Goal::Up | Goal::Down | Goal::Gone if planted!(KeepsPortsAtRest) => process.ports,
                Goal::Up | Goal::Down | Goal::Gone => Ports::default(),
            };
        });
        let run = self.processes[&id].latest_run;
        self.publish(id, run, kind);
    }

    /// The process leaves the table.
    pub(super) fn forget(&mut self, id: ProcessId) {
        let run = self.processes[&id].latest_run;
        self.publish(id, run, EventKind::Deleted);
        self.put(id, None);
    }
}
