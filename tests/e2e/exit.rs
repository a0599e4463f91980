//! Signals to keeper and daemon (acceptance row A14).

use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::home::PROGRAM;
use crate::support::raw::Raw;
use crate::support::{Home, SOON, fixture, proc, wait_for, wait_until};

/// A keeper in the foreground, as an init system has it.
fn keeper(home: &Home, args: &[&str]) -> Child {
    let mut all = vec!["keeper"];
    all.extend(args);
    let keeper = home.command(&all).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("a daemon serves", SOON, || home.path().join("token").exists());
    keeper
}

/// SIGTERM to it; its exit code.
fn terminated(mut keeper: Child) -> Option<i32> {
    proc::send(i64::from(keeper.id()), Signal::SIGTERM);
    wait_for("the keeper ends", 2 * SOON, || keeper.try_wait().unwrap()).code()
}

#[test]
fn a_keeper_that_is_asked_to_end_stops_services_which_come_back_at_the_next_start() {
    let home = Home::new();
    let running = keeper(&home, &[]);
    let polite = home.file("polite.sh", "trap 'echo bye; exit 0' TERM\nwhile :; do sleep 0.05; done\n");
    home.ok(&["start", &polite]);
    home.ok(&["start", &fixture("loop.sh"), "--name", "stopped"]);
    home.ok(&["stop", "stopped"]);
    let pid = home.pid("polite");
    assert_eq!(terminated(running), Some(0));
    assert_eq!(home.living(), [0i64; 0]);
    let again = keeper(&home, &[]);
    wait_until("polite runs again", SOON, || home.process("polite")["status"] == "online");
    assert_ne!(home.pid("polite"), pid);
    assert_eq!(home.process("stopped")["status"], "stopped");
    assert!(home.ok(&["logs", "polite", "--raw"]).contains("bye"), "it was asked, not killed");
    assert_eq!(terminated(again), Some(0));
}

#[test]
fn a_keeper_that_keeps_services_leaves_them_to_the_next_one() {
    let home = Home::new();
    let running = keeper(&home, &["--on-exit", "keep"]);
    home.ok(&["start", &fixture("loop.sh")]);
    let pid = home.pid("loop");
    // Also after an upgrade, and when it is another keeper that was started for the first.
    home.ok(&["upgrade", "--binary", PROGRAM]);
    assert_eq!(terminated(running), Some(0));
    assert!(proc::lives(pid));
    assert_eq!(home.living_as(" daemon"), [0i64; 0]);
    assert_eq!(home.pid("loop"), pid, "the next command takes it over");
    let (first, daemon) = home.keeper_and_daemon();
    proc::kill_hard(first);
    wait_until("the daemon has another keeper", SOON, || {
        let status = home.json(&["status", "--json"]);
        status["daemon"]["keeper_pid"].as_i64().is_some_and(|pid| pid != first)
    });
    assert_eq!(home.keeper_and_daemon().1, daemon);
    assert_eq!(home.pid("loop"), pid);
}

#[test]
fn what_becomes_of_services_is_one_of_two_words() {
    let home = Home::new();
    let mut command = home.command(&["keeper"]);
    let refused = crate::support::home::ran(command.env("PMDAEMON_ON_EXIT", "perhaps"));
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("PMDAEMON_ON_EXIT is \"perhaps\": use keep or stop"), "{refused:?}");
}

#[test]
fn a_daemon_that_is_asked_to_end_finishes_its_requests_and_is_replaced() {
    let home = Home::new();
    let slow = home.file("slow.sh", "trap 'sleep 1; exit 0' TERM\nwhile :; do sleep 0.05; done\n");
    home.ok(&["start", &slow]);
    home.ok(&["start", &fixture("loop.sh")]);
    let pid = home.pid("loop");
    let (keeper, daemon) = home.keeper_and_daemon();
    let raw = Raw::of(&home);
    let asking = raw.clone();
    let request = std::thread::spawn(move || {
        asking.ask("POST", "/api/v1/apps/slow/stop?wait=20s", Duration::from_secs(30))
    });
    wait_until("slow is stopping", SOON, || home.process("slow")["status"] == "stopping");
    proc::send(daemon, Signal::SIGTERM);
    let (status, body) = request.join().unwrap().expect("the request is answered");
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("\"stopped\""), "{body}");
    // Nobody was refused meanwhile: who asks now waits for the next daemon.
    let (status, _) = raw.ask("GET", "/api/v1/processes", SOON).expect("an answer, late perhaps");
    assert_eq!(status, 200);
    let (same, new) = home.keeper_and_daemon();
    assert_eq!(same, keeper);
    assert_ne!(new, daemon);
    assert_eq!(home.pid("loop"), pid);
}

#[test]
fn nobody_is_refused_while_the_daemon_is_killed_again_and_again() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh")]);
    let pid = home.pid("loop");
    let raw = Raw::of(&home);
    for _ in 0..5 {
        let daemon = home.keeper_and_daemon().1;
        proc::kill_hard(daemon);
        wait_until("it is gone", SOON, || !proc::lives(daemon));
        let begun = std::time::Instant::now();
        let (status, _) = raw.ask("GET", "/api/v1/processes", SOON).expect("it waits for the next daemon");
        println!("answered {:?} after the death of the daemon", begun.elapsed());
        assert_eq!(status, 200);
    }
    assert_eq!(home.pid("loop"), pid);
}
