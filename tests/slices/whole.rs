//! A reload that brings another definition, or another number of processes, is one thing: all of it
//! comes, or the app is as it was.

use std::process::Stdio;

use serde_json::Value;

use super::shared_port::{self, NODE, free_port, pids};
use crate::support::{Home, SOON, proc, wait_until};

/// Bears being anything but the first process.
fn bad_first() -> String {
    format!("if (process.env.NODE_APP_INSTANCE === '0') throw new Error('not me');\n{NODE}")
}

/// Ends at once.
const CRASH: &str = "throw new Error('bad indeed');";

fn shared(home: &Home, name: &str, instances: u32) -> u16 {
    let port = free_port();
    let script = home.file(&format!("{name}.js"), NODE);
    shared_port::start(home, &script, name, instances, port, &["--listen-mode", "shared"]);
    port
}

fn reloads(home: &Home) -> Vec<Value> {
    let all = home.api().get("/api/v1/operations");
    all["items"].as_array().unwrap().iter().filter(|it| it["action"] == "reload").cloned().collect()
}

#[test]
fn a_reload_with_options_ends_at_the_first_that_fails() {
    let home = Home::new();
    shared(&home, "web", 3);
    let before = pids(&home);
    home.file("web.js", &bad_first());
    let ran = home.run(&["reload", "web", "--max-memory", "300M"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("the reload ended at web-0"), "{ran:?}");
    assert!(ran.err.contains("not reloaded: web-1, web-2"), "{ran:?}");
    assert!(ran.err.contains("the definition of before is back"), "{ran:?}");
    assert_eq!(ran.out, "", "{ran:?}");
    assert_eq!(pids(&home), before, "nobody else was touched");
    let reloads = reloads(&home);
    assert_eq!(reloads.len(), 1, "{reloads:?}");
    assert_eq!(reloads[0]["progress"]["total"], 3, "{reloads:?}");
}

#[test]
fn a_reload_to_another_number_changes_it_after_all_others() {
    let home = Home::new();
    shared(&home, "web", 3);
    let before = pids(&home);
    let told = home.ok(&["reload", "web", "-i", "2"]);
    assert!(told.contains("Deleted web-2"), "{told}");
    let after = pids(&home);
    assert!(after.is_disjoint(&before) && after.len() == 2, "{before:?} {after:?}");
    let told = home.ok(&["reload", "web", "-i", "4", "--max-memory", "300M"]);
    assert!(told.contains("Started web-3"), "{told}");
    assert_eq!(pids(&home).len(), 4);
    assert_eq!(home.api().get("/api/v1/apps/web")["instances"], 4);
    assert_eq!(reloads(&home).len(), 2);
}

#[test]
fn a_reload_that_fails_leaves_the_number_as_it_was() {
    let home = Home::new();
    shared(&home, "web", 2);
    let before = pids(&home);
    home.file("web.js", CRASH);
    for number in ["4", "1"] {
        let ran = home.run(&["reload", "web", "-i", number]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.err.contains("the reload ended at web-0"), "{ran:?}");
        assert_eq!(pids(&home), before);
        assert_eq!(home.api().get("/api/v1/apps/web")["instances"], 2);
    }
}

#[test]
fn what_is_stopped_has_its_new_number_at_once() {
    let home = Home::new();
    shared(&home, "web", 2);
    home.ok(&["stop", "web"]);
    home.run(&["reload", "web", "-i", "3"]).refused(1, &["is not reloaded"]);
    assert_eq!(home.processes().len(), 3);
}

#[test]
fn the_last_lines_are_those_of_the_run_that_failed() {
    let home = Home::new();
    shared(&home, "web", 2);
    let before = pids(&home);
    home.file("web.js", CRASH);
    let ran = home.run(&["reload", "web"]);
    assert!(ran.err.contains("bad indeed"), "{ran:?}");
    home.file("web.js", "console.log('hangs'); setInterval(() => {}, 1000);");
    let ran = home.run(&["reload", "web", "--ready", "port", "--listen-timeout", "1500"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("not ready within") && ran.err.contains("hangs"), "{ran:?}");
    assert!(!ran.err.contains("bad indeed"), "{ran:?}");
    assert_eq!(pids(&home), before);
}

#[test]
fn a_reload_can_be_cancelled_by_its_number() {
    let home = Home::new();
    shared(&home, "web", 3);
    let before = pids(&home);
    let mut reload = home.command(&["reload", "web", "--soak", "60s"]);
    let reload = reload.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("it is reloaded", SOON, || reloads(&home).iter().any(|it| it["state"] == "running"));
    let id = reloads(&home)[0]["id"].to_string();
    let listed = home.ok(&["operations"]);
    assert!(listed.lines().any(|line| line.contains(&id) && line.contains("running")), "{listed}");
    home.run(&["reload", "web"]).refused(1, &[&format!("pmdaemon operations cancel {id}")]);
    let told = home.ok(&["operations", "cancel", &id]);
    assert!(told.contains(&format!("Cancelled operation {id} (reload)")), "{told}");
    let ended = reload.wait_with_output().unwrap();
    let err = String::from_utf8(ended.stderr).unwrap();
    assert!(err.contains("was cancelled by") && err.contains("not reloaded: web-0, web-1, web-2"), "{err}");
    assert_eq!(pids(&home), before);
    home.run(&["operations", "cancel", &id]).refused(1, &["is over"]);
    home.run(&["operations", "cancel", "4711"]).refused(1, &["there is no operation 4711"]);
    // The run that was taken back was asked to end by that.
    wait_until("it has ended", SOON, || home.ok(&["why", "web-0"]).contains("as asked"));
    assert!(!home.ok(&["why", "web-0"]).contains("nobody asked"));
}

#[test]
fn a_reload_whose_daemon_dies_says_how_far_it_came() {
    let home = Home::new();
    shared(&home, "web", 3);
    let mut reload = home.command(&["reload", "web", "--soak", "60s"]);
    let reload = reload.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("it is reloaded", SOON, || reloads(&home).iter().any(|it| it["state"] == "running"));
    proc::kill_hard(home.keeper_and_daemon().1);
    let ended = reload.wait_with_output().unwrap();
    let err = String::from_utf8(ended.stderr).unwrap();
    assert!(err.contains("the reload was interrupted") && err.contains("left: web-0"), "{err}");
    assert_eq!(ended.status.code(), Some(1));
}

#[test]
fn the_json_of_a_reload_that_fails_says_why_and_in_which_operation() {
    let home = Home::new();
    shared(&home, "web", 2);
    home.file("web.js", CRASH);
    let ran = home.run(&["reload", "web", "--json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(told[0]["code"], "reload_failed", "{told}");
    assert_eq!(told[0]["operation"], reloads(&home)[0]["id"], "{told}");
    assert!(told[0]["detail"].as_str().unwrap().contains("exit code 1"), "{told}");
}

/// Applies a file with that script and number.
fn declare(home: &Home, script: &str, instances: u32, port: u16) -> (i32, String) {
    let text = format!(
        "module.exports = {{ apps: [{{ name: 'web', script: '{script}', instances: {instances}, port: {port}, \
         listen_mode: 'shared' }}] }};"
    );
    let file = home.file("w.config.js", &text);
    let ran = home.run(&["apply", &file, "-y"]);
    (ran.code, ran.out + &ran.err)
}

#[test]
fn an_apply_that_fails_takes_the_number_back_too() {
    let home = Home::new();
    let port = free_port();
    let (good, zero, crash) =
        (home.file("good.js", NODE), home.file("zero.js", &bad_first()), home.file("crash.js", CRASH));
    let ran = declare(&home, &good, 2, port);
    assert_eq!(ran.0, 0, "{ran:?}");
    home.wait_for_line("web-1", "listening on");
    let before = pids(&home);
    for (script, number) in [(&zero, 4), (&crash, 1)] {
        let ran = declare(&home, script, number, port);
        assert_eq!(ran.0, 1, "{ran:?}");
        assert!(ran.1.contains("the definition of before is back"), "{ran:?}");
        assert_eq!(pids(&home), before, "{ran:?}");
        let app = &home.api().get("/api/v1/apps/web");
        assert_eq!((&app["instances"], app["script"].as_str()), (&2.into(), Some(&*good)), "{app}");
    }
    let other = home.file("other.js", NODE);
    let ran = declare(&home, &other, 3, port);
    assert_eq!(ran.0, 0, "{ran:?}");
    assert!(pids(&home).is_disjoint(&before) && pids(&home).len() == 3, "{ran:?}");
    let ran = declare(&home, &good, 1, port);
    assert_eq!(ran.0, 0, "{ran:?}");
    assert_eq!(pids(&home).len(), 1, "{ran:?}");
}
