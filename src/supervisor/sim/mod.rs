//! The simulation: the supervisor against an operating system and users that do their worst.
//!
//! [`world`] is the operating system, the keeper and the store, [`life`] a program of any
//! character; [`users`] gives the commands; [`ledger`] remembers what an observer would, without
//! looking into the supervisor; [`invariants`], [`policy`], [`ports`], [`health`], [`ready`], [`trials`], [`depends`], [`schedule`], [`watch`],
//! [`balance`], [`rolling`] and [`verbs`] state what must
//! hold after every step, [`outcomes`] what must hold in the end. A story is a seed: the same seed always
//! gives the same story, so a failing one is found again by its number. It prints its inputs.
//!
//! [`stories`] are single ones, told like a manual. [`planted`] are mistakes, to see that the
//! invariants find them.
//!
//! `PMDAEMON_SIM_STORIES` is the number of random stories, 2,000 if it is not set.

mod balance;
mod depends;
mod health;
mod invariants;
mod ledger;
mod life;
mod limits;
mod outcomes;
pub(super) mod planted;
mod policy;
mod ports;
mod ready;
mod rolling;
mod schedule;
mod spread;
mod stories;
mod trials;
mod users;
mod verbs;
mod watch;
mod world;

use planted::Mistake;
use world::World;

/// Tells the story of that seed. Answers with its diary, or with what went wrong in it.
fn tell(seed: u64) -> Result<Vec<String>, String> {
    let mut world = World::new(seed);
    world.keeps_diary = true;
    match live(&mut world) {
        Ok(()) => Ok(world.diary),
        Err(broken) => Err(format!("story {seed}: {broken}\n{}", world.diary.join("\n"))),
    }
}

/// The same story with no diary, which takes more time than the story. Answers with what went wrong.
fn happens(seed: u64) -> Result<(), String> {
    live(&mut World::new(seed))
}

fn live(world: &mut World) -> Result<(), String> {
    world.begin()?;
    (0..world.steps()).try_for_each(|_| world.go_on())?;
    world.calm_down()
}

#[test]
fn every_invariant_holds_after_every_step_of_every_story() {
    let stories = std::env::var("PMDAEMON_SIM_STORIES").ok().and_then(|text| text.parse().ok());
    let stories = stories.unwrap_or(2_000);
    let tellers = std::thread::available_parallelism().map_or(1, |number| number.get() as u64);
    std::thread::scope(|scope| {
        for teller in 0..tellers {
            scope.spawn(move || {
                for seed in (teller..stories).step_by(tellers as usize) {
                    if let Err(broken) = happens(seed) {
                        panic!("{}", tell(seed).err().unwrap_or(broken));
                    }
                }
            });
        }
    });
}

#[test]
fn same_seed_same_story() {
    for seed in 0..50 {
        assert_eq!(tell(seed), tell(seed));
    }
}

#[test]
fn stories_are_eventful() {
    let diaries: Vec<String> = (0..600).flat_map(|seed| tell(seed).expect("holds")).collect();
    let all = diaries.join("\n");
    for word in [
        "Launch",
        "Signal",
        "KillTree",
        "Forget",
        "Release",
        "SpawnFailed",
        "TreeGone",
        "HandsRenewed",
        "BackingOff",
        "UnstableRuns",
        "CannotSpawn",
        "NoPort",
        "PortTaken",
        "PortsExhausted",
        "Move",
        "Finished",
        "Ended(",
        "Killed",
        "AppGone",
        "NameTaken",
        "BeingDeleted",
        "ShuttingDown",
        "AlreadySo",
        "the daemon crashes",
        "a row is lost",
        "Unwatch",
        "restarts: true",
        "restarts: false",
        "Errored(Unhealthy",
        "Reloading",
        "ReloadFailed",
        "Interrupted",
        "Signalled",
        "CountersReset",
        "Updated",
        "Scale }",
        "StillUp",
        "BadCount",
        "NotRunning",
        "OverMemory",
        "reason: OverMemory {",
        "HostBudget",
        "Waiting",
        "Waits",
        "Needed",
        "Absent",
        "StopTakenBack",
        "UnknownDependency",
        "DependencyCycle",
        "NeverHealthy",
        "NeverCompleted",
        "Unawait",
        "KeepReady",
        "NotReady",
        "Errored(NotReady",
        "scope: Message",
        "beside: true",
        "FilesChanged { file",
        "Scheduled { late: None",
        "Scheduled { late: Some",
        "SlotSkipped",
        "SlotQueued",
        "SlotMissed",
        "ClockSet",
        "Drained",
        "draining",
    ] {
        assert!(all.contains(word), "no story has {word}");
    }
}

#[test]
fn every_planted_mistake_is_found() {
    let mut missed = Vec::new();
    for (mistake, known) in Mistake::ALL.iter().copied() {
        planted::plant(Some(mistake));
        // Some need a rare story. One that cannot go on has found something, too.
        let fails = |seed| match std::panic::catch_unwind(|| happens(seed)) {
            Ok(told) => told.err(),
            Err(_) => Some("it cannot go on".to_owned()),
        };
        // A story that goes wrong by itself finds nothing.
        let holds_without = |seed| {
            planted::plant(None);
            let holds = happens(seed).is_ok();
            planted::plant(Some(mistake));
            holds
        };
        let mut stories = std::iter::once(known).chain(0..8_000);
        let found = stories.find_map(|seed| Some(seed).zip(fails(seed)).filter(|_| holds_without(seed)));
        planted::plant(None);
        match found {
            Some((seed, broken)) => println!("{mistake:?} is found in story {seed}: {broken}"),
            None => missed.push(mistake),
        }
    }
    for (mistake, story) in Mistake::TOLD.iter().copied() {
        planted::plant(Some(mistake));
        let found = std::panic::catch_unwind(story).is_err();
        planted::plant(None);
        missed.extend(Some(mistake).filter(|_| !found));
    }
    assert!(missed.is_empty(), "nothing finds {missed:?}");
}
