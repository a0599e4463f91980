//! `stop`: the whole tree, for good.

use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::{Home, SOON, fixture, home::wait_until_gone, proc, wait_for, wait_until};

/// Starts the forker; answers the pids of its main process and of its grandchildren.
fn forked(home: &Home) -> Vec<i64> {
    home.ok(&["start", &fixture("forker.py"), "--kill-timeout", "300ms"]);
    home.wait_for_line("forker", "forked");
    let out = home.ok(&["logs", "forker", "--raw"]);
    let told = |line: &str| line.split_once(' ').and_then(|(_, pid)| pid.parse().ok());
    let mut pids: Vec<i64> = out.lines().filter_map(told).collect();
    assert_eq!(pids.len(), 2, "{out}");
    pids.push(home.pid("forker"));
    assert!(pids.iter().all(|pid| proc::lives(*pid)), "{pids:?}");
    pids
}

#[test]
fn stop_returns_when_the_whole_tree_is_gone() {
    let home = Home::new();
    let pids = forked(&home);
    let out = home.ok(&["stop", "forker"]);
    let left: Vec<_> = pids.iter().filter(|pid| proc::lives(**pid)).collect();
    assert!(left.is_empty(), "{left:?} of {pids:?} live on");
    assert_eq!(out, "Stopped forker (id 0).\n");
}

#[test]
fn a_stopped_app_stays_stopped_and_comes_back_with_its_id() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "other"]);
    home.ok(&["start", &fixture("server.js"), "--name", "myapp"]);
    let (pid, id) = (home.pid("myapp"), home.process("myapp")["id"].clone());
    home.ok(&["stop", "myapp"]);
    assert!(!proc::lives(pid));
    assert_eq!(home.ok(&["stop", "myapp"]), "myapp (id 1) is already stopped.\n");

    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("a new daemon", SOON, || home.keeper_and_daemon().1 != daemon);
    assert_eq!(home.process("myapp")["status"], "stopped");
    assert_eq!(home.living_as("server.js"), [0i64; 0]);

    home.ok(&["kill"]);
    assert_eq!(home.process("myapp")["status"], "stopped", "after a whole restart");
    assert_eq!(home.living_as("server.js"), [0i64; 0]);

    home.ok(&["start", "myapp"]);
    let again = home.process("myapp");
    assert_eq!((&again["status"], &again["id"]), (&"online".into(), &id), "{again}");
    assert_eq!(home.living_as("server.js"), [again["pid"].as_i64().unwrap()]);
}

#[test]
fn what_does_not_end_when_asked_is_killed_after_its_time() {
    let home = Home::new();
    home.ok(&["start", &fixture("stubborn.sh"), "--kill-timeout", "400ms"]);
    home.wait_for_line("stubborn", "stubborn started");
    let pid = home.pid("stubborn");
    let ran = home.run(&["stop", "stubborn"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!proc::lives(pid));
    assert!(ran.took >= Duration::from_millis(400), "it had no time to end: {ran:?}");
    assert!(ran.took < Duration::from_secs(5), "{ran:?}");
    let events = home.ok(&["events", "stubborn"]);
    assert!(events.contains("SIGKILL"), "{events}");
    wait_for("its polite word before", SOON, || {
        home.ok(&["logs", "stubborn", "--raw"]).contains("not now").then_some(())
    });
}

#[test]
fn restart_and_delete_leave_nothing_of_the_old_tree() {
    let home = Home::new();
    let old = forked(&home);
    home.ok(&["restart", "forker"]);
    assert!(!old.iter().any(|pid| proc::lives(*pid)), "{old:?}");
    let process = home.process("forker");
    assert_eq!((process["status"].as_str(), process["restarts"].as_i64()), (Some("online"), Some(1)));
    home.wait_for_line("forker", "forked");
    let pid = home.pid("forker");
    assert_eq!(home.ok(&["delete", "forker"]), "Deleted forker (id 0).\n");
    wait_until_gone(&[pid]);
    assert_eq!(home.ok(&["list"]), "no processes\n");
    assert_eq!(home.living_as("forker.py"), [0i64; 0]);
}

#[test]
fn stop_all_says_how_many() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--instances", "3"]);
    home.ok(&["stop", "loop-1"]);
    let out = home.ok(&["stop", "all"]);
    assert_eq!(out.lines().last(), Some("Stopped 2."), "{out}");
    assert!(home.processes().iter().all(|p| p["status"] == "stopped"));
}

#[test]
fn a_new_keeper_knows_the_whole_tree() {
    let home = Home::new();
    let pids = forked(&home);
    let (keeper, _) = home.keeper_and_daemon();
    proc::kill_hard(keeper);
    wait_for("a new keeper", SOON, || {
        home.json(&["status", "--json"])["daemon"]["keeper_pid"].as_i64().filter(|pid| *pid != keeper)
    });
    assert!(pids.iter().all(|pid| proc::lives(*pid)), "{pids:?}");
    home.ok(&["stop", "forker"]);
    let left: Vec<_> = pids.iter().filter(|pid| proc::lives(**pid)).collect();
    assert!(left.is_empty(), "{left:?} of {pids:?} live on");
}

#[test]
fn grandchildren_of_a_crashed_app_do_not_live_beside_the_new_ones() {
    let home = Home::new();
    let old = forked(&home);
    proc::kill_hard(home.pid("forker"));
    wait_until("the next run", SOON, || {
        let forker = home.process("forker");
        forker["status"] == "online" && forker["restarts"] == 1
    });
    assert!(!old.iter().any(|pid| proc::lives(*pid)), "{old:?}");
}

#[test]
fn ctrl_c_says_that_a_stop_goes_on() {
    let home = Home::new();
    home.ok(&["start", &fixture("stubborn.sh"), "--name", "web", "--kill-timeout", "60s"]);
    home.wait_for_line("web", "stubborn started");
    let mut command = home.command(&["stop", "web"]);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("it is asked to end", SOON, || home.process("web")["status"] == "stopping");
    proc::send(i64::from(command.id()), Signal::SIGINT);
    let ended = command.wait_with_output().unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!((ended.status.code(), told.lines().count()), (Some(130), 1), "{told}");
    assert!(told.contains("what this stop has begun goes on"), "{told}");
    assert_eq!(home.process("web")["status"], "stopping");
    proc::kill_hard(home.pid("web"));
    wait_until("it is stopped", SOON, || home.process("web")["status"] == "stopped");
}
