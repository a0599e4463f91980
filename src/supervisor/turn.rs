//! One process that has its turn in a [reload](super::reload): how it begins, and what becomes of it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::reload::How;
use super::{Effect, PortQuestion, Ports, Progress, Supervisor, Turn};
use crate::model::{
    AppId, AppSpec, Cause, End, EventKind, Goal, Moment, Port, PortPlan, ProcessId, Readiness, Reason, Rest,
    RollPolicy, RunId, State, Status, Vitals, Want, in_words,
};

/// So many ports are tried for a new run that loses its own to another program before it listens.
const TRIES: u32 = 4;

/// Why a reload ends whose old run does so by itself.
const ENDED: &str = "its old run ended before the new one had proven itself";

/// What becomes of a turn.
pub(super) enum Outlook {
    Waits { new: Option<RunId>, stable_at: Option<Moment> },
    Succeeds,
    Fails(String),
    Interrupted,
}

impl Supervisor {
    /// What becomes of that turn, as far as the rows say.
    pub(super) fn outlook(&self, now: Moment, app: AppId, turn: &Turn, time_passed: bool) -> Outlook {
        let Turn { process: id, old, new, .. } = *turn;
        let Some(process) = self.processes.get(&id).filter(|process| process.goal == Goal::Up) else {
            return Outlook::Interrupted;
        };
        let soak = self.soak(app);
        // A check that has failed is a question: the next ones tell.
        let ripe = |new, since: Moment, vitals: &Option<Vitals>| match vitals {
            Some(vitals) if vitals.failures > 0 && !planted!(PromotesTheFailing) => {
                Outlook::Waits { new, stable_at: None }
            }
            Some(_) | None if time_passed && since + soak <= now => Outlook::Succeeds,
            Some(_) | None => Outlook::Waits { new, stable_at: Some(since + soak) },
        };
        if let Some(trial) = self.trials.get(&id).filter(|trial| Some(trial.run) == new) {
            return match (&process.state, &trial.up) {
                (State::Running { run, .. }, _) if Some(*run) != old => Outlook::Interrupted,
                // Something else ends it: then the new one takes its place.
                (State::Running { .. }, _) if process.end_asked => Outlook::Waits { new, stable_at: None },
                (State::Stopping { .. }, _) => Outlook::Waits { new, stable_at: None },
                (State::Running { .. }, Some(up)) => match up.online_since {
                    Some(_) if planted!(PromotesAtOnce) => Outlook::Succeeds,
                    Some(since) => ripe(new, since, &up.vitals),
                    None => Outlook::Waits { new, stable_at: None },
                },
                (State::Running { .. }, None) => Outlook::Waits { new, stable_at: None },
                (
                    State::Idle(_) | State::Waiting { .. } | State::Backoff { .. } | State::Starting { .. },
                    _,
                ) => Outlook::Fails(ENDED.to_owned()),
            };
        }
        let new = new.or(process.latest_run.filter(|run| Some(*run) > old));
        if new.is_none() && (process.state.run().is_some() || process.waits()) {
            // The old one is ending, or what it depends on is not there yet.
            return Outlook::Waits { new: None, stable_at: None };
        }
        match &process.state {
            State::Starting { run, .. } if Some(*run) == new => Outlook::Waits { new, stable_at: None },
            // It is not ready yet.
            State::Running { run, .. }
                if Some(*run) == new
                    && process.state.status() == Status::Starting
                    && !planted!(ReloadsOnBeforeReady) =>
            {
                Outlook::Waits { new, stable_at: None }
            }
            State::Running { run, since, readiness, vitals, .. } if Some(*run) == new => {
                let since = match readiness {
                    Readiness::Reached { at } => *at,
                    Readiness::Unasked | Readiness::Awaited { .. } => *since,
                };
                ripe(new, since, vitals)
            }
            State::Idle(Rest::Errored(Reason::NoPort(why))) => Outlook::Fails(why.clone()),
            // It was to end, and has done what it was there for.
            State::Idle(Rest::Finished(End::Code(0)))
                if new.is_some() && process.latest_run == new && !planted!(TakesTheDoneForDead) =>
            {
                Outlook::Succeeds
            }
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
                | EventKind::Rehearsing { .. }
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
            | Effect::CallOff { .. }
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

    /// Begins the turn of that process.
    pub(super) fn take_turn(&mut self, now: Moment, app: AppId, id: ProcessId, beside: bool) {
        let reload = &self.reloads[&app];
        let Progress::Rolling { turns, waiting, .. } = &reload.progress else { return };
        let of = (reload.processes.len() + reload.again.len()) as u32;
        let (mut turns, mut waiting) = (turns.clone(), waiting.clone());
        waiting.retain(|other| *other != id);
        let number = of - waiting.len() as u32;
        let plan = reload.how.ports.get(&id).copied();
        // Gone meanwhile, or stopped: that is somebody else's will.
        let Some(process) = self.processes.get(&id).filter(|process| process.goal == Goal::Up) else {
            return self.set_progress(now, app, Progress::Interrupted { by: None });
        };
        let old = process.latest_run;
        let port = match beside {
            true => self.port_of_trial(id, plan),
            false => self.aim(id, plan).map(|()| None),
        };
        let port = match port {
            Ok(port) => port,
            Err(denied) => return self.fail_reload(now, app, id, old, denied.to_string()),
        };
        let rehearsed_on = match beside {
            true => self.rehearsal_port(id, port),
            false => Ok(None),
        };
        let rehearsed_on = match rehearsed_on {
            Ok(rehearsed_on) => rehearsed_on,
            Err(denied) => return self.fail_reload(now, app, id, old, denied.to_string()),
        };
        self.publish(id, old, EventKind::Reloading { turn: number, of, beside });
        let new = match beside {
            true => Some(self.begin_trial(id, port, plan, rehearsed_on)),
            false => {
                // Cannot be denied: it has its port, it is there, and nothing shuts down, or the
                // reload would be over.
                let _ = self.restart_alone(now, id, plan, Cause::Reload);
                self.processes[&id].latest_run.filter(|run| Some(*run) > old)
            }
        };
        turns.push(Turn { process: id, beside, port, tries: 1, old, new, stable_at: None });
        self.set_progress(now, app, Progress::Rolling { turns, waiting, due: None });
    }

    /// Begins the new run of that turn anew, on another port: it has ended, and another program listens
    /// on the port that was chosen for it. None: that is not so.
    pub(super) fn try_elsewhere(&mut self, turn: &Turn) -> Option<Turn> {
        let (id, app) = (turn.process, self.processes.get(&turn.process)?.app);
        let How { beside, ports, .. } = &self.reloads[&app].how;
        let plan = ports.get(&id).copied();
        let taken = |port: Port| !port.is_shared() && self.ports.seen_busy(port.number());
        let lost_it = turn.beside && turn.port.is_some_and(taken);
        if !lost_it || turn.tries >= TRIES || !self.can_try(id, beside, plan) {
            return None;
        }
        let port = self.port_of_trial(id, plan).ok()?;
        let new = Some(self.begin_trial(id, port, plan, None));
        Some(Turn { new, port, tries: turn.tries + 1, ..turn.clone() })
    }

    /// Whether a new run of that process may begin beside its present one: that runs, and there is no
    /// port that both would have to bind. `to`: where the new run is to be, if not where the definition
    /// says.
    pub(super) fn can_try(&self, id: ProcessId, beside: &BTreeSet<ProcessId>, to: Option<PortPlan>) -> bool {
        let process = &self.processes[&id];
        let spec = &self.apps[&process.app];
        let Ports { held, next, plan: _, trial } = process.ports;
        let may_share = match (to, spec.port) {
            (Some(to), _) => moves_beside(to, held) && next.is_none(),
            (None, None) => process.ports == Ports::default(),
            (None, Some(_)) => next.is_none() && fits_beside(spec, process.instance, held),
        };
        let runs = matches!(process.state, State::Running { .. }) && !process.end_asked;
        beside.contains(&id) && may_share && trial.is_none() && runs
    }

    /// Which ports are to be tried before a process has its turn in the reload that goes on.
    pub(super) fn question_of_next_turn(&self, id: ProcessId) -> Option<PortQuestion> {
        let app = self.processes.get(&id)?.app;
        let How { beside, ports, .. } = &self.reloads.get(&app)?.how;
        self.question_of_turn(id, beside, ports.get(&id).copied())
    }

    /// The same, for a reload that is about to begin.
    pub(super) fn question_of_turn(
        &self,
        id: ProcessId,
        beside: &BTreeSet<ProcessId>,
        plan: Option<PortPlan>,
    ) -> Option<PortQuestion> {
        self.processes.get(&id)?;
        match (self.can_try(id, beside, plan), plan) {
            (true, Some(plan)) => Some(self.ask(Some(id), plan, 0, None)),
            (true, None) => self.question_of_trial(id),
            (false, plan) => self.question_of(id, plan),
        }
    }

    /// How long a new run has to stay well.
    pub(super) fn soak(&self, app: AppId) -> Duration {
        let spec = &self.apps[&app];
        let asked = self.reloads.get(&app).and_then(|reload| reload.how.soak).or(spec.roll.soak);
        asked.unwrap_or(spec.restart.min_uptime.min(RollPolicy::USUAL_SOAK))
    }
}

/// Whether a run that is to be there, whatever the definition says, may begin beside one that has `held`.
pub fn moves_beside(to: PortPlan, held: Option<Port>) -> bool {
    match to.wants(0) {
        Want::One(port) => held.is_none_or(|held| held.number() != port),
        Want::Shared(port) => held.is_none_or(|held| held != Port::Own(port)),
        Want::AnyOf(..) => true,
        Want::Nothing => false,
    }
}

/// Whether a run by that definition, which has a port, may begin beside one that has `held`: both accept
/// from one socket, or are on two ports. Behind a balancer there is always another one.
pub fn fits_beside(spec: &AppSpec, instance: u32, held: Option<Port>) -> bool {
    let (Some(plan), Some(held)) = (spec.port, held) else { return false };
    match plan.wants(instance) {
        Want::One(_) | Want::AnyOf(..) if spec.balance.is_some() => true,
        Want::Shared(port) => held == Port::Shared(port) || held.number() != port,
        Want::One(port) => held.number() != port,
        Want::AnyOf(first, last) => !(first..=last).contains(&held.number()),
        Want::Nothing => false,
    }
}
