//! Lives beside the present ones, while a reload replaces a run by another without a pause
//! (acceptance rows A4, K5).
//!
//! ```text
//!  on trial   launched ──▶ executed ──▶ online, and stays so ──▶ promoted: the present life
//!                │            │ dies, is unhealthy or late, nobody wants it     │ was present
//!                ▼            ▼                                                 ▼
//!               gone       leaves                                            leaves
//! ```
//!
//! When the present life ends by itself, what is on trial takes its place at once, and proves itself
//! there.
//!
//! A process has one present life, and all that the rest of the supervisor knows is about that. A
//! life on trial is an ending away from never having been: the row does not change before it is
//! promoted, except for the port that it has meanwhile. Behind a balancer it has one of its own, and
//! is in service as soon as it is online: [`proving`](super::proving) says when. A life that
//! [leaves](super::leaving) belongs to nobody.
//!
//! What is on trial, or was, is in the row that is remembered, from before its launch until its end:
//! of two lives of one process a new daemon keeps the proven one, and goes on with the end of the other.

use std::collections::BTreeSet;

use super::leaving::Leaving;
use super::{Effect, Supervisor, ready};
use crate::model::{
    AppSpec, Cause, End, EventKind, ExitCause, Moment, Pid, Port, PortPlan, ProcessId, Readiness, ReadyBy,
    ReadyPolicy, Remarks, RunId, SpawnFailure, SpawnStep, State, Status, Vitals,
};

/// A life that is to replace the present one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trial {
    /// Which.
    pub run: RunId,
    /// Its port. Behind a balancer it is another one than that of the present life.
    pub port: Option<Port>,
    /// It has a listening socket of this private port instead of the shared one, to be
    /// [rehearsed](super::rehearsal).
    pub rehearsed_on: Option<u16>,
    /// Where that is, if not where the definition says.
    pub plan: Option<PortPlan>,
    /// What it is to become ready by, if it is awaited.
    pub awaits: Option<ReadyPolicy>,
    /// Its main process, and what is known of that; absent until it is executed.
    pub up: Option<Up>,
}

/// A life on trial that runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Up {
    /// Its main process.
    pub pid: Pid,
    /// When it was executed.
    pub since: Moment,
    /// Its health, if it is checked.
    pub vitals: Option<Vitals>,
    /// Whether it has shown its sign.
    pub readiness: Readiness,
    /// What it has let be known about itself.
    pub remarks: Remarks,
    /// Since when it is online.
    pub online_since: Option<Moment>,
    /// Since when it has answered all of its checks wrongly.
    pub wrong_since: Option<Moment>,
}

/// What a life on trial is to become ready by. One that shares a socket gets its part of the
/// connections as soon as it accepts, and none while it does not: so it replaces nobody before. Its
/// health check is answered by any of those that share it, and is no proof: see
/// [`rehearsal`](super::rehearsal).
fn to_prove(spec: &AppSpec, port: Option<Port>) -> Option<ReadyPolicy> {
    let shares = port.is_some_and(Port::is_shared);
    match spec.ready.by {
        ReadyBy::Auto if shares => Some(ReadyPolicy { by: ReadyBy::Port, ..spec.ready }),
        ReadyBy::Auto => None,
        ReadyBy::Notify | ReadyBy::Message | ReadyBy::Port | ReadyBy::Log(_) => Some(spec.ready.clone()),
    }
}

impl Trial {
    /// It is rehearsed.
    pub(super) fn is_rehearsed(&self) -> bool {
        self.rehearsed_on.is_some()
    }

    /// Where it listens.
    pub(super) fn place(&self) -> Option<Port> {
        self.rehearsed_on.map(Port::Shared).or(self.port)
    }
}

impl Supervisor {
    /// Launches a life beside the present one of that process, with that port; `plan`: where that is, if
    /// not where the definition says; `rehearsed_on`: where it is rehearsed, if it is.
    pub(super) fn begin_trial(
        &mut self,
        id: ProcessId,
        port: Option<Port>,
        plan: Option<PortPlan>,
        rehearsed_on: Option<u16>,
    ) -> RunId {
        let run = self.next_run;
        self.next_run = RunId(run.0 + 1);
        let place = rehearsed_on.map(Port::Shared).or(port);
        // One socket both have.
        let own = place.filter(|port| Some(*port) != self.processes[&id].ports.held);
        self.change(id, |process| (process.trial, process.ports.trial) = (Some(run), own));
        let process = &self.processes[&id];
        let spec = self.apps[&process.app].clone();
        let awaits = to_prove(&spec, port);
        self.trials.insert(id, Trial { run, port, rehearsed_on, plan, awaits, up: None });
        self.effects.push(Effect::Launch {
            run,
            process: id,
            instance: process.instance,
            spec,
            restarts: process.restarts.saturating_add(1),
            port: place,
            told: rehearsed_on.and(port),
        });
        rehearsed_on.into_iter().for_each(|port| self.tell_of_rehearsal(id, run, port));
        run
    }

    /// The life on trial becomes the present one, and what was present leaves, if it has not ended.
    pub(super) fn promote(&mut self, now: Moment, id: ProcessId) {
        let Some(Trial { run, port, rehearsed_on: _, plan, awaits, up }) = self.trials.remove(&id) else {
            return;
        };
        let process = &self.processes[&id];
        let old = process.state.run();
        let (started, old_port) = (process.started, process.ports.held);
        let served = process.state.status() == Status::Online && !process.end_asked;
        let executed = up.as_ref().map(|up| up.since);
        let (state, remarks) = match up {
            Some(up) => {
                // The row that has changed is looked at anew.
                self.look_away_from(run, &up);
                let Up { pid, since, vitals, readiness, remarks, online_since: _, wrong_since: _ } = up;
                (State::Running { run, pid, since, vitals, readiness }, remarks)
            }
            None => (State::Starting { run, since: now }, Remarks::default()),
        };
        self.change(id, |process| {
            process.state = state;
            process.awaits = awaits;
            process.remarks = remarks;
            process.latest_run = Some(run);
            process.started = executed;
            process.trial = None;
            process.ports.trial = None;
            process.ports.held = port;
            process.ports.plan = plan;
            process.restarts = process.restarts.saturating_add(1);
            (process.unstable, process.waits) = (0, 0);
            (process.end_asked, process.drains_until) = (false, None);
            (process.restart_asked, process.asked_by_message) = (false, false);
            process.leaving.extend(old.map(|old| (old, Some(now))));
        });
        if let Some(old) = old {
            self.publish(id, Some(old), EventKind::StopAsked { cause: Cause::Reload });
            let (run, port) = (old, old_port);
            self.leave(now, id, Leaving { run, port, started, served, main_is_gone: false, since: now });
        }
    }

    /// Nobody wants the life on trial any more.
    pub(super) fn end_trial(&mut self, now: Moment, id: ProcessId) {
        if let Some(trial) = self.drop_trial(id, true) {
            let (place, started) = (trial.place(), trial.up.as_ref().map(|up| up.since));
            let served = trial.up.is_some_and(|up| up.online_since.is_some());
            let (run, port) = (trial.run, place);
            self.leave(now, id, Leaving { run, port, started, served, main_is_gone: false, since: now });
        }
    }

    /// The row of a process is gone, with its app perhaps: what was on trial is ended at once.
    pub(super) fn abandon_trial(&mut self, id: ProcessId) {
        if let Some(trial) = self.drop_trial(id, false) {
            self.strays.insert(trial.run);
            self.effects.push(match trial.up {
                Some(_) => Effect::KillTree { run: trial.run },
                None => Effect::CallOff { run: trial.run },
            });
        }
    }

    /// `leaves`: something of it is there, and is to go.
    fn drop_trial(&mut self, id: ProcessId, leaves: bool) -> Option<Trial> {
        let trial = self.trials.remove(&id)?;
        if let Some(up) = &trial.up {
            self.look_away_from(trial.run, up);
        }
        if self.processes.contains_key(&id) {
            self.change(id, |process| {
                (process.trial, process.ports.trial) = (None, None);
                process.leaving.extend(leaves.then_some((trial.run, None)));
            });
        }
        Some(trial)
    }

    /// The process for which that life is on trial.
    pub(super) fn on_trial(&self, run: RunId) -> Option<ProcessId> {
        self.trials.iter().find(|(_, trial)| trial.run == run).map(|(id, _)| *id)
    }

    /// Whose present life that is, or whose life on trial.
    pub fn whose(&self, run: RunId) -> Option<ProcessId> {
        self.living(run).or_else(|| self.on_trial(run))
    }

    /// Whose life that is or was, as long as anything of it may be there.
    pub fn owner_of(&self, run: RunId) -> Option<ProcessId> {
        self.whose(run).or_else(|| self.leavers.get(&run).map(|leaver| leaver.process))
    }

    /// Something of that life may be there: nobody has said that it is over, or never began.
    pub fn awaits_the_end_of(&self, run: RunId) -> bool {
        self.living(run).is_some() || self.is_beside(run) || self.strays.contains(&run)
    }

    /// The main process of a present life, or of one on trial, while it is there.
    pub fn main_process(&self, run: RunId) -> Option<Pid> {
        let present = self.living(run).and_then(|id| self.processes[&id].state.pid());
        let tried = || Some(self.trials.get(&self.on_trial(run)?)?.up.as_ref()?.pid);
        present.or_else(tried)
    }

    /// It is on trial, or leaving.
    pub(super) fn is_beside(&self, run: RunId) -> bool {
        self.leavers.contains_key(&run) || self.on_trial(run).is_some()
    }

    /// All of those.
    pub(super) fn beside(&self) -> BTreeSet<RunId> {
        self.trials.values().map(|trial| trial.run).chain(self.leavers.keys().copied()).collect()
    }

    /// A life that is not present was executed.
    pub(super) fn spawned_beside(&mut self, now: Moment, run: RunId, pid: Pid, at: Moment) {
        if let Some(id) = self.on_trial(run) {
            if self.trials[&id].up.is_none() {
                let vitals = self.first_vitals(id, at, at, false);
                let readiness = ready::first(self.trials[&id].awaits.as_ref(), at);
                let remarks = Remarks::default();
                let (online_since, wrong_since) = (None, None);
                let mut up = Up { pid, since: at, vitals, readiness, remarks, online_since, wrong_since };
                up.proves(at);
                self.trials.get_mut(&id).into_iter().for_each(|trial| trial.up = Some(up.clone()));
                self.look_at_trial(id);
                self.publish(id, Some(run), EventKind::Started { pid });
            }
        } else if self.leavers.contains_key(&run) {
            self.leaver_spawned(now, run, at);
        } else if self.strays.contains(&run) {
            self.effects.push(Effect::KillTree { run });
        }
    }

    /// A life that is not present could not be executed.
    pub(super) fn spawn_failed_beside(&mut self, run: RunId, failure: SpawnFailure) {
        match self.on_trial(run) {
            // Said of a program that was executed, it is not true.
            Some(id) if self.trials[&id].up.is_some() => {}
            Some(id) => {
                self.publish(id, Some(run), EventKind::SpawnFailed { detail: failure.detail });
                self.drop_trial(id, false);
            }
            None => {
                if self.leavers.get(&run).is_some_and(|leaver| leaver.started.is_none()) {
                    self.drop_leaver(run);
                }
                self.strays.remove(&run);
            }
        }
    }

    /// The main process of a life that is not present ended.
    pub(super) fn exited_beside(&mut self, now: Moment, run: RunId, end: End, at: Moment, tree_empty: bool) {
        if let Some(id) = self.on_trial(run) {
            let since = self.trials[&id].up.as_ref().map(|up| up.since);
            let uptime = at.since(since.unwrap_or(at));
            self.publish(id, Some(run), EventKind::Exited { end, cause: ExitCause::Itself, uptime });
            let trial = self.drop_trial(id, !tree_empty);
            if tree_empty {
                return self.effects.push(Effect::Forget { run });
            }
            // What it leaves behind is asked to end.
            let port = trial.and_then(|trial| trial.place());
            let started = since.or(Some(at));
            let leaving = Leaving { run, port, started, served: false, main_is_gone: true, since: now };
            self.leave(now, id, leaving);
        } else if let Some(leaver) = self.leavers.get_mut(&run).filter(|leaver| !leaver.main_is_gone) {
            leaver.main_is_gone = true;
            let id = leaver.process;
            let uptime = at.since(*leaver.started.get_or_insert(at));
            if let Some(process) = self.processes.get(&id) {
                let cause = match process.leaving.get(&run) {
                    Some(None) if leaver.rehearsed => ExitCause::Rehearsed,
                    // It never replaced another.
                    Some(None) => ExitCause::TakenBack,
                    Some(Some(_)) | None => ExitCause::Asked(Cause::Reload),
                };
                self.publish(id, Some(run), EventKind::Exited { end, cause, uptime });
            }
            if !tree_empty {
                self.ask_what_it_leaves(now, run);
            }
        }
        if tree_empty {
            self.gone_beside(run);
        }
    }

    /// Nothing is left of a life that is not present.
    pub(super) fn tree_gone_beside(&mut self, now: Moment, run: RunId) {
        let main_is_gone = self.leavers.get(&run).is_some_and(|leaver| leaver.main_is_gone);
        match self.is_beside(run) && !main_is_gone {
            // Its exit was never reported: how it ended is not known, that it did is.
            true => self.exited_beside(now, run, End::Unknown, now, true),
            false => self.gone_beside(run),
        }
    }

    fn gone_beside(&mut self, run: RunId) {
        if self.drop_leaver(run) || self.strays.remove(&run) {
            self.effects.push(Effect::Forget { run });
        }
    }

    /// A new keeper: what it does not have ended unseen; what leaves is asked again.
    pub(super) fn hands_renewed_beside(&mut self, now: Moment, living: &BTreeSet<RunId>) {
        for run in self.beside() {
            let executed = match (self.on_trial(run), self.leavers.get(&run)) {
                (Some(id), _) => self.trials[&id].up.is_some(),
                (None, leaver) => leaver.is_some_and(|leaver| leaver.started.is_some()),
            };
            if !living.contains(&run) {
                match executed {
                    true => self.tree_gone_beside(now, run),
                    false => {
                        let detail = "the keeper was lost while it launched the program".to_owned();
                        let failure = SpawnFailure { step: SpawnStep::Lost, errno: 0, detail };
                        self.spawn_failed_beside(run, failure);
                    }
                }
            } else {
                self.ask_leaver_again(now, run);
            }
        }
    }
}
