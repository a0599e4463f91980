//! Schedules: what happens at a time of day, by the clock on the wall (acceptance rows J12, K18).
//!
//! ```text
//!   ClockSet ─▶ the wall clock is so far ahead of the one that never jumps
//!   Tick ─▶ every app whose next slot has come: one turn for all slots that have
//!              │ an app: what is wanted up is restarted
//!              │ a job:  what rests is run; what runs goes by the overlap policy
//!              ▼
//!           considered: slots up to now are done with, which is recorded
//! ```
//!
//! A *job* is an app with a schedule that is not started by itself: it rests, wanted up, from one
//! slot to the next. Nobody asks for anything at a slot, so goals stay as they are: what was stopped
//! by hand stays stopped, and its slots pass.
//!
//! A slot that is late by more than [`GRACE`] was *missed*: no daemon ran, the host slept, or the
//! clock was put forward. The policy of the schedule says what becomes of that. When the clock is
//! put back, slots that were considered do not come again, unless it is by more than [`BACK`]: then
//! it had been wrong before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Effect, Overtaken, PortQuestion, Record, Supervisor};
use crate::model::schedule::{CatchUp, Overlap};
use crate::model::{AppId, Cause, EventKind, Goal, Moment, ProcessId, State};

/// A slot that comes later than this was missed.
pub const GRACE: Duration = Duration::from_secs(60);
/// A clock that is put back further was wrong.
pub const BACK: Duration = Duration::from_secs(3600);

/// What is known of slots. Times are milliseconds since 1970.
#[derive(Clone, Debug, Default)]
pub(super) struct Timetable {
    /// Microseconds from a moment to the same moment on the wall; none: nobody has told.
    ahead: Option<i64>,
    slots: BTreeMap<AppId, Slot>,
    /// By their next slot.
    due: BTreeSet<(u64, AppId)>,
    /// Whose schedule was not looked at yet.
    fresh: BTreeSet<AppId>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Slot {
    considered: u64,
    next: Option<u64>,
}

impl Timetable {
    fn wall(&self, now: Moment) -> Option<u64> {
        self.ahead.map(|ahead| (now.0.saturating_add_signed(ahead)) / 1_000)
    }

    fn put(&mut self, app: AppId, slot: Option<Slot>) {
        let before = match slot {
            Some(slot) => self.slots.insert(app, slot),
            None => self.slots.remove(&app),
        };
        before.and_then(|slot| slot.next).map(|next| self.due.remove(&(next, app)));
        slot.and_then(|slot| slot.next).map(|next| self.due.insert((next, app)));
    }

    /// An app is defined, whose slots may be remembered.
    pub(super) fn take_up(&mut self, app: AppId) {
        self.fresh.insert(app);
    }

    /// That schedule is new; slots before are none of its.
    pub(super) fn forget(&mut self, app: AppId) {
        self.put(app, None);
        self.fresh.insert(app);
    }

    fn due_at(&self, now: Moment) -> Vec<AppId> {
        let wall = self.wall(now).unwrap_or(0);
        self.due.range(..=(wall, AppId(u32::MAX))).map(|(_, app)| *app).collect()
    }
}

impl Supervisor {
    /// Up to when the slots of an app are done with, in milliseconds since 1970.
    pub fn considered(&self, app: AppId) -> Option<u64> {
        self.timetable.slots.get(&app).map(|slot| slot.considered)
    }

    /// The next slot of an app, in milliseconds since 1970.
    pub fn next_slot(&self, app: AppId) -> Option<u64> {
        self.timetable.slots.get(&app).and_then(|slot| slot.next)
    }

    /// What an earlier daemon had considered. To be called before the clock is told.
    pub fn remember_slots(&mut self, considered: BTreeMap<AppId, u64>) {
        for (app, considered) in considered {
            if self.apps.get(&app).is_some_and(|spec| spec.schedule.is_some()) && !planted!(ForgetsTheSlots) {
                self.timetable.put(app, Some(Slot { considered, next: None }));
            }
        }
    }

    /// When the next slot comes, by the clock that never jumps.
    pub(super) fn next_slot_at(&self) -> Option<Moment> {
        let (next, _) = self.timetable.due.first().filter(|_| !self.shutting_down)?;
        Some(Moment(next.saturating_mul(1_000).saturating_add_signed(-self.timetable.ahead?)))
    }

    /// The wall clock shows that now.
    pub(super) fn clock_set(&mut self, now: Moment, unix_us: u64) {
        self.timetable.ahead = Some(unix_us as i64 - now.0 as i64);
        let wall = unix_us / 1_000;
        let back = |slot: &Slot| slot.considered > wall + BACK.as_millis() as u64;
        let wrong: Vec<AppId> =
            self.timetable.slots.iter().filter(|(_, slot)| back(slot)).map(|(app, _)| *app).collect();
        if !planted!(TrustsTheClock) {
            wrong.into_iter().for_each(|app| self.timetable.forget(app));
        }
    }

    /// Looks at the schedules that are new.
    pub(super) fn take_up_schedules(&mut self, now: Moment) {
        let Some(wall) = self.timetable.wall(now) else { return };
        for app in std::mem::take(&mut self.timetable.fresh) {
            let schedule = self.apps.get(&app).and_then(|spec| spec.schedule.clone());
            let Some(schedule) = schedule else {
                self.timetable.put(app, None);
                continue;
            };
            let known = self.considered(app);
            let considered = known.unwrap_or(wall);
            self.timetable.put(app, Some(Slot { considered, next: schedule.next_after(considered) }));
            if known.is_none() {
                self.effects.push(Effect::Record(Record::Slot(app)));
            }
        }
    }

    /// Every slot that has come.
    pub(super) fn pass_slots(&mut self, now: Moment) {
        let Some(wall) = self.timetable.wall(now).filter(|_| !self.shutting_down) else { return };
        for app in self.timetable.due_at(now) {
            let schedule = self.apps.get(&app).and_then(|spec| spec.schedule.clone());
            let (Some(schedule), Some(due)) = (schedule, self.next_slot(app)) else { continue };
            // However many there were, from here on the next one counts.
            let next = schedule.next_after(wall);
            self.timetable.put(app, Some(Slot { considered: wall, next }));
            if !planted!(KeepsSlotsToItself) {
                self.effects.push(Effect::Record(Record::Slot(app)));
            }
            let late = Duration::from_millis(wall.saturating_sub(due));
            let missed = late > GRACE && schedule.catch_up == CatchUp::Skip && !planted!(CatchesUpAlways);
            for id in self.members_of(app).collect::<Vec<_>>() {
                let goal = self.processes[&id].goal;
                if goal != Goal::Up && !(goal == Goal::Down && planted!(RevivesBySchedule)) {
                    continue;
                }
                match missed {
                    true => self.publish(id, None, EventKind::SlotMissed { late }),
                    false => self.turn_of_slot(now, id, late, schedule.overlap),
                }
            }
        }
    }

    /// A slot of a process that is wanted up has come.
    fn turn_of_slot(&mut self, now: Moment, id: ProcessId, late: Duration, overlap: Overlap) {
        let late = Some(late).filter(|late| *late > GRACE);
        let process = &self.processes[&id];
        let is_job = self.apps[&process.app].is_job();
        let rests = matches!(process.state, State::Idle(_));
        let (app, queued) = (process.app, process.queued);
        match (is_job, rests, overlap) {
            (true, true, _) => {
                self.publish(id, None, EventKind::Scheduled { late });
                self.change(id, |process| (process.unstable, process.waits) = (0, 0));
                self.begin(now, id, false);
            }
            (true, false, Overlap::Replace) | (false, _, _) => {
                if self.to_renew(app).contains(&id)
                    && self.renew(now, id, Cause::Schedule, EventKind::Scheduled { late })
                {
                    self.interrupt_reload(now, app, Overtaken::Schedule);
                }
            }
            (true, false, Overlap::Queue) if !queued => {
                self.publish(id, None, EventKind::SlotQueued);
                self.change(id, |process| process.queued = true);
            }
            (true, false, Overlap::Skip | Overlap::Queue) if planted!(RunsJobsOver) => {
                self.renew(now, id, Cause::Schedule, EventKind::Scheduled { late });
            }
            (true, false, Overlap::Skip | Overlap::Queue) => self.publish(id, None, EventKind::SlotSkipped),
        }
    }

    /// Which ports are to be tried before the slots that have come.
    pub(super) fn questions_of_slots(&self, now: Moment) -> Vec<PortQuestion> {
        let due = self.timetable.due_at(now);
        due.into_iter()
            .flat_map(|app| self.members_of(app))
            .filter_map(|id| self.question_at_renewal(id))
            .collect()
    }
}
