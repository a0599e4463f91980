//! How a life on trial shows that it is ready: its checks and its signs, by the same rules as those of
//! a present one. One that turns unhealthy, or is not ready in time, is given up.
//!
//! It is given up sooner than a present one would be ended: somebody serves meanwhile, so nothing is
//! lost by not waiting for the start limit. One that answers its check wrongly for as long as its
//! retries take, at the interval of its checks, is what it will be. Not so while nobody answers, since
//! a program may be slow to come up; when a start limit was given, which is a grace for wrong answers,
//! too; and where it has no port of its own, since then the answer may be that of another.

use super::{Effect, Supervisor, Trial, Up, health, ready};
use crate::model::{
    EventKind, HealthPolicy, Moment, Port, ProcessId, Readiness, Remark, RunId, Sign, Verdict, Vitals,
};

impl Up {
    /// When it has shown everything that is awaited of it.
    pub(super) fn proves(&mut self, now: Moment) {
        if self.online_since.is_none() && self.is_ready() {
            self.online_since = Some(now);
        }
    }

    fn is_ready(&self) -> bool {
        let well = self.vitals.as_ref().is_none_or(|vitals| vitals.ready);
        let shown = match self.readiness {
            Readiness::Unasked | Readiness::Reached { .. } => true,
            Readiness::Awaited { .. } => planted!(TrialsNeedNoSign),
        };
        well && shown
    }

    /// Then it is late.
    pub(super) fn deadline(&self) -> Option<Moment> {
        match self.readiness {
            Readiness::Awaited { until, .. } => Some(until),
            Readiness::Unasked | Readiness::Reached { .. } => None,
        }
    }

    fn is_awaited(&self) -> bool {
        self.deadline().is_some()
    }

    /// Whether it has answered wrongly for too long, with this answer.
    fn answers_wrongly(&mut self, now: Moment, policy: &HealthPolicy, verdict: &Verdict) -> bool {
        let ready = self.vitals.as_ref().is_none_or(|vitals| vitals.ready);
        let wrong = match verdict {
            Verdict::Failed { answered, .. } => *answered || planted!(TakesSilenceForAnAnswer),
            Verdict::Passed => false,
        };
        self.wrong_since = match wrong && !ready {
            true => self.wrong_since.or(Some(now)),
            false => None,
        };
        let patience = policy.interval.saturating_mul(policy.retries.saturating_sub(1));
        self.wrong_since.is_some_and(|since| since + patience <= now)
    }
}

impl Trial {
    /// What is answered to its checks is answered by itself, and counts from the beginning.
    fn speaks_for_itself(&self, policy: &HealthPolicy) -> bool {
        let has_its_own = self.is_rehearsed() || self.port.is_some_and(|port| !port.is_shared());
        let is_alone = has_its_own || planted!(BelievesSiblings);
        is_alone && policy.start_limit.is_none()
    }
}

impl Supervisor {
    /// Begins to look at a life on trial that was executed just now.
    pub(super) fn look_at_trial(&mut self, id: ProcessId) {
        let trial = &self.trials[&id];
        let (run, Some(up)) = (trial.run, trial.up.clone()) else { return };
        let process = &self.processes[&id];
        let (instance, spec) = (process.instance, self.apps[&process.app].clone());
        let port = trial.place().map(Port::number);
        let since = up.since;
        if let Some(Vitals { ready, .. }) = up.vitals {
            let spec = spec.clone();
            self.effects.push(Effect::Watch { run, process: id, instance, spec, port, since, ready });
        }
        if let (true, Some(policy)) = (up.is_awaited(), self.trials[&id].awaits.clone()) {
            let by = policy.by;
            self.effects.push(Effect::Await { run, process: id, instance, by, spec, port, since });
        }
    }

    /// Looks at it no longer; as the present one it may be looked at anew.
    pub(super) fn look_away_from(&mut self, run: RunId, up: &Up) {
        if up.vitals.is_some() {
            self.effects.push(Effect::Unwatch { run });
        }
        if up.is_awaited() {
            self.effects.push(Effect::Unawait { run });
        }
    }

    fn up_on_trial(&mut self, run: RunId) -> Option<(ProcessId, &mut Up)> {
        let id = self.on_trial(run)?;
        let up = self.trials.get_mut(&id)?.up.as_mut()?;
        Some((id, up))
    }

    /// A check of a life on trial came to an end.
    pub(super) fn checked_beside(&mut self, now: Moment, run: RunId, verdict: Verdict) {
        let Some(id) = self.on_trial(run) else { return };
        let Some(policy) = self.apps[&self.processes[&id].app].health.clone() else { return };
        let counts = self.trials[&id].speaks_for_itself(&policy);
        let Some((_, up)) = self.up_on_trial(run) else { return };
        let Some(before) = up.vitals.clone() else { return };
        let wrong = counts && up.answers_wrongly(now, &policy, &verdict);
        let (vitals, turned) = health::after(&policy, &before, &verdict, now.since(up.since));
        up.vitals = Some(vitals);
        // Its first check passed: as the present one it is kept as ready.
        if verdict == Verdict::Passed && !before.ready && !up.is_awaited() {
            up.readiness = Readiness::Reached { at: now };
        }
        up.proves(now);
        match verdict {
            Verdict::Failed { reason, .. } if turned.is_some() || wrong => {
                let reason = turned.unwrap_or(reason);
                self.publish(id, Some(run), EventKind::Unhealthy { reason, restarts: false });
                self.end_trial(now, id);
            }
            Verdict::Passed if !before.ready => self.publish(id, Some(run), EventKind::Healthy),
            Verdict::Passed | Verdict::Failed { .. } => {}
        }
    }

    /// A life on trial showed a sign.
    pub(super) fn showed_beside(&mut self, now: Moment, run: RunId, sign: Sign, at: Moment) {
        let Some(id) = self.on_trial(run) else { return };
        let awaits = self.trials[&id].awaits.clone();
        let is_checked = self.apps[&self.processes[&id].app].health.is_some();
        let Some((_, up)) = self.up_on_trial(run) else { return };
        if !ready::counts(up.readiness, awaits.as_ref(), is_checked, sign) {
            return;
        }
        let (was_awaited, after) = (up.is_awaited(), at.since(up.since));
        up.readiness = Readiness::Reached { at };
        up.proves(now);
        if was_awaited {
            self.effects.push(Effect::Unawait { run });
        }
        self.publish(id, Some(run), EventKind::Ready { after });
    }

    /// A life on trial let something be known about itself.
    pub(super) fn remarked_beside(&mut self, run: RunId, remark: Remark) {
        if let Some((_, up)) = self.up_on_trial(run) {
            up.remarks.note(remark);
        }
    }

    /// Gives up what is on trial and was not ready in time.
    pub(super) fn give_up_late_trials(&mut self, now: Moment) {
        let is_late = |up: &Up| up.deadline().is_some_and(|until| until <= now);
        let late = self.trials.iter().filter(|(_, trial)| trial.up.as_ref().is_some_and(is_late));
        let late: Vec<ProcessId> = late.map(|(id, _)| *id).collect();
        for id in late {
            let trial = &self.trials[&id];
            let Some(Readiness::Awaited { limit, .. }) = trial.up.as_ref().map(|up| up.readiness) else {
                continue;
            };
            self.publish(id, Some(trial.run), EventKind::NotReady { limit });
            self.end_trial(now, id);
        }
    }
}
