//! Health, as invariants: who is watched, who is online, and what failures lead to. The observer
//! counts by itself and looks at rows only to see what became of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::{Command, Effect, Living, Process, Supervisor};
use super::invariants::{Holds, ensure};
use super::users::Dice;
use super::world::{Given, Step, World};
use crate::model::{EventKind, Fact, HealthCheck, HealthPolicy, Moment, RunId, State, Status, Verdict};

/// What the observer knows of health.
#[derive(Default)]
pub struct Nurse {
    /// Lives that have been well, or are taken to have been.
    pub well: BTreeSet<RunId>,
    failures: BTreeMap<RunId, u32>,
    /// Lives that have a port of their own.
    apart: BTreeSet<RunId>,
    /// Since when lives on trial have answered wrongly.
    wrong: BTreeMap<RunId, Moment>,
    /// Lives that are ended for their health, and whether they had been well.
    pub unwell: BTreeMap<RunId, bool>,
    /// The life that turned unhealthy in the latest step.
    turned: Option<RunId>,
}

impl Nurse {
    /// Hears what was given. `executed` is when each life was.
    pub fn hear(&mut self, step: &Step<'_>, brain: &Supervisor, executed: &BTreeMap<RunId, Moment>) {
        self.turned = None;
        self.hear_other_checks(step);
        self.apart.extend(step.effects.iter().filter_map(|effect| match effect {
            Effect::Launch { run, port: Some(port), told, .. } if !port.is_shared() || told.is_some() => {
                Some(*run)
            }
            _ => None,
        }));
        let (Given::Input(super::super::Input::Fact(Fact::Checked { run, verdict }))
        | Given::Repeated(Fact::Checked { run, verdict })) = step.given
        else {
            return;
        };
        let runs = |state: &State| matches!(state, State::Running { run: other, .. } if other == run);
        let on_trial = |process: &Process| process.trial == Some(*run) && executed.contains_key(run);
        let is_its = |process: &&Process| runs(&process.state) || on_trial(process);
        let Some(process) = step.before.values().find(is_its) else { return };
        let tried = process.trial == Some(*run);
        let Some(spec) = brain.app(process.app) else { return };
        let Some(policy) = &spec.health else { return };
        if *verdict == Verdict::Passed {
            self.well.insert(*run);
            self.failures.insert(*run, 0);
            self.wrong.remove(run);
            return;
        }
        let was_well = self.well.contains(run);
        let age = executed.get(run).map_or(Duration::ZERO, |since| step.now.since(*since));
        let Verdict::Failed { answered, .. } = verdict else { return };
        // What others answer on the same socket says nothing about it.
        let wrong =
            tried && *answered && !was_well && self.apart.contains(run) && policy.start_limit.is_none();
        if wrong {
            let since = *self.wrong.entry(*run).or_insert(step.now);
            if since + policy.interval * (policy.retries - 1) <= step.now {
                self.turned = Some(*run);
                self.unwell.insert(*run, false);
                return;
            }
        } else {
            self.wrong.remove(run);
        }
        let late = !was_well && policy.ready_within.is_some_and(|limit| age >= limit);
        if !was_well && age < policy.start_limit() && !late {
            return;
        }
        let failures = self.failures.entry(*run).or_default();
        let before = *failures;
        *failures = if late { policy.retries.max(before + 1) } else { before + 1 };
        if before < policy.retries && *failures >= policy.retries {
            self.turned = Some(*run);
            if tried || (spec.restart.auto && !process.end_asked) {
                self.unwell.insert(*run, was_well);
            }
        }
    }

    /// Its latest check failed, and that counts.
    pub fn fails(&self, run: RunId) -> bool {
        self.failures.get(&run).is_some_and(|failures| *failures > 0)
    }

    /// A changed definition may ask for other checks. They begin anew, and what was online without
    /// any is taken to be well.
    fn hear_other_checks(&mut self, step: &Step<'_>) {
        let (Given::Input(super::super::Input::Command(Command::Update { .. })), Ok(_)) =
            (step.given, step.answer)
        else {
            return;
        };
        let begun = |run: &RunId| {
            step.effects
                .iter()
                .any(|effect| matches!(effect, Effect::Watch { run: watched, .. } if watched == run))
        };
        for process in step.before.values() {
            if let State::Running { run, vitals, .. } = &process.state
                && begun(run)
            {
                self.failures.remove(run);
                if vitals.is_none() {
                    self.well.insert(*run);
                }
            }
        }
    }

    /// A new daemon knows nothing but the age of what it finds, and whether it was ready.
    pub fn restored(&mut self, now: Moment, brain: &Supervisor, living: &[Living]) {
        *self = Nurse::default();
        for process in brain.processes() {
            let policy = brain.app(process.app).and_then(|spec| spec.health.as_ref());
            if let (State::Running { run, since, .. }, Some(policy)) = (&process.state, policy)
                && (now.since(*since) >= policy.start_limit()
                    || living.iter().any(|life| life.run == *run && life.ready.is_some()))
            {
                self.well.insert(*run);
            }
        }
    }
}

/// How an app is checked; half of them are not.
pub fn any_policy(dice: &mut Dice) -> Option<HealthPolicy> {
    let seconds = Duration::from_secs;
    dice.chance(50).then(|| {
        let retries = dice.pick(&[1, 1, 2, 3]) as u32;
        HealthPolicy {
            check: match retries {
                2 => HealthCheck::Tcp { address: "localhost:80".to_owned() },
                _ => HealthCheck::Http { url: "http://localhost:80/health".to_owned() },
            },
            timeout: seconds(5),
            interval: seconds(10),
            retries,
            ready_within: dice.pick(&[None, None, None, Some(seconds(2))]),
            start_limit: dice.pick(&[Some(Duration::from_millis(1)), Some(seconds(3)), None, None]),
        }
    })
}

/// What a check finds.
pub fn any_verdict(dice: &mut Dice) -> Verdict {
    match dice.chance(30) {
        true => Verdict::Passed,
        false => Verdict::Failed { reason: "answered 503".to_owned(), answered: dice.chance(50) },
    }
}

/// Every life that runs and whose app has a check, and no other.
pub fn watched_exactly_while_it_runs(world: &World, step: &Step<'_>) -> Holds {
    let mut due = BTreeSet::new();
    for process in world.brain.processes() {
        let checked = world.brain.app(process.app).is_some_and(|spec| spec.health.is_some());
        if let (State::Running { run, .. }, true) = (&process.state, checked) {
            due.insert(*run);
        }
    }
    let trials = world.brain.trials.values();
    due.extend(
        trials.filter(|trial| trial.up.as_ref().is_some_and(|up| up.vitals.is_some())).map(|trial| trial.run),
    );
    ensure!(due == world.watched, "{:?} are watched, not {due:?}", world.watched);
    let mut begun = BTreeSet::new();
    for effect in step.effects {
        if let Effect::Watch { run, .. } = effect {
            ensure!(begun.insert(*run), "{run} is watched twice");
        }
    }
    Ok(())
}

/// A life that is checked is online from the first check that passes, and one of which a sign is
/// awaited from that sign; before, they are starting.
pub fn online_exactly_when_it_has_been_well(world: &World, _: &Step<'_>) -> Holds {
    for process in world.brain.processes() {
        let State::Running { run, .. } = &process.state else { continue };
        let checked = world.brain.app(process.app).is_some_and(|spec| spec.health.is_some());
        let online = process.state.status() == Status::Online;
        let awaited = world.ledger.waiter.promised.contains_key(run);
        let expected = (!checked || world.ledger.nurse.well.contains(run)) && !awaited;
        ensure!(online == expected, "{run} of {} is online: {online}, not {expected}", process.id);
    }
    Ok(())
}

/// So many failures in a row that count, no fewer and no more, are told and end the run.
pub fn unhealthy_exactly_at_the_limit(world: &World, step: &Step<'_>) -> Holds {
    let turned = world.ledger.nurse.turned;
    let told = step.effects.iter().find_map(|effect| match effect {
        Effect::Publish(event) if matches!(event.kind, EventKind::Unhealthy { .. }) => event.run,
        _ => None,
    });
    ensure!(told == turned, "{told:?} is told to be unhealthy, in truth it is {turned:?}");
    let Given::Input(super::super::Input::Fact(Fact::Checked { .. })) = step.given else { return Ok(()) };
    let ends = turned.filter(|run| world.ledger.nurse.unwell.contains_key(run));
    let signalled = step.effects.iter().find_map(|effect| match effect {
        Effect::Signal { run, .. } => Some(*run),
        _ => None,
    });
    // Who was in service behind a balancer answers what it has before it is asked.
    let all = world.brain.balanced().flat_map(|(app, _)| world.brain.routes(app)).collect::<Vec<_>>();
    let drains = ends.is_some_and(|run| all.iter().any(|route| route.run == run && route.draining));
    ensure!(
        signalled == ends.filter(|_| !drains),
        "{signalled:?} is asked to end by a check, and {ends:?} is to"
    );
    Ok(())
}

/// A verdict about a life that does not run, or is not checked, is nobody's business.
pub fn verdicts_of_the_unwatched_change_nothing(world: &World, step: &Step<'_>) -> Holds {
    let Given::Input(super::super::Input::Fact(Fact::Checked { run, .. })) = step.given else {
        return Ok(());
    };
    let checked = |app| world.brain.app(app).is_some_and(|spec| spec.health.is_some());
    let runs = step.before.values().any(|process| {
        let present = matches!(&process.state, State::Running { run: other, .. } if other == run);
        (present || process.trial == Some(*run)) && checked(process.app)
    });
    ensure!(runs || step.effects.is_empty(), "a verdict of {run} leads to effects");
    ensure!(runs || *step.before == world.brain.processes, "a verdict of {run} changes a row");
    Ok(())
}
