//! How long it takes until the API answers when 500 services are running already: after the death
//! of the daemon, after that of daemon and keeper, and over an upgrade. A daemon that dies several
//! times within 5 s is started after growing waits, which are in the longest times.
//!
//! `cargo bench --bench adoption`

#[path = "../support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use support::raw::Raw;
use support::{Home, proc, wait_until};

const SERVICES: usize = 500;
/// What a user waits for at most after a death.
const GOAL: Duration = Duration::from_millis(500);

fn main() {
    let home = Home::new();
    home.ok(&["start", "sleep 100000", "--name", "many", "--instances", &SERVICES.to_string()]);
    let raw = Raw::of(&home);
    let running = || {
        let all = raw.processes().unwrap_or_default();
        all.iter().filter(|process| process["status"] == "online").count()
    };
    wait_until("all of them run", Duration::from_secs(120), || running() == SERVICES);
    let before = home.living_as("sleep 100000");
    let measure = |what: &str, strike: &dyn Fn() -> Instant| {
        let mut times: Vec<Duration> = (0..5)
            .map(|_| {
                let begun = strike();
                wait_until("the API answers", Duration::from_secs(60), || raw.is_ready());
                let time = begun.elapsed();
                assert_eq!(running(), SERVICES, "{what}");
                time
            })
            .collect();
        times.sort();
        println!("{what}: {:?} (median of 5, {:?} at most; the goal is {GOAL:?})", times[2], times[4]);
    };
    measure("the daemon is killed", &|| {
        let daemon = home.keeper_and_daemon().1;
        let begun = Instant::now();
        proc::kill_hard(daemon);
        begun
    });
    measure("daemon and keeper are killed, and a command is typed", &|| {
        let (keeper, daemon) = home.keeper_and_daemon();
        proc::send(daemon, nix::sys::signal::Signal::SIGSTOP);
        proc::kill_hard(keeper);
        proc::kill_hard(daemon);
        wait_until("they are gone", Duration::from_secs(10), || !proc::lives(keeper) && !proc::lives(daemon));
        let begun = Instant::now();
        home.ok(&["status"]);
        begun
    });
    measure("pmdaemon upgrade, with the self-check, from start to end", &|| {
        let begun = Instant::now();
        home.ok(&["upgrade"]);
        begun
    });
    assert_eq!(home.living_as("sleep 100000"), before, "the same processes");
    let begun = Instant::now();
    home.ok(&["kill"]);
    println!("pmdaemon kill ended all of it in {:?}", begun.elapsed());
}
