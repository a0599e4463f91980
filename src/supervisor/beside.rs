//! Lives beside the present ones, while a reload replaces a run by another without a pause
//! (acceptance rows A4, K5).
//!
//! ```text
//!  on trial   launched ──▶ executed ──▶ online, and stays so ──▶ promoted: the present life
//!                │            │ dies, is unhealthy, nobody wants it any more        │ was present
//!                ▼            ▼                                                     ▼
//!  leaving     gone       asked to end ──── kill timeout: SIGKILL ────▶ gone ◀── asked to end
//! ```
//!
//! A process has one present life, and all that the rest of the supervisor knows is about that. A
//! life on trial is an ending away from never having been: the row does not change before it is
//! promoted. A life that leaves belongs to nobody; only its end is awaited.
//!
//! What is on trial, or was, is in the row that is remembered, from before its launch until its end:
//! of two lives of one process a new daemon keeps the proven one. It knows of no leaving life, and
//! ends such a one as it ends every life that it finds beside the newest.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Effect, Scope, Supervisor, health};
use crate::model::{
    Cause, End, EventKind, ExitCause, Moment, Pid, Port, ProcessId, Readiness, Remarks, RunId, Signal,
    SpawnFailure, SpawnStep, State, Verdict, Vitals,
};

/// A life that is to replace the present one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trial {
    /// Which.
    pub run: RunId,
    /// Its main process, when it was executed, and its health; absent until it is.
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
}

/// A life that was asked to end and belongs to no process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Leaver {
    /// Whose it was.
    process: ProcessId,
    /// When it was executed; absent until it is, and then it cannot be signalled.
    started: Option<Moment>,
    /// What asks it, and how long it has then.
    signal: Signal,
    timeout: Duration,
    /// When it gets SIGKILL; absent when it has.
    kill_at: Option<Moment>,
    /// Its main process is known to have ended.
    main_is_gone: bool,
}

impl Leaver {
    /// When time alone moves it. What is not executed yet has all the time.
    pub(super) fn deadline(&self) -> Option<Moment> {
        self.kill_at.filter(|_| self.started.is_some())
    }
}

impl Supervisor {
    /// Launches a life beside the present one of that process.
    pub(super) fn begin_trial(&mut self, id: ProcessId) -> RunId {
        let run = self.next_run;
        self.next_run = RunId(run.0 + 1);
        self.change(id, |process| process.trial = Some(run));
        self.trials.insert(id, Trial { run, up: None });
        let process = &self.processes[&id];
        self.effects.push(Effect::Launch {
            run,
            process: id,
            instance: process.instance,
            spec: self.apps[&process.app].clone(),
            restarts: process.restarts.saturating_add(1),
            port: process.ports.held,
        });
        run
    }

    /// The life on trial becomes the present one, and what was present leaves. Only for a trial
    /// that runs beside a life that does.
    pub(super) fn promote(&mut self, now: Moment, id: ProcessId) {
        let Some(Trial { run, up: Some(up) }) = self.trials.remove(&id) else { return };
        let process = &self.processes[&id];
        let (old, started) = (process.state.run(), process.started);
        let Up { pid, since, vitals } = up;
        if vitals.is_some() {
            // The row that has changed is watched anew.
            self.effects.push(Effect::Unwatch { run });
        }
        self.change(id, |process| {
            // Only what awaits no sign is tried beside another.
            process.state = State::Running { run, pid, since, vitals, readiness: Readiness::Unasked };
            process.awaits = None;
            process.remarks = Remarks::default();
            process.latest_run = Some(run);
            process.started = Some(since);
            process.trial = None;
            process.restarts = process.restarts.saturating_add(1);
            (process.unstable, process.waits) = (0, 0);
            process.end_asked = false;
            process.restart_asked = false;
        });
        if let Some(old) = old {
            self.publish(id, Some(old), EventKind::StopAsked { cause: Cause::Reload });
            self.leave(now, id, old, started);
        }
    }

    /// Nobody wants the life on trial any more.
    pub(super) fn end_trial(&mut self, now: Moment, id: ProcessId) {
        if let Some(trial) = self.drop_trial(id, true) {
            self.leave(now, id, trial.run, trial.up.map(|up| up.since));
        }
    }

    /// The row of a process is gone, with its app perhaps: what was on trial is ended at once.
    pub(super) fn abandon_trial(&mut self, id: ProcessId) {
        if let Some(trial) = self.drop_trial(id, false) {
            self.strays.insert(trial.run);
            if trial.up.is_some() {
                self.effects.push(Effect::KillTree { run: trial.run });
            }
        }
    }

    /// `leaves`: something of it is there, and is to go.
    fn drop_trial(&mut self, id: ProcessId, leaves: bool) -> Option<Trial> {
        let trial = self.trials.remove(&id)?;
        if trial.up.as_ref().is_some_and(|up| up.vitals.is_some()) {
            self.effects.push(Effect::Unwatch { run: trial.run });
        }
        if self.processes.contains_key(&id) {
            self.change(id, |process| {
                process.trial = None;
                process.given_up.extend(leaves.then_some(trial.run));
            });
        }
        Some(trial)
    }

    /// Asks a life to end that is nobody's from now on.
    fn leave(&mut self, now: Moment, id: ProcessId, run: RunId, started: Option<Moment>) {
        let stop = &self.apps[&self.processes[&id].app].stop;
        let (signal, timeout) = (stop.signal, stop.timeout);
        let kill_at = Some(now + timeout);
        if started.is_some() && !planted!(KeepsTheOldRun) {
            self.effects.push(Effect::Signal { run, signal, scope: Scope::Tree });
        }
        let leaver = Leaver { process: id, started, signal, timeout, kill_at, main_is_gone: false };
        self.leavers.insert(run, leaver);
    }

    /// The process for which that life is on trial.
    pub(super) fn on_trial(&self, run: RunId) -> Option<ProcessId> {
        self.trials.iter().find(|(_, trial)| trial.run == run).map(|(id, _)| *id)
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
                self.watch_trial(id, run, at, vitals.as_ref());
                self.trials.insert(id, Trial { run, up: Some(Up { pid, since: at, vitals }) });
                self.publish(id, Some(run), EventKind::Started { pid });
            }
            return;
        }
        let Some(leaver) = self.leavers.get_mut(&run) else {
            if self.strays.contains(&run) {
                self.effects.push(Effect::KillTree { run });
            }
            return;
        };
        // The wish to end it came while it was being launched.
        if leaver.started.is_none() {
            (leaver.started, leaver.kill_at) = (Some(at), Some(now + leaver.timeout));
            self.effects.push(Effect::Signal { run, signal: leaver.signal, scope: Scope::Tree });
        }
    }

    fn watch_trial(&mut self, id: ProcessId, run: RunId, since: Moment, vitals: Option<&Vitals>) {
        let Some(vitals) = vitals else { return };
        let process = &self.processes[&id];
        self.effects.push(Effect::Watch {
            run,
            process: id,
            instance: process.instance,
            spec: self.apps[&process.app].clone(),
            port: process.ports.held.map(Port::number),
            since,
            ready: vitals.ready,
        });
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
            self.drop_trial(id, !tree_empty);
            if tree_empty {
                return self.effects.push(Effect::Forget { run });
            }
            // What it leaves behind is asked to end.
            self.leave(now, id, run, since.or(Some(at)));
            self.leavers.get_mut(&run).into_iter().for_each(|leaver| leaver.main_is_gone = true);
        } else if let Some(leaver) = self.leavers.get_mut(&run).filter(|leaver| !leaver.main_is_gone) {
            leaver.main_is_gone = true;
            let id = leaver.process;
            let uptime = at.since(*leaver.started.get_or_insert(at));
            if self.processes.contains_key(&id) {
                let cause = ExitCause::Asked(Cause::Reload);
                self.publish(id, Some(run), EventKind::Exited { end, cause, uptime });
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

    fn drop_leaver(&mut self, run: RunId) -> bool {
        let Some(leaver) = self.leavers.remove(&run) else { return false };
        let id = leaver.process;
        if self.processes.get(&id).is_some_and(|process| process.given_up.contains(&run)) {
            self.change(id, |process| _ = process.given_up.remove(&run));
        }
        true
    }

    /// A check of a life on trial came to an end.
    pub(super) fn checked_beside(&mut self, now: Moment, run: RunId, verdict: Verdict) {
        let Some(id) = self.on_trial(run) else { return };
        let Some(policy) = self.apps[&self.processes[&id].app].health.clone() else { return };
        let Some(up) = self.trials.get_mut(&id).and_then(|trial| trial.up.as_mut()) else { return };
        let Some(before) = up.vitals.clone() else { return };
        let (vitals, turned) = health::after(&policy, &before, &verdict, now.since(up.since));
        up.vitals = Some(vitals);
        match (verdict, turned) {
            (Verdict::Failed { reason }, true) => {
                self.publish(id, Some(run), EventKind::Unhealthy { reason, restarts: false });
                self.end_trial(now, id);
            }
            (Verdict::Passed, _) if !before.ready => self.publish(id, Some(run), EventKind::Healthy),
            (Verdict::Passed | Verdict::Failed { .. }, _) => {}
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
            } else if let Some(leaver) = self.leavers.get(&run).filter(|_| executed) {
                match leaver.kill_at {
                    Some(at) if at > now => {
                        let signal = leaver.signal;
                        self.effects.push(Effect::Signal { run, signal, scope: Scope::Tree });
                    }
                    Some(_) | None => self.kill_leaver(run),
                }
            }
        }
    }

    /// The kill timeouts of leaving lives.
    pub(super) fn kill_leavers(&mut self, now: Moment) {
        let due = self.leavers.iter().filter(|(_, leaver)| leaver.deadline().is_some_and(|at| at <= now));
        let due: Vec<RunId> = due.map(|(run, _)| *run).collect();
        due.into_iter().for_each(|run| self.kill_leaver(run));
    }

    fn kill_leaver(&mut self, run: RunId) {
        if let Some(leaver) = self.leavers.get_mut(&run) {
            leaver.kill_at = None;
            self.effects.push(Effect::KillTree { run });
        }
    }
}
