//! `web` and `open`: a way in for browsers.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use nix::sys::signal::Signal;

use crate::support::{Home, fixture, proc};

/// The URL after that word in the text.
fn url<'a>(text: &'a str, title: &str) -> &'a str {
    let line = text.lines().find(|line| line.starts_with(title)).unwrap_or_else(|| panic!("{text}"));
    line.split_whitespace().find(|word| word.starts_with("http://")).unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn web_serves_until_it_is_interrupted_and_services_go_on() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh")]);
    let pid = home.pid("loop");
    let api = home.api();
    let mut child =
        home.command(&["web", "--port", "0"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("Log in:") {
        assert!(out.read_line(&mut text).unwrap() > 0, "it ended: {text}");
    }
    let address = url(&text, "Dashboard:");
    assert!(url(&text, "Log in:").starts_with(&format!("{address}/login/once?code=")), "{text}");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let status = || api.block_on(http.get(format!("{address}/healthz")).send()).map(|answer| answer.status());
    assert_eq!(status().unwrap(), 200);

    proc::send(i64::from(child.id()), Signal::SIGINT);
    assert!(child.wait().unwrap().success());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert!(err.contains("is closed; services and daemon go on"), "{err}");
    assert!(status().is_err(), "the address is gone");
    assert_eq!(home.pid("loop"), pid);
}

#[test]
fn a_detached_address_outlives_the_daemon() {
    let home = Home::new();
    let text = home.ok(&["web", "--port", "0", "--detach"]);
    let address = url(&text, "Dashboard:").to_owned();
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    crate::support::wait_until("a new daemon", crate::support::SOON, || home.keeper_and_daemon().1 != daemon);
    assert!(home.ok(&["status"]).contains(&address), "{}", home.ok(&["status"]));
}

#[test]
fn open_prints_a_link_and_nothing_else_on_stdout() {
    let home = Home::new();
    let out = home.ok(&["open"]);
    let api = home.api();
    assert!(out.starts_with(&format!("{}/login/once?code=", api.origin())), "{out}");
    assert_eq!(out.lines().count(), 1);
}

#[test]
fn an_address_for_the_whole_world_is_refused() {
    let home = Home::new();
    home.run(&["web", "--host", "0.0.0.0", "--port", "0", "--detach"]).refused(1, &["0.0.0.0", "--tls-cert"]);
    let api = home.api();
    api.post("/api/v1/system/listeners", &serde_json::json!({"host": "0.0.0.0", "port": 0}));
    let status = home.json(&["status", "--json"]);
    for listener in status["daemon"]["listeners"].as_array().unwrap() {
        assert_eq!(listener["host"], "127.0.0.1", "{status}");
    }
}

#[test]
fn a_port_in_use_is_refused_with_its_owner() {
    let home = Home::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let me = std::process::id().to_string();
    home.run(&["web", "--port", &port, "--detach"]).refused(1, &[&port, &format!("pid {me}")]);
}
