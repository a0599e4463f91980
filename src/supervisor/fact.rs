//! What the supervisor learns from facts.
//!
//! Facts are about lives, not about processes. News about a life that is nobody's present one
//! changes nothing, except that a stray's end is acknowledged to the keeper.

use std::collections::BTreeSet;

use super::{Effect, Scope, Supervisor, ready};
use crate::model::{
    End, EventKind, Fact, Moment, Pid, ProcessId, Readiness, RunId, SpawnFailure, SpawnStep, State,
};

impl Supervisor {
    pub(super) fn learn(&mut self, now: Moment, fact: Fact) {
        match fact {
            Fact::Spawned { run, pid, at } => match self.living(run) {
                Some(id) => self.spawned(now, id, run, pid, at),
                None => self.spawned_beside(now, run, pid, at),
            },
            Fact::SpawnFailed { run, failure } => match self.living(run) {
                Some(id) => self.spawn_failed(now, id, run, failure),
                None => self.spawn_failed_beside(run, failure),
            },
            Fact::Exited { run, end, at, tree_empty } => match self.living(run) {
                Some(id) => self.exited(now, id, end, at, tree_empty),
                None => self.exited_beside(now, run, end, at, tree_empty),
            },
            Fact::TreeGone { run } => match self.living(run) {
                Some(id) => self.tree_gone(now, id),
                None => self.tree_gone_beside(now, run),
            },
            Fact::Checked { run, verdict } => match self.living(run) {
                Some(id) => self.checked(now, id, verdict),
                None => self.checked_beside(now, run, verdict),
            },
            Fact::Ready { run, sign, at } => match self.living(run) {
                Some(id) => self.showed(id, sign, at),
                None => self.showed_beside(now, run, sign, at),
            },
            Fact::Remarked { run, remark } => match self.living(run) {
                Some(id) => self.remarked(id, remark),
                None => self.remarked_beside(run, remark),
            },
            Fact::Drained { run } => self.drained(now, run),
            Fact::PortsSeen { busy } => self.ports.see(busy),
            Fact::Sampled { run, memory } => self.sampled(now, run, memory),
            Fact::ClockSet { unix_us } => self.clock_set(now, unix_us),
            Fact::FilesChanged { app, file } => self.files_changed(now, app, &file),
            Fact::HandsRenewed { living } => self.hands_renewed(now, living.into_iter().collect()),
        }
    }

    fn spawned(&mut self, now: Moment, id: ProcessId, run: RunId, pid: Pid, at: Moment) {
        let process = &self.processes[&id];
        match process.state {
            State::Starting { .. } => {
                let vitals = self.first_vitals(id, at, at, false);
                let readiness = ready::first(self.processes[&id].awaits.as_ref(), at);
                self.change(id, |process| {
                    process.state = State::Running { run, pid, since: at, vitals, readiness };
                    process.started = Some(at);
                    process.not_spawned = None;
                });
                self.publish(id, Some(run), EventKind::Started { pid });
            }
            // The wish to end it came while it was being launched.
            State::Stopping { kill_at, .. } if process.started.is_none() => {
                self.change(id, |process| {
                    process.state = State::Stopping { run, pid: Some(pid), kill_at };
                    process.started = Some(at);
                });
                self.publish(id, Some(run), EventKind::Started { pid });
                if !planted!(LetsTheLateBornLive) {
                    self.ask_to_end(now, id);
                }
            }
            State::Stopping { .. }
            | State::Running { .. }
            | State::Idle(_)
            | State::Waiting { .. }
            | State::Backoff { .. } => {}
        }
    }

    fn spawn_failed(&mut self, now: Moment, id: ProcessId, run: RunId, failure: SpawnFailure) {
        // Said of a program that was executed, it is not true, whoever says it.
        if self.processes[&id].started.is_some() {
            return;
        }
        // What was called off has not failed.
        if failure.step != SpawnStep::CalledOff {
            self.publish(id, Some(run), EventKind::SpawnFailed { detail: failure.detail.clone() });
            self.change(id, |process| process.not_spawned = Some(failure.detail.clone()));
        }
        self.not_spawned(now, id, &failure);
    }

    /// The main process ended. That may be reported before its beginning, if a keeper was lost in
    /// between; or twice.
    pub(super) fn exited(&mut self, now: Moment, id: ProcessId, end: End, at: Moment, tree_empty: bool) {
        if !self.processes[&id].main_is_gone() || planted!(CountsExitsTwice) {
            let was_asked = self.main_ended(now, id, end, at);
            // What it leaves behind is asked to end before the next life begins.
            if !tree_empty && !was_asked {
                self.ask_to_end(now, id);
            } else if !tree_empty {
                self.signal_the_rest(id);
            }
        }
        if tree_empty || planted!(LeavesOrphans) {
            self.over(now, id);
        }
    }

    /// Notes the end of the main process. Answers whether the tree has its stop signal already.
    fn main_ended(&mut self, now: Moment, id: ProcessId, end: End, at: Moment) -> bool {
        let process = &self.processes[&id];
        let (run, kill_at, was_asked) = match process.state {
            State::Stopping { run, kill_at, .. } => (run, kill_at, process.started.is_some()),
            State::Starting { run, .. } | State::Running { run, .. } => (run, now, false),
            State::Idle(_) | State::Waiting { .. } | State::Backoff { .. } => return false,
        };
        let started = process.started.unwrap_or(at);
        let (uptime, cause) = (at.since(started), process.exit_cause());
        self.change(id, |process| {
            process.state = State::Stopping { run, pid: None, kill_at };
            process.started = Some(started);
            process.last_end = Some(end);
            process.last_over_memory = process.over_memory;
            process.last_uptime = uptime;
        });
        self.publish(id, Some(run), EventKind::Exited { end, cause, uptime });
        was_asked
    }

    fn tree_gone(&mut self, now: Moment, id: ProcessId) {
        if self.processes[&id].main_is_gone() {
            self.over(now, id);
        } else {
            // Its exit was never reported: how it ended is not known, that it did is.
            self.exited(now, id, End::Unknown, now, true);
        }
    }

    fn stray_is_gone(&mut self, run: RunId) {
        if self.strays.remove(&run) {
            self.effects.push(Effect::Forget { run });
        }
    }

    /// A new keeper: what it does not have ended unseen; what it has and nobody knows is ended;
    /// what was being ended is told so again.
    fn hands_renewed(&mut self, now: Moment, living: BTreeSet<RunId>) {
        let unseen: Vec<RunId> = self.strays.difference(&living).copied().collect();
        for run in unseen {
            self.stray_is_gone(run);
        }
        self.hands_renewed_beside(now, &living);
        for run in &living {
            if self.living(*run).is_none() && !self.is_beside(*run) {
                self.strays.insert(*run);
                self.effects.push(Effect::KillTree { run: *run });
            }
        }
        let believed: Vec<(RunId, ProcessId)> = self.lives().collect();
        for (run, id) in believed {
            if living.contains(&run) {
                if !planted!(TrustsTheOldKeeper) {
                    self.ask_again(now, id, run);
                }
            } else if self.processes[&id].started.is_none() {
                let detail = "the keeper was lost while it launched the program".to_owned();
                let failure = SpawnFailure { step: SpawnStep::Lost, errno: 0, detail };
                self.spawn_failed(now, id, run, failure);
            } else {
                self.tree_gone(now, id);
            }
        }
    }

    /// The order to end may have been lost with the old keeper.
    fn ask_again(&mut self, now: Moment, id: ProcessId, run: RunId) {
        let process = &self.processes[&id];
        match process.state {
            State::Stopping { kill_at, .. } if process.started.is_some() => {
                if process.killed || kill_at <= now {
                    self.change(id, |process| process.killed = true);
                    self.effects.push(Effect::KillTree { run });
                } else {
                    let signal = self.apps[&process.app].stop.signal;
                    let by_message = process.asked_by_message && !process.main_is_gone();
                    let scope = if by_message { Scope::Message } else { Scope::Tree };
                    self.effects.push(Effect::Signal { run, signal, scope });
                }
            }
            // So may the note that it is ready.
            State::Running { readiness: Readiness::Reached { at }, .. } => {
                self.effects.push(Effect::KeepReady { run, at });
            }
            State::Stopping { .. }
            | State::Starting { .. }
            | State::Running { .. }
            | State::Idle(_)
            | State::Waiting { .. }
            | State::Backoff { .. } => {}
        }
    }

    /// Only the main process can be asked by message, and it is gone: the others get the signal.
    fn signal_the_rest(&mut self, id: ProcessId) {
        let process = &self.processes[&id];
        let signal = self.apps[&process.app].stop.signal;
        if let (Some(run), true) = (process.state.run(), process.asked_by_message && !process.killed)
            && !planted!(ForgetsTheRest)
        {
            self.effects.push(Effect::Signal { run, signal, scope: Scope::Tree });
        }
    }
}
