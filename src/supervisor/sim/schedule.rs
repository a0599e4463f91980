//! Schedules: what people define, what an observer knows of slots, and what must hold.

use std::collections::BTreeMap;

use super::super::schedule::{BACK, GRACE};
use super::super::{Input, Process, Supervisor};
use super::invariants::{Holds, ensure, events};
use super::users::Dice;
use super::world::{Given, Step, World};
use crate::model::schedule::{CatchUp, Overlap};
use crate::model::{AppId, Cause, EventKind, Fact, Goal, Moment, ProcessId, Schedule, State};

/// When stories begin: 2026-06-01T11:59:50Z.
pub const EPOCH_US: i64 = 1_780_315_190_000_000;

/// In one app of four; slots come for some minutes, and then no more, so that stories end.
pub fn any_schedule(dice: &mut Dice) -> Option<Schedule> {
    if !dice.chance(25) {
        return None;
    }
    let pattern = dice.pick(&["*/10 0-4 12 1 6 * 2026", "30 * 12 1 6 * 2026", "*/7 0-2 12 1,2 6 * 2026"]);
    let mut schedule = Schedule::parse(pattern, "UTC").expect("a schedule");
    schedule.overlap = dice.pick(&[Overlap::Skip, Overlap::Queue, Overlap::Replace]);
    schedule.catch_up = dice.pick(&[CatchUp::Skip, CatchUp::Once]);
    Some(schedule)
}

pub fn is_job(brain: &Supervisor, process: &Process) -> bool {
    brain.app(process.app).is_some_and(|spec| spec.is_job())
}

/// Its slot came in that step, and it is run or restarted for that.
pub fn scheduled(step: &Step<'_>, id: ProcessId) -> bool {
    events(step).any(|(other, _, kind)| other == id && matches!(kind, EventKind::Scheduled { .. }))
}

/// Slots, told once more.
#[derive(Default)]
pub struct Calendar {
    ahead: Option<i64>,
    /// The schedule as text, and up to when its slots are done with.
    slots: BTreeMap<AppId, (String, u64)>,
    /// Whose slot came in the latest step, and how late.
    due: BTreeMap<AppId, u64>,
}

impl Calendar {
    fn wall(&self, now: Moment) -> Option<u64> {
        Some(now.0.saturating_add_signed(self.ahead?) / 1_000)
    }

    pub fn hear(&mut self, step: &Step<'_>, brain: &Supervisor) {
        self.due.clear();
        if let Given::Input(Input::Fact(Fact::ClockSet { unix_us })) = step.given {
            self.ahead = Some(*unix_us as i64 - step.now.0 as i64);
            let wall = unix_us / 1_000;
            let back = BACK.as_millis() as u64;
            self.slots.values_mut().filter(|(_, at)| *at > wall + back).for_each(|(_, at)| *at = wall);
        }
        let Some(wall) = self.wall(step.now) else { return };
        if matches!(step.given, Given::Input(Input::Tick)) && !step.was_shutting_down {
            for (app, (_, considered)) in &mut self.slots {
                let schedule = brain.app(*app).and_then(|spec| spec.schedule.as_ref());
                let next = schedule.and_then(|schedule| schedule.next_after(*considered));
                if let Some(next) = next.filter(|next| *next <= wall) {
                    *considered = wall;
                    self.due.insert(*app, wall - next);
                }
            }
        }
        self.slots.retain(|app, _| brain.app(*app).is_some_and(|spec| spec.schedule.is_some()));
        for (app, spec) in &brain.apps {
            let Some(schedule) = &spec.schedule else { continue };
            let (text, at) = self.slots.entry(*app).or_insert_with(|| (schedule.to_string(), wall));
            if *text != schedule.to_string() {
                (*text, *at) = (schedule.to_string(), wall);
            }
        }
    }

    /// A new daemon, which may know a definition of which only the store has heard.
    pub fn restored(&mut self, brain: &Supervisor) {
        self.due.clear();
        self.ahead = None;
        self.slots.retain(|app, _| brain.app(*app).is_some());
        for (app, spec) in &brain.apps {
            let Some(schedule) = &spec.schedule else { continue };
            let heard = self.slots.get(app).is_some_and(|(text, _)| *text == schedule.to_string());
            if let (false, Some(at)) = (heard, brain.considered(*app)) {
                self.slots.insert(*app, (schedule.to_string(), at));
            }
        }
    }
}

/// Once the clock is known, what was considered is exactly that, through crashes and set clocks.
pub fn slots_are_considered_once(world: &World, _: &Step<'_>) -> Holds {
    let calendar = &world.ledger.calendar;
    if calendar.ahead.is_none() {
        return Ok(());
    }
    for (app, (text, at)) in &calendar.slots {
        let is = world.brain.considered(*app);
        ensure!(is == Some(*at), "{app:?} ({text}) is considered up to {is:?}, in truth {at}");
    }
    Ok(())
}

/// Who is wanted up has one answer to its slot, and nobody else any.
pub fn every_slot_is_answered(world: &World, step: &Step<'_>) -> Holds {
    for (id, before) in step.before {
        let answers: Vec<&EventKind> = events(step)
            .filter(|(of, _, kind)| of == id && is_answer(kind))
            .map(|(_, _, kind)| kind)
            .collect();
        let due = world.ledger.calendar.due.get(&before.app).filter(|_| before.goal == Goal::Up);
        let (Some(late), Some(spec)) = (due, world.brain.app(before.app)) else {
            ensure!(answers.is_empty(), "{id} has {answers:?} and was not due");
            continue;
        };
        let Some(schedule) = &spec.schedule else { continue };
        let missed = u128::from(*late) > GRACE.as_millis() && schedule.catch_up == CatchUp::Skip;
        let told_missed = answers.iter().any(|kind| matches!(kind, EventKind::SlotMissed { .. }));
        ensure!(missed == told_missed, "{id}: missed {missed}, told {answers:?}");
        ensure!(answers.len() <= 1, "{id} has {answers:?}");
        let rests = matches!(before.state, State::Idle(_));
        let policy = matches!(schedule.overlap, Overlap::Skip | Overlap::Queue);
        if spec.is_job() && !missed && (rests || policy) {
            let right = match (answers.as_slice(), rests, schedule.overlap) {
                ([EventKind::Scheduled { .. }], true, _) => true,
                ([EventKind::SlotQueued], false, Overlap::Queue) => !before.queued,
                ([EventKind::SlotSkipped], false, Overlap::Queue) => before.queued,
                ([EventKind::SlotSkipped], false, Overlap::Skip) => true,
                _ => false,
            };
            ensure!(right, "{id} is due, rests: {rests}, {:?}, and has {answers:?}", schedule.overlap);
        }
        let ended = events(step).any(|(of, _, kind)| {
            of == *id && matches!(kind, EventKind::StopAsked { cause: Cause::Schedule })
        });
        ensure!(!(ended && spec.is_job() && policy), "{id} is ended for its next run");
    }
    Ok(())
}

fn is_answer(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::Scheduled { .. }
            | EventKind::SlotSkipped
            | EventKind::SlotQueued
            | EventKind::SlotMissed { .. }
    )
}
