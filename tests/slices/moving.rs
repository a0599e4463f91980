//! Apps that go over from one way to listen to another one, on the same port or to another.

use serde_json::json;

use super::balance::balancer;
use super::shared_port::{Load, NODE, PYTHON, ask, free_port, start};
use crate::support::{Home, SOON, wait_until};

/// A file with the one app `web`, of two processes, and that.
fn file(home: &Home, script: &str, more: serde_json::Value) -> String {
    let mut app = json!({"name": "web", "script": script, "instances": 2});
    app.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    home.file("app.json", &json!({ "apps": [app] }).to_string())
}

fn all_online(home: &Home) -> bool {
    home.processes().iter().all(|process| process["status"] == "online")
}

fn is_private(process: &serde_json::Value) -> bool {
    process["ports"][0].as_u64() >= Some(20_000)
}

fn is_shared(home: &Home, port: u16) -> bool {
    let app = home.json(&["info", "web", "--json"]);
    let on_it = home.processes().iter().all(|process| process["ports"] == json!([port]));
    app["listen_mode"] == "shared" && on_it && app.get("balancer").is_none_or(serde_json::Value::is_null)
}

#[test]
fn a_shared_port_becomes_a_balancers_and_shared_again_and_nobody_is_refused() {
    let home = Home::new();
    let (port, script) = (free_port(), home.file("app.js", NODE));
    home.ok(&["apply", "-y", &file(&home, &script, json!({"port": port}))]);
    wait_until("it answers", SOON, || ask(port).is_ok());
    let load = Load::begin(port, 3, 3);
    load.more(50);
    home.ok(&["apply", "-y", &file(&home, &script, json!({"balance": port}))]);
    load.more(50);
    let app = home.json(&["info", "web", "--json"]);
    assert_eq!((&app["listen_mode"], &app["balance"]["port"]), (&json!("proxy"), &json!(port)));
    assert!(home.processes().iter().all(is_private));
    let asked = || balancer(&home)["requests"].as_u64().unwrap();
    let before = asked();
    load.more(50);
    assert!(asked() >= before + 50, "somebody else answers, too");
    home.ok(&["apply", "-y", &file(&home, &script, json!({"port": port}))]);
    load.more(50);
    assert!(is_shared(&home, port));
    load.end().is_clean();
}

#[test]
fn reload_and_restart_say_only_what_becomes_of_the_port() {
    let home = Home::new();
    let (port, script) = (free_port(), home.file("app.py", PYTHON));
    start(&home, &script, "web", 2, port, &[]);
    let web = home.file("web.js", NODE);
    home.run(&["start", &web, "--name", "api", "--balance", &port.to_string()]).refused(1, &["port"]);
    home.ok(&["delete", "web", "--force"]);
    start(&home, &web, "web", 2, port, &[]);
    let load = Load::begin(port, 2, 2);
    load.more(20);
    home.ok(&["reload", "web", "--balance", &port.to_string()]);
    load.more(20);
    assert_eq!(home.json(&["info", "web", "--json"])["listen_mode"], "proxy");
    home.ok(&["reload", "web", "--listen-mode", "shared"]);
    load.more(20);
    assert!(is_shared(&home, port));
    load.end().is_clean();
    home.ok(&["restart", "web", "--balance", &port.to_string()]);
    wait_until("it answers", SOON, || all_online(&home) && ask(port).is_ok());
    assert_eq!(home.json(&["info", "web", "--json"])["balance"]["port"], json!(port));
    home.ok(&["restart", "web", "--listen-mode", "shared"]);
    wait_until("it answers", SOON, || all_online(&home) && ask(port).is_ok());
    assert!(is_shared(&home, port));
}

#[test]
fn a_change_that_fails_leaves_the_port_as_it_was() {
    let home = Home::new();
    let (port, script) = (free_port(), home.file("app.js", NODE));
    home.ok(&["apply", "-y", &file(&home, &script, json!({"port": port}))]);
    wait_until("it answers", SOON, || ask(port).is_ok());
    let load = Load::begin(port, 2, 2);
    load.more(20);
    let broken = home.file("broken.js", "process.exit(3);");
    let ran = home.run(&["apply", "-y", &file(&home, &broken, json!({"balance": port}))]);
    assert!(ran.code == 1 && ran.err.contains("exit code 3"), "{ran:?}");
    load.more(20);
    assert!(is_shared(&home, port));
    assert!(all_online(&home));
    load.end().is_clean();
}

#[test]
fn who_waits_at_the_old_port_is_answered_and_the_way_back_is_beside_too() {
    let home = Home::new();
    let (port, other, script) = (free_port(), free_port(), home.file("app.js", NODE));
    start(&home, &script, "web", 2, port, &["--env", "DELAY=5"]);
    let load = Load::fresh(port, 6);
    load.more(100);
    let said = home.ok(&["reload", "web", "--port", &other.to_string()]);
    assert!(!said.contains("Paused"), "{said}");
    wait_until("the old socket is closed", SOON, || load.seen().refused > 0);
    let seen = load.end();
    assert_eq!(seen.broken, Vec::<String>::new());
    let load = Load::fresh(other, 6);
    load.more(100);
    let said = home.ok(&["reload", "web"]);
    assert!(!said.contains("Paused"), "{said}");
    wait_until("the other socket is closed", SOON, || load.seen().refused > 0);
    assert_eq!(load.end().broken, Vec::<String>::new());
    assert!(is_shared(&home, port) && ask(port).is_ok());
}

#[test]
fn a_port_that_one_process_has_bound_becomes_its_balancers() {
    let home = Home::new();
    let (port, script) = (free_port(), home.file("app.js", NODE));
    home.ok(&["start", &script, "--name", "web", "--port", &port.to_string()]);
    wait_until("it answers", SOON, || ask(port).is_ok());
    home.ok(&["reload", "web", "--balance", &port.to_string()]);
    wait_until("its balancer answers", SOON, || {
        ask(port).is_ok() && balancer(&home)["requests"].as_u64() > Some(0)
    });
    assert!(is_private(&home.process("web")));
}
