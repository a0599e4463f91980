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

#[test]
fn events_are_chosen_by_time_and_by_what_they_say() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    home.ok(&["start", &fixture("loop.sh"), "--name", "api"]);
    home.ok(&["restart", "web"]);
    let told = |more: &[&str]| home.ok(&[&["events"], more].concat());
    let all = told(&["--since", "1h"]);
    assert_eq!(all, told(&["--lines", "1000"]));
    assert_eq!(told(&["--since", "1h", "--lines", "2"]).lines().count(), 2);
    let ended = told(&["--grep", "exited|ended by"]);
    assert!(ended.lines().count() == 1 && ended.contains("web"), "{ended}");
    assert_eq!(told(&["api", "--grep", "exited|ended by"]), "");
    // What is after the first event of api is not before it.
    let events = home.json(&["events", "api", "--json"]);
    let first = events[0]["ts"].as_str().unwrap();
    let before = told(&["web", "--until", first]);
    assert!(before.contains("web was defined") && !before.contains("asked to end"), "{before}");
    assert!(!told(&["--since", first]).contains("web was defined"));
    for (option, value, words) in [("--grep", "(", "unclosed group"), ("--since", "soon", "17:19")] {
        let ran = home.run(&["events", option, value]);
        assert!(ran.code == 2 && ran.err.contains(words), "{ran:?}");
    }
}
