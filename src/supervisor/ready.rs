//! Readiness: what the signs of a run do to it (acceptance rows B12, K8, J18).
//!
//! ```text
//!   executed ──▶ starting ── the sign of its policy ──▶ online
//!                   │
//!                   │ not within the limit
//!                   ▼
//!                 ended, and followed by the next as the restart rules say
//! ```
//!
//! Of a run whose policy awaits nothing, being ready is a note: it is online before. A health
//! check comes in addition to a policy, not instead: online is who has shown its sign and has been
//! healthy. Only a life that is `Running` becomes ready.
//!
//! What was awaited of a life was said at its launch, and is kept with it, as is its being ready: a
//! definition that changes, or another daemon, makes nothing starting that was online.

use std::time::Duration;

use super::{Effect, Process, Supervisor, Unwell};
use crate::model::{
    EventKind, Moment, ProcessId, Readiness, ReadyBy, ReadyPolicy, Remark, RunId, Sign, State, Status,
};

/// A new daemon looks at least this long for the sign of a run that it finds: what it has to look
/// for itself it could not see before.
pub const SECOND_LOOK: Duration = Duration::from_secs(3);

impl Supervisor {
    /// The present life showed a sign.
    pub(super) fn showed(&mut self, id: ProcessId, sign: Sign, at: Moment) {
        let process = &self.processes[&id];
        let is_checked = self.apps[&process.app].health.is_some();
        let State::Running { since, readiness, .. } = process.state else { return };
        if counts(readiness, process.awaits.as_ref(), is_checked, sign) {
            let after = at.since(since);
            self.put_readiness(id, Readiness::Reached { at });
            let run = self.processes[&id].state.run();
            self.publish(id, run, EventKind::Ready { after });
        }
    }

    /// Its first health check passed. What is awaited besides is awaited still.
    pub(super) fn ready_by_health(&mut self, now: Moment, id: ProcessId) {
        match self.processes[&id].state {
            State::Running { readiness: Readiness::Unasked | Readiness::Reached { .. }, .. } => {
                self.put_readiness(id, Readiness::Reached { at: now });
            }
            State::Running { readiness: Readiness::Awaited { .. }, .. }
            | State::Starting { .. }
            | State::Stopping { .. }
            | State::Idle(_)
            | State::Waiting { .. }
            | State::Backoff { .. } => {}
        }
    }

    /// The deadline of the present life has come, and its sign has not.
    pub(super) fn not_ready_in_time(&mut self, now: Moment, id: ProcessId) {
        let process = &self.processes[&id];
        let State::Running { run, readiness: Readiness::Awaited { limit, .. }, .. } = process.state else {
            return;
        };
        if planted!(TakesLateForReady) {
            return self.put_readiness(id, Readiness::Reached { at: now });
        }
        self.publish(id, Some(run), EventKind::NotReady { limit });
        self.change(id, |process| process.unwell = Some(Unwell::NotReady { limit }));
        self.ask_to_end(now, id);
    }

    /// The present life let something be known about itself.
    pub(super) fn remarked(&mut self, id: ProcessId, remark: Remark) {
        let mut remarks = self.processes[&id].remarks.clone();
        remarks.note(remark);
        // What nobody could see has not changed: no reader is woken for it.
        if remarks != self.processes[&id].remarks {
            self.change(id, |process| process.remarks = remarks);
        }
    }

    fn put_readiness(&mut self, id: ProcessId, new: Readiness) {
        self.change(id, |process| {
            if let State::Running { readiness, .. } = &mut process.state {
                *readiness = new;
            }
        });
    }

    /// Orders what follows from a row that has changed. `before`: the life that was awaited.
    pub(super) fn await_ready(&mut self, id: ProcessId, before: Option<RunId>) {
        let now = self.processes.get(&id).and_then(awaited);
        if before == now {
            return;
        }
        if let Some(run) = before
            && !planted!(AwaitsForEver)
        {
            self.effects.push(Effect::Unawait { run });
        }
        let Some(process) = self.processes.get(&id) else { return };
        if let (State::Running { run, since, readiness: Readiness::Awaited { .. }, .. }, Some(policy)) =
            (&process.state, &process.awaits)
        {
            self.effects.push(Effect::Await {
                run: *run,
                by: policy.by.clone(),
                process: id,
                instance: process.instance,
                spec: self.apps[&process.app].clone(),
                port: process.ports.held.map(crate::model::Port::number),
                since: *since,
            });
        }
    }

    /// Orders what follows from a row that has changed. `before`: what was kept already.
    pub(super) fn keep_ready(&mut self, id: ProcessId, before: Option<(RunId, Moment)>) {
        let now = self.processes.get(&id).and_then(reached);
        if let Some((run, at)) = now.filter(|_| now != before && !planted!(KeepsReadinessToItself)) {
            self.effects.push(Effect::KeepReady { run, at });
        }
    }
}

/// The readiness of a life that was executed at that moment, and of which that is awaited.
pub(super) fn first(awaits: Option<&ReadyPolicy>, since: Moment) -> Readiness {
    match awaits {
        Some(ReadyPolicy { limit, .. }) => Readiness::Awaited { limit: *limit, until: since + *limit },
        None => Readiness::Unasked,
    }
}

/// Whether a sign makes such a life ready.
pub(super) fn counts(
    readiness: Readiness,
    awaits: Option<&ReadyPolicy>,
    is_checked: bool,
    sign: Sign,
) -> bool {
    let by = awaits.map_or(&ReadyBy::Auto, |policy| &policy.by);
    match readiness {
        Readiness::Awaited { .. } => by.accepts(sign) || planted!(TakesAnySign),
        // With a health check, that decides.
        Readiness::Unasked => !is_checked && by.accepts(sign),
        Readiness::Reached { .. } => false,
    }
}

/// The life of that row that is awaited.
pub(super) fn awaited(process: &Process) -> Option<RunId> {
    match process.state {
        State::Running { run, readiness: Readiness::Awaited { .. }, .. } => Some(run),
        State::Running { readiness: Readiness::Unasked | Readiness::Reached { .. }, .. }
        | State::Starting { .. }
        | State::Stopping { .. }
        | State::Idle(_)
        | State::Waiting { .. }
        | State::Backoff { .. } => None,
    }
}

/// The life of that row that is online because it became ready, and since when.
pub(super) fn reached(process: &Process) -> Option<(RunId, Moment)> {
    match process.state {
        State::Running { run, readiness: Readiness::Reached { at }, .. } => {
            (process.state.status() == Status::Online).then_some((run, at))
        }
        State::Running { readiness: Readiness::Unasked | Readiness::Awaited { .. }, .. }
        | State::Starting { .. }
        | State::Stopping { .. }
        | State::Idle(_)
        | State::Waiting { .. }
        | State::Backoff { .. } => None,
    }
}

/// The readiness of a life that a new daemon finds. `awaits` and `ready` are what was kept with it.
pub(super) fn found(
    since: Moment,
    now: Moment,
    awaits: Option<&ReadyPolicy>,
    ready: Option<Moment>,
) -> Readiness {
    match (ready, awaits.map(|policy| policy.limit)) {
        (Some(at), _) if !planted!(ForgetsWhoWasReady) => Readiness::Reached { at },
        (Some(_) | None, Some(limit)) => {
            Readiness::Awaited { limit, until: (since + limit).max(now + SECOND_LOOK) }
        }
        (Some(_) | None, None) => Readiness::Unasked,
    }
}
