//! Programs that use PM2's io library, as npm has it (row J30): figures and actions of their own.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::home::wait_until_gone;
use crate::support::{Home, SOON, proc, wait_for, wait_until};

/// Where `tests/run` puts packages.
const PACKAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/pm2/node_modules");

/// An app with figures and actions. It listens, as services do: to see whether a program would end, the
/// library stops to hear for 200 ms, every 3 s, when nothing else is open.
const APP: &str = r#"
const io = require("@pm2/io");
const users = io.metric({ name: "Users", unit: "users" });
users.set(7);
const mode = io.metric({ name: "Mode" });
mode.set("busy");
io.action("more users", (param, reply) => {
  users.set(Number(param));
  reply({ users: Number(param) });
});
io.action("greet", (reply) => reply("hello"));
io.action("say nothing", (reply) => {});
process.on("message", (message) => {
  if (message.topic) console.log("message " + message.topic + " " + JSON.stringify(message.data));
});
require("net").createServer().listen(0, "127.0.0.1");
console.log("up");
"#;

/// A home with that app; none where the library is not installed.
fn with_app(instances: &str) -> Option<Home> {
    if !Path::new(PACKAGES).join("@pm2/io").exists() {
        eprintln!("skipped: @pm2/io is not in target/pm2, tests/run installs it");
        return None;
    }
    let home = Home::new();
    std::os::unix::fs::symlink(PACKAGES, home.work().join("node_modules")).unwrap();
    home.file("app.js", APP);
    home.ok(&["start", "app.js", "--name", "app", "-i", instances]);
    Some(home)
}

fn metric(home: &Home, process: &str, name: &str) -> Value {
    let process = home.process(process);
    let all = process["custom_metrics"].as_array().cloned().unwrap_or_default();
    all.into_iter().find(|metric| metric["name"] == name).unwrap_or_default()
}

#[test]
fn j30_figures_of_a_program_are_shown_everywhere() {
    let Some(home) = with_app("1") else { return };
    wait_until("the figures", SOON, || metric(&home, "app", "Mode")["value"] == "busy");
    assert_eq!(
        metric(&home, "app", "Users"),
        json!({"name": "Users", "value": "7", "number": 7.0, "unit": "users"})
    );
    let info = home.ok(&["info", "app"]);
    assert!(info.contains("Mode busy") && info.contains("Users 7 users"), "{info}");
    assert!(info.contains("more users") && info.contains("greet"), "{info}");
    let list = home.json(&["jlist"]);
    let env = &list[0]["pm2_env"];
    assert_eq!(env["axm_monitor"]["Users"]["value"], 7, "{env}");
    assert_eq!(env["axm_monitor"]["Users"]["unit"], "users");
    let names: Vec<&Value> =
        env["axm_actions"].as_array().unwrap().iter().map(|action| &action["action_name"]).collect();
    assert!(names.contains(&&json!("greet")), "{names:?}");
    let api = home.api();
    let text = |path: &str| api.send(api.request("GET", path)).text;
    let metrics = text("/metrics");
    let line =
        r#"pmdaemon_app_metric{app="app",namespace="default",instance="0",metric="Users",unit="users"} 7"#;
    assert!(metrics.lines().any(|other| other.starts_with(line)), "{metrics}");
    assert!(!metrics.contains("metric=\"Mode\""), "what is no number is no gauge");
    let page = text("/apps/app");
    assert!(page.contains("Its own figures") && page.contains("7 users"), "{page}");
    // Another daemon hears of figures again, and of offers from the keeper.
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until_gone(&[daemon]);
    wait_until("the figures", SOON, || metric(&home, "app", "Users")["value"] == "7");
    assert_eq!(home.ok(&["trigger", "app", "greet"]), "hello\n");
    // So do another keeper and another daemon at once.
    let both = home.keeper_and_daemon();
    proc::kill_hard(both.0);
    proc::kill_hard(both.1);
    wait_until_gone(&[both.0, both.1]);
    wait_until("they are back", SOON, || home.run(&["trigger", "app", "greet"]).out == "hello\n");
    // Of what does not run there is nothing.
    home.ok(&["stop", "app"]);
    assert_eq!(metric(&home, "app", "Users"), Value::Null);
    assert_eq!(home.json(&["jlist"])[0]["pm2_env"]["axm_monitor"], json!({}));
}

#[test]
fn j30_an_action_is_triggered_and_its_reply_printed() {
    let Some(home) = with_app("2") else { return };
    let offers = |name: &str| home.process(name)["actions"].as_array().is_some_and(|all| all.len() >= 3);
    wait_until("the offers", SOON, || offers("app-0") && offers("app-1"));
    assert_eq!(home.ok(&["trigger", "app-0", "more users", "12"]), "{\"users\":12}\n");
    wait_until("the new figure", SOON, || metric(&home, "app-0", "Users")["value"] == "12");
    assert_eq!(metric(&home, "app-1", "Users")["value"], "7");
    assert_eq!(home.ok(&["trigger", "app", "greet"]), "app-0: hello\napp-1: hello\n");
    home.run(&["trigger", "app", "dance"])
        .refused(1, &["\"dance\"", "it offers greet, ", "more users, say nothing"]);
    home.run(&["trigger", "other", "greet"]).refused(1, &["other"]);
    home.run(&["trigger", "app-1", "say nothing"]).refused(1, &["app-1 has not replied within 10 s"]);
    home.ok(&["stop", "app"]);
    home.run(&["trigger", "app", "greet"]).refused(1, &["nothing of app runs"]);
}

#[test]
fn j30_messages_reach_a_program_on_its_channel() {
    let Some(home) = with_app("1") else { return };
    home.wait_for_line("app", "up");
    let message = r#"{"type":"process:msg","topic":"rules","data":{"n":1}}"#;
    assert_eq!(home.ok(&["message", "app", message]), "Sent to app (id 0).\n");
    home.wait_for_line("app", r#"message rules {"n":1}"#);
    assert_eq!(home.run(&["message", "app", "{n:1}"]).code, 2);
    let long = json!({"topic": "x".repeat(20_000)}).to_string();
    home.run(&["message", "app", &long]).refused(1, &["16 KiB"]);
    home.run(&["message", "app", r#"{"cmd":"NODE_HANDLE"}"#]).refused(1, &["Node's own"]);
    let script = home.file("quiet.sh", "sleep 1000\n");
    home.ok(&["start", &script, "--name", "quiet"]);
    home.run(&["message", "quiet", "1"]).refused(1, &["quiet has no IPC channel", "ready: message"]);
    wait_for("both", SOON, || (home.processes().len() == 2).then_some(()));
}

/// The same words without the library: who greets says its pid.
const BARE: &str = r#"
process.send({ type: "axm:action", data: { action_name: "greet" } });
process.on("message", (message) => {
  if (message === "greet") process.send({ type: "axm:reply", data: { action_name: "greet", return: process.pid } });
});
setInterval(() => {}, 1000);
"#;

#[test]
fn j30_what_a_new_run_offered_before_it_replaced_the_old_one_is_known_after_the_reload() {
    let home = Home::new();
    let script = home.file("bare.js", BARE);
    home.ok(&["start", &script, "--name", "app"]);
    let greeted = || home.run(&["trigger", "app", "greet"]).out.trim().to_owned();
    let before = home.pid("app");
    wait_until("the offer", SOON, || greeted() == before.to_string());
    home.ok(&["reload", "app"]);
    let after = home.pid("app");
    assert_ne!(after, before);
    assert_eq!(greeted(), after.to_string());
}
