//! A reload: new runs for several processes of one app, one after the other (acceptance rows A4, K5).
//!
//! ```text
//!  Reload ─▶ turn of the first ──▶ new run beside the old: online ──▶ has stayed so ──▶ next turn
//!                                     │ dies, cannot be executed,      the old one        │ none left
//!                                     ▼ is unhealthy                   is asked to end    ▼
//!                                   Failed: the old one goes on                          Done
//! ```
//!
//! The new run begins [beside](super::beside) the old one, which is asked to end only when the new
//! one has proven itself; a failed reload leaves everything as it was. Where two runs cannot live
//! side by side, since each binds the same port by itself, the old one goes before the new one: that
//! process pauses, and goes on by the restart rules when its new run fails. Which way is possible is
//! found out by whoever gives the command.
//!
//! A failed reload leaves all other processes as they are: those that were replaced before it, which
//! have proven themselves, and those whose turn has not come. What somebody else does to a process
//! of the app meanwhile ends the reload as interrupted: two wills about the same processes are never
//! mixed. A new daemon does not take a reload up again.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Accepted, Denied, Effect, PortQuestion, Ports, Supervisor};
use crate::model::{
    AppId, Cause, EventKind, Goal, Moment, PortPlan, ProcessId, Reason, Rest, RunId, State, Status, in_words,
};

/// A new run that was up for so long lets the next process have its turn, or for the app's minimal
/// uptime if that is shorter.
pub const STABLE: Duration = Duration::from_secs(1);

/// Why a reload ends whose old run does so by itself.
const ENDED: &str = "its old run ended before the new one had proven itself";

/// The latest reload of an app.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reload {
    /// Tells it from others. Grows, and begins anew with each daemon.
    pub number: u64,
    /// The processes, in their order.
    pub processes: Vec<ProcessId>,
    /// Those of them whose new run may live beside the old one.
    pub beside: BTreeSet<ProcessId>,
    /// How far it is.
    pub progress: Progress,
}

/// How far a reload is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Progress {
    /// One of them has its turn.
    Turn {
        /// Which, from 0.
        index: usize,
        /// Its newest life when its turn came.
        old: Option<RunId>,
        /// The life that is to replace that, once it is launched.
        new: Option<RunId>,
        /// When the new life will have been up for long enough.
        stable_at: Option<Moment>,
    },
    /// All are replaced.
    Done,
    /// A new run did not come up.
    Failed {
        /// Whose.
        process: ProcessId,
        /// Why, as a sentence without its name.
        reason: String,
    },
    /// Somebody wanted something else meanwhile.
    Interrupted,
}

impl Reload {
    /// It is over, in whatever way.
    pub fn is_over(&self) -> bool {
        !matches!(self.progress, Progress::Turn { .. })
    }

    pub(super) fn deadline(&self) -> Option<Moment> {
        match self.progress {
            Progress::Turn { stable_at, .. } => stable_at,
            Progress::Done | Progress::Failed { .. } | Progress::Interrupted => None,
        }
    }
}

/// What becomes of a turn.
enum Outlook {
    Waits { new: Option<RunId>, stable_at: Option<Moment> },
    Succeeds,
    Fails(String),
    Interrupted,
}

impl Supervisor {
    /// Begins a reload of these processes, which are of one app. Those that are stopped stay so.
    pub(super) fn reload(
        &mut self,
        now: Moment,
        processes: Vec<ProcessId>,
        beside: BTreeSet<ProcessId>,
    ) -> Result<Accepted, Denied> {
        let mut numbered = Vec::new();
        let mut stopped = None;
        for id in processes {
            let process = self.may_launch(id)?;
            match process.goal {
                Goal::Up => numbered.push((process.app, process.instance, id)),
                // Only a command changes a goal, and later turns are taken by themselves.
                Goal::Down | Goal::Gone => stopped = stopped.or(Some(process.app)),
            }
        }
        numbered.sort_unstable();
        let Some((app, _, _)) = numbered.first().copied() else {
            return match stopped {
                Some(app) => Err(Denied::NothingUp { name: self.apps[&app].name.to_string() }),
                None => Ok(Accepted::AlreadySo),
            };
        };
        if self.reloads.get(&app).is_some_and(|reload| !reload.is_over()) {
            return Err(Denied::Reloading { name: self.apps[&app].name.to_string() });
        }
        let of_app = numbered.iter().filter(|(other, _, _)| *other == app);
        let processes: Vec<ProcessId> = of_app.map(|(_, _, id)| *id).collect();
        // Refused before anything begins if there is no port for the first.
        match self.can_try(processes[0], &beside) {
            true => _ = self.port_of_trial(processes[0])?,
            false => self.aim(processes[0], None)?,
        }
        let number = self.next_reload;
        self.next_reload += 1;
        let progress = Progress::Interrupted;
        self.reloads.insert(app, Reload { number, processes, beside, progress });
        self.take_turn(now, app, 0);
        Ok(Accepted::Reloading { number })
    }

    /// Somebody does not want that reload any more.
    pub(super) fn break_off(&mut self, now: Moment, app: AppId, number: u64) -> Accepted {
        let going = self.reloads.get(&app).is_some_and(|reload| !reload.is_over());
        let is_it = self.reloads.get(&app).is_some_and(|reload| reload.number == number);
        if !going || !(is_it || planted!(BreaksOffAnyReload)) {
            return Accepted::AlreadySo;
        }
        if !planted!(ReloadsOnRegardless) {
            self.interrupt_reload(now, app);
        }
        Accepted::Done
    }

    /// Somebody wants something else of that app.
    pub(super) fn interrupt_reload(&mut self, now: Moment, app: AppId) {
        if self.reloads.get(&app).is_some_and(|reload| !reload.is_over()) {
            self.set_progress(now, app, Progress::Interrupted);
        }
    }

    /// Moves every reload on, as far as the rows say. `time_passed`: this step is a tick; only
    /// then has anything been up for long enough.
    pub(super) fn advance_reloads(&mut self, now: Moment, time_passed: bool) {
        let going = self.reloads.iter().filter(|(_, reload)| !reload.is_over());
        let going: Vec<AppId> = going.map(|(app, _)| *app).collect();
        for app in going {
            self.advance_reload(now, app, time_passed);
        }
    }

    fn advance_reload(&mut self, now: Moment, app: AppId, time_passed: bool) {
        let reload = &self.reloads[&app];
        let Progress::Turn { index, old, new, .. } = reload.progress else { return };
        let (id, last) = (reload.processes[index], index + 1 == reload.processes.len());
        match self.outlook(now, app, id, old, new, time_passed) {
            Outlook::Waits { new, stable_at } => {
                let progress = Progress::Turn { index, old, new, stable_at };
                if self.reloads[&app].progress != progress {
                    self.set_progress(now, app, progress);
                }
                if planted!(ReloadsTwoAtOnce) && new.is_some() && !last {
                    self.take_turn(now, app, index + 1);
                }
            }
            Outlook::Succeeds => {
                self.promote(now, id);
                match last {
                    true => self.set_progress(now, app, Progress::Done),
                    false => self.take_turn(now, app, index + 1),
                }
            }
            Outlook::Fails(_) if planted!(ReloadsOnAfterADeath) && !last => {
                self.take_turn(now, app, index + 1);
            }
            Outlook::Fails(reason) => {
                self.publish(id, new, EventKind::ReloadFailed { reason: reason.clone() });
                self.set_progress(now, app, Progress::Failed { process: id, reason });
            }
            Outlook::Interrupted => self.set_progress(now, app, Progress::Interrupted),
        }
    }

    fn outlook(
        &self,
        now: Moment,
        app: AppId,
        id: ProcessId,
        old: Option<RunId>,
        new: Option<RunId>,
        time_passed: bool,
    ) -> Outlook {
        let Some(process) = self.processes.get(&id).filter(|process| process.goal == Goal::Up) else {
            return Outlook::Interrupted;
        };
        let stable = self.stable(app);
        let ripe = |since: Moment| match (time_passed || planted!(PromotesAtOnce)) && since + stable <= now {
            true => Outlook::Succeeds,
            false => Outlook::Waits { new, stable_at: Some(since + stable) },
        };
        if let Some(trial) = self.trials.get(&id).filter(|trial| Some(trial.run) == new) {
            return match (&process.state, &trial.up) {
                (State::Running { run, .. }, _) if Some(*run) != old => Outlook::Interrupted,
                // Something else ends it, and it drains.
                (State::Running { .. }, _) if process.end_asked => Outlook::Fails(ENDED.to_owned()),
                (State::Running { .. }, up) => match up.as_ref().and_then(|up| up.online_since) {
                    Some(since) => ripe(since),
                    None => Outlook::Waits { new, stable_at: None },
                },
                (
                    State::Idle(_)
                    | State::Waiting { .. }
                    | State::Backoff { .. }
                    | State::Starting { .. }
                    | State::Stopping { .. },
                    _,
                ) => Outlook::Fails(ENDED.to_owned()),
            };
        }
        let new = new.or(process.latest_run.filter(|run| Some(*run) > old));
        if new.is_none() && (process.state.run().is_some() || process.waits()) {
            // The old one is ending, or what it depends on is not there yet.
            return Outlook::Waits { new: None, stable_at: None };
        }
        match process.state {
            State::Starting { run, .. } if Some(run) == new => Outlook::Waits { new, stable_at: None },
            // It is not ready yet.
            State::Running { run, .. }
                if Some(run) == new
                    && process.state.status() == Status::Starting
                    && !planted!(ReloadsOnBeforeReady) =>
            {
                Outlook::Waits { new, stable_at: None }
            }
            State::Running { run, since, .. } if Some(run) == new => {
                match time_passed && since + stable <= now {
                    true => Outlook::Succeeds,
                    false => Outlook::Waits { new, stable_at: Some(since + stable) },
                }
            }
            State::Idle(Rest::Errored(Reason::NoPort(ref why))) => Outlook::Fails(why.clone()),
            State::Idle(_)
            | State::Waiting { .. }
            | State::Backoff { .. }
            | State::Starting { .. }
            | State::Running { .. }
            | State::Stopping { .. } => Outlook::Fails(self.what_became_of(id, new)),
        }
    }

    /// Why a run did not stay up: the step in which that is seen has told it.
    fn what_became_of(&self, id: ProcessId, run: Option<RunId>) -> String {
        let told = self.effects.iter().find_map(|effect| match effect {
            Effect::Publish(event) if event.process == id && event.run == run => match &event.kind {
                EventKind::Exited { end, uptime, .. } => {
                    Some(format!("its new run ended with {end} after {} ms", uptime.as_millis()))
                }
                EventKind::SpawnFailed { detail } => Some(detail.clone()),
                EventKind::Unhealthy { reason, .. } => Some(format!("its new run is unhealthy: {reason}")),
                EventKind::NotReady { limit } => {
                    Some(format!("its new run was not ready within {}", in_words(*limit)))
                }
                EventKind::OverMemory(over) => Some(format!("its new run is restarted again, {over}")),
                EventKind::Created
                | EventKind::Waits { .. }
                | EventKind::Needed { .. }
                | EventKind::StopTakenBack
                | EventKind::Started { .. }
                | EventKind::StopAsked { .. }
                | EventKind::HostBudget
                | EventKind::Healthy
                | EventKind::Ready { .. }
                | EventKind::Killed
                | EventKind::BackingOff { .. }
                | EventKind::Errored { .. }
                | EventKind::LogRefused { .. }
                | EventKind::LogTakes { .. }
                | EventKind::Stopped
                | EventKind::Deleted
                | EventKind::Reloading { .. }
                | EventKind::ReloadFailed { .. }
                | EventKind::Signalled { .. }
                | EventKind::CountersReset
                | EventKind::Scheduled { .. }
                | EventKind::SlotSkipped
                | EventKind::SlotQueued
                | EventKind::SlotMissed { .. }
                | EventKind::FilesChanged { .. }
                | EventKind::Updated => None,
            },
            Effect::Publish(_)
            | Effect::Launch { .. }
            | Effect::Signal { .. }
            | Effect::KillTree { .. }
            | Effect::Forget { .. }
            | Effect::Release { .. }
            | Effect::Watch { .. }
            | Effect::Unwatch { .. }
            | Effect::Await { .. }
            | Effect::Unawait { .. }
            | Effect::KeepReady { .. }
            | Effect::Record(_) => None,
        });
        told.unwrap_or_else(|| "its new run was ended again".to_owned())
    }

    fn take_turn(&mut self, now: Moment, app: AppId, index: usize) {
        let reload = &self.reloads[&app];
        let (id, of) = (reload.processes[index], reload.processes.len() as u32);
        // Gone meanwhile, or stopped: that is somebody else's will.
        let Some(process) = self.processes.get(&id).filter(|process| process.goal == Goal::Up) else {
            return self.set_progress(now, app, Progress::Interrupted);
        };
        let old = process.latest_run;
        let beside = self.can_try(id, &self.reloads[&app].beside);
        let port = match beside {
            true => self.port_of_trial(id),
            false => self.aim(id, None).map(|()| None),
        };
        let port = match port {
            Ok(port) => port,
            Err(denied) => {
                let reason = denied.to_string();
                self.publish(id, old, EventKind::ReloadFailed { reason: reason.clone() });
                return self.set_progress(now, app, Progress::Failed { process: id, reason });
            }
        };
        if beside {
            self.publish(id, old, EventKind::Reloading { turn: index as u32 + 1, of, beside: true });
            let new = Some(self.begin_trial(id, port));
            return self.set_progress(now, app, Progress::Turn { index, old, new, stable_at: None });
        }
        self.publish(id, old, EventKind::Reloading { turn: index as u32 + 1, of, beside: false });
        // Cannot be denied: it has its port, it is there, and nothing shuts down, or the reload
        // would be over.
        let _ = self.restart_alone(now, id, None, Cause::Reload);
        let new = self.processes[&id].latest_run.filter(|run| Some(*run) > old);
        self.set_progress(now, app, Progress::Turn { index, old, new, stable_at: None });
    }

    /// Whether a new run of that process may begin beside its present one: that runs, and there is no
    /// port that both would have to bind. They may accept from one socket, or stand on ports of their
    /// own behind a balancer.
    fn can_try(&self, id: ProcessId, beside: &BTreeSet<ProcessId>) -> bool {
        let process = &self.processes[&id];
        let spec = &self.apps[&process.app];
        let Ports { held, next, plan, trial } = process.ports;
        let may_share = match spec.port {
            None => process.ports == Ports::default(),
            Some(PortPlan::Shared(_)) => {
                held.is_some_and(|port| port.is_shared()) && next.is_none() && plan.is_none()
            }
            Some(PortPlan::Single(_) | PortPlan::Range(..) | PortPlan::Auto(..)) => {
                spec.balance.is_some() && held.is_some_and(|port| !port.is_shared()) && next.is_none()
            }
        };
        let runs = matches!(process.state, State::Running { .. }) && !process.end_asked;
        beside.contains(&id) && may_share && trial.is_none() && runs
    }

    /// Which ports are to be tried before a process has its turn.
    pub(super) fn question_of_turn(&self, id: ProcessId) -> Option<PortQuestion> {
        let app = self.processes.get(&id)?.app;
        self.question_of_first_turn(id, &self.reloads.get(&app)?.beside)
    }

    /// The same, for a reload that is about to begin.
    pub(super) fn question_of_first_turn(
        &self,
        id: ProcessId,
        beside: &BTreeSet<ProcessId>,
    ) -> Option<PortQuestion> {
        self.processes.get(&id)?;
        match self.can_try(id, beside) {
            true => self.question_of_trial(id),
            false => self.question_of(id, None),
        }
    }

    /// How long a new run has to stay up.
    fn stable(&self, app: AppId) -> Duration {
        self.apps[&app].restart.min_uptime.min(STABLE)
    }

    /// Whose turn may come when time passes.
    pub(super) fn next_turns(&self) -> Vec<ProcessId> {
        let next = |reload: &Reload| match reload.progress {
            Progress::Turn { index, .. } => reload.processes.get(index + 1).copied(),
            Progress::Done | Progress::Failed { .. } | Progress::Interrupted => None,
        };
        self.reloads.values().filter_map(next).collect()
    }

    fn set_progress(&mut self, now: Moment, app: AppId, progress: Progress) {
        let Some(reload) = self.reloads.get_mut(&app) else { return };
        let goes_on = match progress {
            Progress::Turn { new, .. } => new,
            Progress::Done | Progress::Failed { .. } | Progress::Interrupted => None,
        };
        reload.progress = progress;
        self.reloads_touched = true;
        let members = reload.processes.clone();
        let given_up = |id: &ProcessId| self.trials.get(id).is_some_and(|trial| Some(trial.run) != goes_on);
        let given_up: Vec<ProcessId> = members.into_iter().filter(given_up).collect();
        given_up.into_iter().for_each(|id| self.end_trial(now, id));
    }
}
