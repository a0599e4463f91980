//! Health: what the verdicts of checks do to a run (acceptance rows B10, B11, K8).
//!
//! ```text
//!   executed ──▶ starting ── a check passes ──▶ online ◀── a check passes ──┐
//!                   │                             │ failures in a row        │
//!                   │ failures in a row,          │ reach the limit          │
//!                   │ after the start limit       ▼                          │
//!                   └────────────────────────▶ unhealthy ─ no autorestart ───┘
//!                                                 │
//!                                                 ▼ the run is ended and followed by the next
//! ```
//!
//! One that fails a check when it is to have been healthy already, which `ready_within` says, is
//! unhealthy with that.
//!
//! A run that is checked is watched from its execution until it is to end; `put` sees to that.
//! Verdicts about any other run change nothing. Only a life that is `Running` has a health.

use std::time::Duration;

use super::restart::Ending;
use super::{Effect, Process, Supervisor, Unwell};
use crate::model::{
    AppId, EventKind, Health, HealthPolicy, Moment, Port, ProcessId, RunId, State, Verdict, Vitals, in_words,
};

impl Supervisor {
    /// The health with which a life is taken up that was executed at `since`. `was_ready`: it is
    /// known to have been ready. One that a new daemon finds beyond its start limit is taken to have
    /// been healthy: otherwise its first failed check would be one of a program that never came up.
    pub(super) fn first_vitals(
        &self,
        id: ProcessId,
        since: Moment,
        now: Moment,
        was_ready: bool,
    ) -> Option<Vitals> {
        let policy = self.apps[&self.processes[&id].app].health.as_ref()?;
        Some(Vitals::unchecked(was_ready || now.since(since) >= policy.start_limit()))
    }

    /// A check of the present life came to an end.
    pub(super) fn checked(&mut self, now: Moment, id: ProcessId, verdict: Verdict) {
        let process = &self.processes[&id];
        let spec = self.apps[&process.app].clone();
        let State::Running { since, vitals: Some(before), .. } = &process.state else { return };
        let Some(policy) = &spec.health else { return };
        let (since, before) = (*since, before.clone());
        let (vitals, turned) = after(policy, &before, &verdict, now.since(since));
        self.put_vitals(id, vitals);
        if verdict == Verdict::Passed && !before.ready {
            self.ready_by_health(now, id);
        }
        if let Some(reason) = turned {
            self.unhealthy(now, id, reason, before.ready, spec.restart.auto);
        }
        match verdict {
            // A run that a new daemon found ready was told to be healthy before.
            Verdict::Passed if !before.ready || matches!(before.health, Health::Unhealthy { .. }) => {
                let run = self.processes[&id].state.run();
                self.publish(id, run, EventKind::Healthy);
            }
            Verdict::Passed | Verdict::Failed { .. } => {}
        }
    }

    /// Told once, and ended unless nothing would follow.
    fn unhealthy(&mut self, now: Moment, id: ProcessId, reason: String, was_ready: bool, restarts: bool) {
        let run = self.processes[&id].state.run();
        self.publish(id, run, EventKind::Unhealthy { reason: reason.clone(), restarts });
        // What is to end anyway is not restarted.
        if restarts && !self.processes[&id].end_asked {
            let unwell = Unwell::Unhealthy { complaint: reason, was_ready };
            self.change(id, |process| process.unwell = Some(unwell));
            self.ask_to_end(now, id);
        }
    }

    fn put_vitals(&mut self, id: ProcessId, new: Vitals) {
        let State::Running { run, pid, since, vitals, readiness } = self.processes[&id].state.clone() else {
            return;
        };
        // What nobody could see has not changed: no reader is woken for it.
        if vitals.as_ref() != Some(&new) {
            let state = State::Running { run, pid, since, vitals: Some(new), readiness };
            self.change(id, |process| process.state = state);
        }
    }

    /// The definition of the app asks for other checks: what runs is watched by those from now on.
    /// What is online stays online until they say otherwise.
    pub(super) fn watch_anew(&mut self, app: AppId) {
        let checked = self.apps[&app].health.is_some();
        let members: Vec<ProcessId> = self.members_of(app).collect();
        for id in members {
            let State::Running { run, pid, since, vitals, readiness } = self.processes[&id].state.clone()
            else {
                continue;
            };
            let ready = vitals.as_ref().is_none_or(|vitals| vitals.ready);
            for vitals in [None, checked.then(|| Vitals::unchecked(ready))] {
                let state = State::Running { run, pid, since, vitals, readiness };
                self.change(id, |process| process.state = state);
            }
        }
    }

    /// Orders what follows from a row that has changed. `before`: the life that was watched.
    pub(super) fn watch(&mut self, id: ProcessId, before: Option<RunId>) {
        let Some(process) = self.processes.get(&id) else {
            return self.effects.extend(before.map(|run| Effect::Unwatch { run }));
        };
        let now = watched(process);
        if before == now {
            return;
        }
        if let Some(run) = before
            && !planted!(WatchesForEver)
        {
            self.effects.push(Effect::Unwatch { run });
        }
        if let State::Running { run, since, vitals: Some(vitals), .. } = &process.state {
            self.effects.push(Effect::Watch {
                run: *run,
                process: id,
                instance: process.instance,
                spec: self.apps[&process.app].clone(),
                port: process.ports.held.map(Port::number),
                since: *since,
                ready: vitals.ready,
            });
        }
    }
}

/// What a verdict makes of the health of a run of that age, and why it is unhealthy, if it is since now.
pub(super) fn after(
    policy: &HealthPolicy,
    before: &Vitals,
    verdict: &Verdict,
    age: Duration,
) -> (Vitals, Option<String>) {
    let reason = match verdict {
        Verdict::Passed => {
            let failures = if planted!(NeverForgivesFailures) { before.failures } else { 0 };
            return (Vitals { ready: true, health: Health::Healthy, failures }, None);
        }
        Verdict::Failed { reason, .. } => reason,
    };
    let late = policy.ready_within.filter(|limit| !before.ready && age >= *limit && !planted!(NeverLate));
    let reason = &match late {
        Some(limit) => format!("not healthy within {}: {reason}", in_words(limit)),
        None => reason.clone(),
    };
    let counts = before.ready || age >= policy.start_limit() || planted!(HasNoPatience);
    let failures = before.failures.saturating_add(counts.into());
    let limit = policy.retries.max(1) + u32::from(planted!(ToleratesOneFailureMore));
    let failures = if late.is_some() { failures.max(limit) } else { failures };
    let unhealthy = failures >= limit;
    let health = match before.health {
        _ if unhealthy => Health::Unhealthy { reason: reason.clone() },
        Health::Unhealthy { .. } => Health::Unhealthy { reason: reason.clone() },
        Health::Healthy => Health::Healthy,
        Health::Unknown { .. } => Health::Unknown { complaint: Some(reason.clone()) },
    };
    let turned = unhealthy && !matches!(before.health, Health::Unhealthy { .. });
    (Vitals { ready: before.ready, health, failures }, turned.then(|| reason.clone()))
}

/// The life of that row that is watched.
pub(super) fn watched(process: &Process) -> Option<RunId> {
    match &process.state {
        State::Running { run, vitals: Some(_), .. } => Some(*run),
        State::Running { vitals: None, .. }
        | State::Starting { .. }
        | State::Stopping { .. }
        | State::Idle(_)
        | State::Waiting { .. }
        | State::Backoff { .. } => None,
    }
}

impl Unwell {
    /// What the restart rules are told of it.
    pub(super) fn ending(&self, uptime: Duration) -> Ending<'_> {
        match self {
            Unwell::Unhealthy { complaint, was_ready } => {
                Ending::Unhealthy { complaint, was_ready: *was_ready, uptime }
            }
            Unwell::NotReady { limit } => Ending::NotReady { limit: *limit },
        }
    }
}
