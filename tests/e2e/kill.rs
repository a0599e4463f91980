//! `kill -9` of an app, and `pmdaemon kill`.

use serde_json::Value;

use crate::support::{Home, SOON, fixture, proc, wait_for};

fn ms(event: &Value) -> i64 {
    event["ts"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

#[test]
fn a_killed_app_runs_again_at_once_without_any_command() {
    let home = Home::new();
    home.ok(&["start", &fixture("server.js"), "--name", "myapp"]);
    home.wait_for_line("myapp", "listening on");
    let api = home.api();
    let pid = home.pid("myapp");
    proc::kill_hard(pid);
    // Only /proc is looked at: nothing asks the daemon for anything.
    let new = wait_for("a new process", SOON, || home.living_as("server.js").into_iter().find(|p| *p != pid));
    let events = wait_for("its events", SOON, || {
        let started = api.events("myapp", "process.started");
        (started.len() == 2).then(|| (api.events("myapp", "process.exited"), started))
    });
    let (exited, started) = events;
    let gap = ms(&started[1]) - ms(&exited[0]);
    println!("running again {gap} ms after the end was seen");
    assert!((0..=1000).contains(&gap), "{gap} ms");
    assert_eq!(exited.len(), 1);
    assert_eq!(exited[0]["exit"]["signal"], "SIGKILL", "{}", exited[0]);
    assert!(exited[0]["detail"].as_str().unwrap().contains("SIGKILL"), "{}", exited[0]);
    let process = home.process("myapp");
    assert_eq!((process["pid"].as_i64(), process["restarts"].as_i64()), (Some(new), Some(1)), "{process}");
    assert!(home.ok(&["events", "myapp"]).contains("SIGKILL"));
}

#[test]
fn what_fails_again_and_again_is_given_up_and_says_why() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "other"]);
    home.run(&["start", &fixture("crash.sh"), "--max-restarts", "3", "--restart-delay", "10ms"]);
    let given_up = wait_for("crash is given up", SOON, || {
        let process = home.process("crash");
        (process["status"] == "errored").then_some(process)
    });
    assert_eq!(given_up["last_exit"]["code"], 3, "{given_up}");
    assert!(given_up["reason"].as_str().is_some_and(|why| !why.is_empty()), "{given_up}");
    assert!(home.ok(&["logs", "crash", "--err"]).contains("about to fail"));
    assert_eq!(home.process("other")["restarts"], 0);
}

#[test]
fn kill_ends_services_daemon_and_keeper_and_the_list_remains() {
    let home = Home::new();
    home.ok(&["start", &fixture("server.py"), "--name", "web", "--instances", "2"]);
    assert!(home.living().len() >= 4);
    assert_eq!(home.ok(&["kill"]), "All services are stopped; keeper and daemon have ended.\n");
    assert_eq!(home.living(), [0i64; 0]);
    assert_eq!(home.ok(&["kill"]), "There is no daemon: nothing to kill.\n");
    assert_eq!(home.living(), [0i64; 0], "kill starts nothing");
    let processes = home.processes();
    assert_eq!(processes.len(), 2);
    assert!(processes.iter().all(|p| p["status"] == "stopped"), "{processes:?}");
}

#[test]
fn kill_waits_for_a_daemon_that_is_not_its_keepers_child() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh")]);
    let (keeper, daemon) = home.keeper_and_daemon();
    proc::kill_hard(keeper);
    wait_for("a new keeper", SOON, || {
        home.json(&["status", "--json"])["daemon"]["keeper_pid"].as_i64().filter(|pid| *pid != keeper)
    });
    assert_eq!(home.keeper_and_daemon().1, daemon);
    home.ok(&["kill"]);
    assert_eq!(home.living(), [0i64; 0]);
}

#[test]
fn kill_asks_the_next_daemon_too_when_the_first_dies_of_it() {
    let home = Home::new();
    // It takes its time to stop.
    let slow = home.file("slow.sh", "trap 'sleep 3; exit 0' TERM\nwhile :; do sleep 0.05; done\n");
    home.ok(&["start", &slow]);
    let (_, daemon) = home.keeper_and_daemon();
    let mut kill = home.command(&["kill"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    wait_for("slow is stopping", SOON, || (home.process("slow")["status"] == "stopping").then_some(()));
    proc::kill_hard(daemon);
    let status = wait_for("the end of kill", 2 * SOON, || kill.try_wait().unwrap());
    assert!(status.success());
    assert_eq!(home.living(), [0i64; 0]);
    assert_eq!(home.process("slow")["status"], "stopped");
}
