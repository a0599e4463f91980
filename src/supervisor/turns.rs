//! Whose turn comes when in a [reload](super::reload), and in which way. Who is not in service is next,
//! since nobody misses it; who is, waits until enough others are.

use std::time::Duration;

use super::Supervisor;
use super::range::Second;
use super::reload::{Progress, Reload};
use crate::model::{AppId, Goal, Moment, ProcessId, Reason, Rest, RollLimits, RollPolicy, State};

/// In which way a process may have its turn now.
enum Way {
    Beside,
    Instead,
    /// Not yet.
    Later,
    /// Others are not in service and will not be, for that reason: whose.
    Never(ProcessId, String),
}

impl Supervisor {
    /// Gives as many their turn as may have it now.
    pub(super) fn give_turns(&mut self, now: Moment, app: AppId, time_passed: bool) {
        loop {
            let Progress::Rolling { turns, waiting, due } = &self.reloads[&app].progress else { return };
            let soon = now + Duration::from_micros(1);
            let Some(id) = self.in_order_of_turns(waiting).next() else {
                if turns.is_empty() {
                    match self.second_turn(now, app) {
                        Second::Nobody => self.set_progress(now, app, Progress::Done),
                        Second::NotBefore(at) => self.set_due(app, Some(at)),
                        Second::Has(id) => self.wait_again(app, id, soon),
                    }
                }
                return;
            };
            let due = due.map_or(soon, |due| due.min(soon));
            let way = self.way(app, id);
            if let (Way::Beside, Some(at)) = (&way, self.waits_for_its_range(now, app, id)) {
                return self.set_due(app, Some(at));
            }
            if self.comes_back_in_vain(app, id, matches!(way, Way::Beside)) {
                self.let_be(app, id);
                continue;
            }
            match way {
                Way::Later => return self.set_due(app, None),
                Way::Never(whose, reason) => return self.fail_reload(now, app, whose, None, reason),
                // As soon as time passes: whether other programs have a port is looked at before.
                Way::Beside | Way::Instead if !time_passed => return self.set_due(app, Some(due)),
                Way::Beside => self.take_turn(now, app, id, true),
                Way::Instead => self.take_turn(now, app, id, false),
            }
        }
    }

    /// Who of these is next, and then: who is [rehearsed](super::rehearsal), and who is not in service, as
    /// nobody misses it.
    pub(super) fn in_order_of_turns(&self, waiting: &[ProcessId]) -> impl Iterator<Item = ProcessId> + use<> {
        let first = self.first_to_rehearse(waiting);
        let rest = waiting.iter().filter(|id| Some(**id) != first);
        let (serving, others): (Vec<ProcessId>, Vec<ProcessId>) =
            rest.partition(|id| self.processes.contains_key(id) && self.serves(**id));
        first.into_iter().chain(others).chain(serving)
    }

    /// How many at a time.
    pub(super) fn roll_limits(&self, app: AppId) -> RollLimits {
        let members = self.wanted_members(app).len() as u32;
        self.apps.get(&app).map_or(RollPolicy::default(), |spec| spec.roll.clone()).limits(members)
    }

    /// In which way that one may have its turn now.
    fn way(&self, app: AppId, id: ProcessId) -> Way {
        let reload = &self.reloads[&app];
        let RollLimits { surge, unavailable } = self.roll_limits(app);
        let turns = reload.turns();
        // Gone, or stopped: that is found out by its turn.
        if self.processes.get(&id).is_none_or(|process| process.goal != Goal::Up) {
            return Way::Instead;
        }
        if self.is_rehearsing(turns) {
            return Way::Later;
        }
        let can_try = self.can_try(id, &reload.how.beside, reload.how.ports.get(&id).copied());
        let tried = turns.iter().filter(|turn| turn.beside).count() as u32;
        let one_more = u32::from(planted!(ReloadsTwoAtOnce));
        let many = turns.len() as u32 >= (surge + unavailable).max(1) + one_more;
        if can_try && tried < surge + one_more && !many {
            return Way::Beside;
        }
        // One that cannot have two runs has to pause, whatever was wished.
        let may_pause = if can_try { unavailable } else { unavailable.max(1) };
        let missing: Vec<ProcessId> = self.missing(reload).filter(|other| *other != id).collect();
        let few = self.serves(id) && missing.len() as u32 >= may_pause;
        if !many && (!few || planted!(PausesTooMany)) {
            return Way::Instead;
        }
        let hopeless = missing.iter().find_map(|id| match &self.processes[id].state {
            State::Idle(Rest::Errored(reason)) => Some((*id, reason)),
            State::Idle(Rest::Stopped | Rest::Finished(_))
            | State::Waiting { .. }
            | State::Backoff { .. }
            | State::Starting { .. }
            | State::Running { .. }
            | State::Stopping { .. } => None,
        });
        match hopeless {
            Some((whose, reason)) if turns.is_empty() => Way::Never(whose, failed_since(reason)),
            Some(_) | None => Way::Later,
        }
    }

    /// Who of them is wanted in service and is not. Who rests by plan, or waits for another app, is
    /// not counted: that may be for ever.
    fn missing<'a>(&'a self, reload: &'a Reload) -> impl Iterator<Item = ProcessId> + 'a {
        let counts = |id: &ProcessId| {
            let Some(process) = self.processes.get(id).filter(|process| process.goal == Goal::Up) else {
                return false;
            };
            let rests = matches!(
                process.state,
                State::Idle(Rest::Stopped | Rest::Finished(_)) | State::Waiting { .. }
            );
            !rests && !self.serves(*id)
        };
        reload.processes.iter().copied().filter(counts)
    }

    /// Has it wait for a turn again; not in the same step, in which its ports were not tried.
    fn wait_again(&mut self, app: AppId, id: ProcessId, soon: Moment) {
        let Some(reload) = self.reloads.get_mut(&app) else { return };
        reload.again.insert(id);
        if let Progress::Rolling { waiting, due, .. } = &mut reload.progress {
            waiting.push(id);
            *due = Some(soon);
        }
    }

    /// It has no second turn after all.
    fn let_be(&mut self, app: AppId, id: ProcessId) {
        if let Some(Reload { progress: Progress::Rolling { waiting, .. }, .. }) = self.reloads.get_mut(&app) {
            waiting.retain(|other| *other != id);
        }
    }

    fn set_due(&mut self, app: AppId, soon: Option<Moment>) {
        if let Some(Reload { progress: Progress::Rolling { due, .. }, .. }) = self.reloads.get_mut(&app) {
            *due = soon;
        }
    }

    /// Whose turn may come when time passes.
    pub(super) fn next_turns(&self) -> Vec<ProcessId> {
        let next = |(app, reload): (&AppId, &Reload)| match &reload.progress {
            Progress::Rolling { waiting, .. } => {
                let RollLimits { surge, unavailable } = self.roll_limits(*app);
                self.in_order_of_turns(waiting).take((surge + unavailable).max(1) as usize).collect()
            }
            Progress::Done | Progress::Failed { .. } | Progress::Interrupted { .. } => Vec::new(),
        };
        self.reloads.iter().flat_map(next).collect()
    }
}

/// Why nobody else has a turn while that one is down.
fn failed_since(reason: &Reason) -> String {
    format!("it is errored since it was replaced: {reason}")
}
