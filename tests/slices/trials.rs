//! What becomes of a new version that is no good: when it is known to be, and by what
//! (acceptance rows A4, B10, K5, K8).

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use super::balance::{balancer, start};
use super::shared_port::{self, Load, NODE, free_port, pids};
use crate::support::{Home, SOON, proc, wait_for, wait_until};

/// Answers its check with a status of its own.
const CHECKED: &str = r#"
const fs = require('fs'), http = require('http');
http.createServer((request, response) => {
  if (request.url === '/health') response.statusCode = HEALTH;
  response.end(String(process.pid));
}).listen(process.env.PORT, () => console.log('listening on', process.env.PORT));"#;

pub const CHECK: [&str; 6] = [
    "--health-check-url",
    "http://localhost:{port}/health",
    "--health-check-interval",
    "1s",
    "--health-check-retries",
    "2",
];

/// Far below the start limit of health checks, which is a minute.
pub const SOON_KNOWN: Duration = Duration::from_secs(20);

pub fn version(status: u16) -> String {
    CHECKED.replace("HEALTH", &status.to_string())
}

#[test]
fn k5_a_version_that_answers_its_check_wrongly_is_taken_back_after_its_retries() {
    let home = Home::new();
    let front = start(&home, &version(200), 2, &CHECK);
    let before = pids(&home);
    let load = Load::three_kinds(front, 2);
    home.file("app.js", &version(500));
    let ran = home.run(&["reload", "web"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("its new run is unhealthy: answered 500"), "{ran:?}");
    assert!(ran.took > Duration::from_secs(1) && ran.took < SOON_KNOWN, "{:?}", ran.took);
    load.more(20);
    let seen = load.end();
    assert_eq!(
        (&seen.pids, &pids(&home)),
        (&before, &before),
        "the old ones go on, and no other has answered"
    );
    seen.is_clean();
}

#[test]
fn k5_a_version_that_is_not_healthy_within_the_listen_timeout_is_taken_back() {
    let home = Home::new();
    let front = start(&home, &version(200), 1, &[&CHECK[..], &["--listen-timeout", "3s"]].concat());
    let info = home.ok(&["info", "web"]);
    assert!(info.contains("its health check, within 3s"), "{info}");
    // What is changed besides leaves it as it is.
    home.ok(&["set", "web:COLOUR", "blue"]);
    assert_eq!(home.json(&["info", "web", "--json"])["listen_timeout_ms"], 3000);
    let before = pids(&home);
    let load = Load::three_kinds(front, 2);
    home.file("app.js", "console.log('thinking'); setInterval(() => {}, 1000);");
    let ran = home.run(&["reload", "web"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("not healthy within 3 s: connection refused"), "{ran:?}");
    assert!(ran.took > Duration::from_secs(2) && ran.took < SOON_KNOWN, "{:?}", ran.took);
    load.more(20);
    load.end().is_clean();
    assert_eq!(pids(&home), before);
    let told = home.ok(&["events", "web"]);
    wait_until("the new run is gone", SOON, || {
        home.ok(&["events", "web"]).contains("as asked: taken back by its reload")
    });
    assert!(!told.contains("as asked: to be reloaded, "), "{told}");
}

#[test]
fn b12_a_start_that_is_not_healthy_within_the_listen_timeout_has_failed() {
    let home = Home::new();
    let script = home.file("app.js", "setInterval(() => {}, 1000);");
    let line = ["start", &script, "--name", "web", "--port", &free_port().to_string(), "--no-autorestart"];
    home.run(&[&line[..], &["--listen-timeout", "1s"]].concat()).refused(1, &["add --ready", "health check"]);
    let more = ["--health-check-tcp", "localhost:{port}", "--listen-timeout", "1s", "--wait-ready"];
    let ran = home.run(&[&line[..], &more].concat());
    assert!(ran.code == 1 && ran.err.contains("not healthy within 1 s: connection refused"), "{ran:?}");
    assert!(ran.took < SOON_KNOWN, "{:?}", ran.took);
}

#[test]
fn k5_what_others_answer_on_a_shared_port_proves_nothing_of_a_new_run() {
    let home = Home::new();
    let port = free_port();
    let more = [&CHECK[..], &["--listen-timeout", "3s", "--wait-ready"]].concat();
    shared_port::start(&home, &home.file("app.js", &version(200)), "web", 2, port, &more);
    let before = pids(&home);
    let load = Load::three_kinds(port, 2);
    home.file("app.js", "setInterval(() => {}, 1000);");
    let ran = home.run(&["reload", "web"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    // It neither accepts nor answers; both are known at the same moment.
    let late = ["its new run was not ready within 3 s", "its new run is unhealthy: not healthy within 3 s"];
    assert!(late.iter().any(|late| ran.err.contains(late)), "{ran:?}");
    load.more(20);
    load.end().is_clean();
    assert_eq!(pids(&home), before);
}

#[test]
fn the_port_of_a_new_run_is_listed_while_it_proves_itself() {
    let home = Home::new();
    let front = start(&home, NODE, 1, &[]);
    let held = home.process("web")["ports"][0].clone();
    let mut reload = home.command(&["reload", "web", "--soak", "60s"]).stdout(Stdio::null()).spawn().unwrap();
    let id = home.process("web")["id"].clone();
    wait_until("it has a port of its own, and listens", SOON, || {
        let ports = home.json(&["ports", "--json"]);
        let is_new = |row: &&Value| row["port"] != held && row["reserved_by"][0]["id"] == id;
        let behind = balancer(&home)["backends"].as_array().map(|all| all.len());
        let mut news = ports.as_array().unwrap().iter().filter(is_new);
        behind == Some(2)
            && news.any(|row| {
                row["listeners"][0]["id"] == id && row.get("conflict").is_none() && row["port"] != front
            })
    });
    home.ok(&["restart", "web"]);
    reload.wait().unwrap();
}

#[test]
fn what_is_stopped_or_deleted_is_gone_with_the_runs_that_a_reload_has_replaced() {
    for end in [&["stop", "web"][..], &["delete", "web", "--force"]] {
        let home = Home::new();
        let stubborn = format!("process.on('SIGTERM', () => {{}});{NODE}");
        start(&home, &stubborn, 1, &["--kill-timeout", "3s"]);
        home.file("app.js", NODE);
        home.ok(&["reload", "web"]);
        home.ok(end);
        assert_eq!(home.living_as("app.js"), Vec::<i64>::new(), "{end:?}");
    }
}

#[test]
fn a4_an_old_run_that_dies_during_a_reload_is_followed_by_the_new_one() {
    let home = Home::new();
    let (port, next, script) = (free_port().to_string(), free_port().to_string(), home.file("app.js", NODE));
    home.ok(&["start", &script, "--name", "web", "--port", &port]);
    let old = home.pid("web");
    let reload = home.command(&["reload", "web", "--port", &next, "--soak", "5s"]).spawn();
    let new = wait_for("two runs", SOON, || home.living_as("app.js").into_iter().find(|pid| *pid != old));
    proc::kill_hard(old);
    assert!(reload.unwrap().wait().unwrap().success());
    assert_eq!((home.pid("web"), home.process("web")["ports"][0].to_string()), (new, next));
}

#[test]
fn a_reload_that_is_overtaken_says_by_what() {
    let home = Home::new();
    start(&home, NODE, 2, &["--min-uptime", "10ms"]);
    for (command, by) in [(&["scale", "web", "3"][..], "a scale"), (&["restart", "web"], "a restart")] {
        let mut reload = home.command(&["reload", "web", "--soak", "60s"]);
        let reload = reload.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let id = wait_for("it is reloaded", SOON, || {
            let all = home.api().get("/api/v1/operations")["items"].as_array().unwrap().clone();
            all.iter()
                .find(|it| it["action"] == "reload" && it["state"] == "running")
                .map(|it| it["id"].to_string())
        });
        home.ok(command);
        let ended = reload.wait_with_output().unwrap();
        let err = String::from_utf8(ended.stderr).unwrap();
        assert!(err.contains(&format!("it was overtaken by {by}")), "{err}");
        let operation = home.api().get(&format!("/api/v1/operations/{id}"));
        let reasons = operation["items"].to_string();
        assert!(reasons.contains(&format!("the reload was overtaken by {by}")), "{operation}");
    }
}
