//! `why` of a program whose port somebody else has.

use std::net::TcpListener;

use serde_json::Value;

use crate::support::{Home, SOON, fixture, wait_until};

fn errored(home: &Home, name: &str) -> bool {
    home.process(name)["status"] == "errored"
}

#[test]
fn why_says_who_has_the_port_and_what_to_do() {
    let home = Home::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let variable = format!("PORT={port}");
    let start = ["start", &fixture("server.js"), "--max-restarts", "1", "--env", &variable, "--name"];
    home.run(&[&start[..], &["web"]].concat());
    wait_until("it is given up", SOON, || errored(&home, "web"));
    let me = std::process::id();
    let text = home.ok(&["why", "web"]);
    let words = format!("what to do    port {port} is used by ");
    assert!(text.contains(&words) && text.contains(&format!("(pid {me}), which is none of")), "{text}");
    let json: Value = home.json(&["why", "web", "--json"]);
    assert!(json[0]["advice"].as_str().unwrap().contains("give web another port"), "{json}");
    // Of several instances of one program one has it.
    drop(listener);
    home.ok(&["delete", "web"]);
    home.run(&[&start[..], &["pair", "-i", "2"]].concat());
    wait_until("one of them is given up", SOON, || errored(&home, "pair-0") || errored(&home, "pair-1"));
    let (lost, won) = match errored(&home, "pair-0") {
        true => ("pair-0", "pair-1"),
        false => ("pair-1", "pair-0"),
    };
    home.wait_for_line(won, "listening on");
    let text = home.ok(&["why", lost]);
    for words in ["of the same app", &format!("--balance {port}"), &format!("--port {port}-{}", port + 1)] {
        assert!(text.contains(words), "{words}: {text}");
    }
    // What does not complain of a port gets no advice.
    home.ok(&["start", &fixture("loop.sh"), "--name", "calm"]);
    assert!(!home.ok(&["why", "calm"]).contains("what to do"));
}
