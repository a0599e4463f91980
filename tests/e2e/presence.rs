//! What pmdaemon tells of its own ends.

use nix::sys::signal::Signal;

use crate::support::home::PROGRAM;
use crate::support::{Home, SOON, fixture, proc, wait_for, wait_until};

/// What was told of pmdaemon itself, newest last: kind and sentence.
fn own(home: &Home) -> Vec<(String, String)> {
    let events = home.json(&["events", "--json", "--lines", "1000"]);
    let own = events.as_array().unwrap().iter().filter(|event| event["id"].is_null());
    let text = |event: &serde_json::Value, member: &str| event[member].as_str().unwrap().to_owned();
    own.map(|event| (text(event, "type"), text(event, "detail"))).collect()
}

#[test]
fn each_end_of_daemon_and_keeper_is_an_event_of_the_next() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    assert_eq!(own(&home), [], "before the first daemon there was none");
    let mut number = 0;
    let mut told = |kind: &str, words: &str| {
        number += 1;
        let last = wait_for(kind, SOON, || Some(own(&home)).filter(|all| all.len() >= number));
        assert_eq!(last.len(), number, "{last:?}");
        let (is, text) = &last[number - 1];
        assert!(is == kind && text.contains(words), "{kind}, {words}: {last:?}");
    };
    let (keeper, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("it is gone", SOON, || !proc::lives(daemon));
    told("daemon.recovered", "killed or crashed; nobody was there for ");
    let (_, daemon) = home.keeper_and_daemon();
    proc::send(daemon, Signal::SIGTERM);
    wait_until("it is gone", SOON, || !proc::lives(daemon));
    told("daemon.started", "after it was asked to end");
    proc::kill_hard(keeper);
    told("keeper.renewed", "services went on");
    home.ok(&["upgrade", "--binary", PROGRAM]);
    told("daemon.started", "the daemon was replaced within ");
    for path in ["/api/v1/system/metrics", "/api/v1/apps/web/metrics"] {
        let answer = home.api().get(path);
        let metrics = answer.pointer("/items/0/metrics").unwrap_or(&answer);
        let kinds: Vec<&str> =
            metrics["marks"].as_array().unwrap().iter().map(|mark| mark["type"].as_str().unwrap()).collect();
        let own: Vec<&str> = kinds.iter().copied().filter(|kind| !kind.starts_with("process.")).collect();
        let expected = ["daemon.recovered", "daemon.started", "keeper.renewed", "daemon.started"];
        assert_eq!(own, expected, "{path}: {kinds:?}");
    }
    home.ok(&["kill"]);
    told("daemon.started", "after all of pmdaemon was stopped");
    let text = home.ok(&["events"]);
    assert!(text.contains("killed or crashed"), "{text}");
}
