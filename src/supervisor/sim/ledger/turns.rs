//! Reloads, as an observer hears of them: who has its turn, and has not proven itself yet.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::super::{Accepted, Command, Effect, Input, Supervisor};
use super::super::invariants::events;
use super::super::world::{Given, Step};
use crate::model::{AppId, End, EventKind, Moment, ProcessId, Rest, RunId, State, Status};

/// The latest reload of each app.
#[derive(Default)]
pub struct Turns {
    orders: BTreeMap<AppId, Order>,
    open: BTreeMap<AppId, Vec<OpenTurn>>,
    /// Those of the latest step.
    fresh: Vec<(AppId, OpenTurn)>,
    /// Lives that were launched to be rehearsed.
    pub rehearsed: BTreeSet<RunId>,
    /// Apps whose latest reload had a rehearsal.
    rehearses: BTreeSet<AppId>,
}

/// What was asked for.
#[derive(Clone, Default)]
struct Order {
    soak: Option<Duration>,
    beside: BTreeSet<ProcessId>,
}

/// Somebody that has its turn.
#[derive(Clone, Debug)]
pub struct OpenTurn {
    pub process: ProcessId,
    pub beside: bool,
    /// Its newest life before that.
    old: Option<RunId>,
    /// How often it was launched since.
    pub lives: u32,
}

impl Turns {
    pub fn hear(&mut self, step: &Step<'_>, brain: &Supervisor) {
        for (app, turn) in std::mem::take(&mut self.fresh) {
            self.open.entry(app).or_default().push(turn);
        }
        let launches = |id: ProcessId| {
            let of_it = |effect: &&Effect| matches!(effect, Effect::Launch { process, .. } if *process == id);
            step.effects.iter().filter(of_it).count() as u32
        };
        for turn in self.open.values_mut().flatten() {
            turn.lives += launches(turn.process);
            // What was present has ended by itself, and the new life has its place.
            let present = brain.process(turn.process).and_then(|row| row.state.run());
            turn.beside &= present <= turn.old;
        }
        for (id, _, kind) in events(step) {
            let EventKind::Reloading { turn, beside, .. } = kind else { continue };
            let Some(app) = brain.process(id).map(|row| row.app) else { continue };
            if *turn == 1 {
                self.open.remove(&app);
                self.rehearses.remove(&app);
                self.orders.insert(app, ordered(step));
            }
            let old = step.before.get(&id).and_then(|row| row.latest_run);
            let turn = OpenTurn { process: id, beside: *beside, old, lives: launches(id) };
            self.fresh.push((app, turn));
        }
        for effect in step.effects {
            if let Effect::Launch { run, process, told: Some(_), .. } = effect {
                self.rehearsed.insert(*run);
                self.rehearses.extend(brain.process(*process).map(|row| row.app));
            }
        }
        let soaks: BTreeMap<AppId, Duration> =
            self.open.keys().map(|app| (*app, self.soak(brain, *app))).collect();
        for (app, turns) in &mut self.open {
            turns.retain(|turn| !turn.has_proven_itself(brain, step.now, soaks[app]));
        }
    }

    /// The rehearsal of that app's reload came to nothing.
    pub fn rehearsed_in_vain(&mut self, app: AppId) {
        self.rehearses.remove(&app);
    }

    /// Its latest reload had a rehearsal.
    pub fn has_rehearsed(&self, app: AppId) -> bool {
        self.rehearses.contains(&app)
    }

    /// Those that have not proven themselves, and those of the latest step.
    pub fn of(&self, app: AppId) -> impl Iterator<Item = &OpenTurn> {
        let fresh = self.fresh.iter().filter(move |(other, _)| *other == app).map(|(_, turn)| turn);
        self.open.get(&app).into_iter().flatten().chain(fresh)
    }

    /// Two runs of it are not known to be in each other's way.
    pub fn may_be_beside(&self, app: AppId, id: ProcessId) -> bool {
        self.orders.get(&app).is_some_and(|order| order.beside.contains(&id))
    }

    /// How long a new run has to stay well in the latest reload.
    pub fn soak(&self, brain: &Supervisor, app: AppId) -> Duration {
        let Some(spec) = brain.app(app) else { return Duration::ZERO };
        let asked = self.orders.get(&app).and_then(|order| order.soak).or(spec.roll.soak);
        asked.unwrap_or(spec.restart.min_uptime.min(Duration::from_secs(1)))
    }
}

fn ordered(step: &Step<'_>) -> Order {
    match (step.given, step.answer) {
        (
            Given::Input(Input::Command(Command::Reload { beside, soak, .. })),
            Ok(Accepted::Reloading { .. }),
        ) => Order { soak: *soak, beside: beside.clone() },
        _ => Order::default(),
    }
}

impl OpenTurn {
    /// It is up by the life that the reload gave it, and has been for long enough.
    fn has_proven_itself(&self, brain: &Supervisor, now: Moment, soak: Duration) -> bool {
        let Some(row) = brain.process(self.process) else { return false };
        // It has ended as planned, and was there for that.
        let is_done = matches!(row.state, State::Idle(Rest::Finished(End::Code(0))));
        if is_done && !self.beside && self.lives == 1 && row.latest_run > self.old {
            return true;
        }
        let State::Running { run, since, .. } = row.state else { return false };
        // Beside the old one a new life may have lost its port, and another one is tried.
        let is_its = self.beside || self.lives == 1;
        let is_new = Some(run) > self.old && row.latest_run == Some(run) && is_its;
        is_new && row.state.status() == Status::Online && since + soak <= now
    }
}
