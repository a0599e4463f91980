//! Fixed ranges of ports behind a balancer, over a [reload](super::reload): the new run that begins first
//! may have no port of the range, since the old ones have them all.
//!
//! So the next one waits a moment for the port that the run before it leaves, and who is outside of the
//! range in the end has a second turn, if there is a port for it. A run that takes long to leave is not
//! waited for: then some stay outside until the next reload.

use super::{Progress, Supervisor};
use crate::model::{AppId, Goal, Moment, Port, PortPlan, ProcessId};

/// Who comes back into the range.
pub(super) enum Second {
    /// Nobody has to, or can.
    Nobody,
    /// Somebody may, as soon as a port is free, and not after that.
    NotBefore(Moment),
    /// That one.
    Has(ProcessId),
}

impl Supervisor {
    /// The range of ports of the processes of that app, if a balancer stands before them.
    fn range_behind(&self, app: AppId) -> Option<(u16, u16)> {
        let spec = self.apps.get(&app).filter(|spec| spec.balance.is_some())?;
        match spec.port {
            Some(PortPlan::Range(first, last)) => Some((first, last)),
            Some(PortPlan::Single(_) | PortPlan::Shared(_) | PortPlan::Auto(..)) | None => None,
        }
    }

    fn has_room(&self, (first, last): (u16, u16)) -> bool {
        (first..=last).any(|port| self.is_open(port) && !self.ports.seen_busy(port))
    }

    /// Until when a new run beside that one waits for a port of its range. The first one does not: what
    /// was asked for begins.
    pub(super) fn waits_for_its_range(&self, now: Moment, app: AppId, id: ProcessId) -> Option<Moment> {
        let range = self.range_behind(app)?;
        let reload = &self.reloads[&app];
        let Progress::Rolling { waiting, .. } = &reload.progress else { return None };
        let is_first = reload.again.is_empty() && waiting.len() == reload.processes.len();
        let soon = self.leaves_soon(range.0, range.1).filter(|at| *at > now);
        soon.filter(|_| !is_first && !reload.how.ports.contains_key(&id) && !self.has_room(range))
    }

    /// Who is to be replaced once more.
    pub(super) fn second_turn(&self, now: Moment, app: AppId) -> Second {
        let Some(range) = self.range_behind(app) else { return Second::Nobody };
        let reload = &self.reloads[&app];
        let outside = |id: &ProcessId| {
            let held =
                self.processes.get(id).filter(|row| row.goal == Goal::Up).and_then(|row| row.ports.held);
            let is_out = matches!(held, Some(Port::Own(port)) if !(range.0..=range.1).contains(&port));
            let first = !reload.again.contains(id) && !reload.how.ports.contains_key(id);
            is_out && first && self.can_try(*id, &reload.how.beside, None)
        };
        match (reload.processes.iter().copied().find(outside), self.leaves_soon(range.0, range.1)) {
            (Some(id), _) if self.has_room(range) => Second::Has(id),
            (Some(_), Some(at)) if at > now => Second::NotBefore(at),
            (Some(_) | None, _) => Second::Nobody,
        }
    }

    /// Who was to be replaced once more gains nothing by that any more: it cannot have both runs, or
    /// somebody was found on the port that seemed to be free.
    pub(super) fn comes_back_in_vain(&self, app: AppId, id: ProcessId, beside: bool) -> bool {
        let has_room = self.range_behind(app).is_some_and(|range| self.has_room(range));
        self.reloads[&app].again.contains(&id) && !(beside && has_room)
    }
}
