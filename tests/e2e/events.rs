//! `events`: the life of a process in sentences.

use crate::support::{Home, fixture, proc, wait_until};

#[test]
fn the_life_of_an_app_is_told_in_order() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    proc::kill_hard(home.pid("web"));
    wait_until("a restart", crate::support::SOON, || {
        let web = home.process("web");
        web["restarts"] == 1 && web["status"] == "online"
    });
    home.ok(&["stop", "web"]);
    let events = home.json(&["events", "web", "--json"]);
    let kinds: Vec<&str> = events.as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap()).collect();
    let expected = ["created", "started", "exited", "started", "stop_asked", "exited", "stopped"];
    assert_eq!(kinds, expected.map(|kind| format!("process.{kind}")));
    let text = home.ok(&["events", "web"]);
    assert_eq!(text.lines().count(), kinds.len(), "{text}");
    assert!(text.lines().nth(2).unwrap().contains("SIGKILL"), "{text}");
    assert!(text.lines().nth(5).unwrap().contains("SIGTERM"), "{text}");
    home.ok(&["kill"]);
    let again = home.json(&["events", "web", "--json"]);
    assert_eq!(again.as_array().unwrap()[..kinds.len()], events.as_array().unwrap()[..], "it is kept");
}
