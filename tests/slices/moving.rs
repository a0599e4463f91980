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

/// A balancer that is asked to end is there until it has.
fn becomes_shared(home: &Home, port: u16) {
    wait_until("all share the port, without a balancer", SOON, || is_shared(home, port));
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
    becomes_shared(&home, port);
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
    becomes_shared(&home, port);
    load.end().is_clean();
    home.ok(&["restart", "web", "--balance", &port.to_string()]);
    wait_until("it answers", SOON, || all_online(&home) && ask(port).is_ok());
    assert_eq!(home.json(&["info", "web", "--json"])["balance"]["port"], json!(port));
    home.ok(&["restart", "web", "--listen-mode", "shared"]);
    wait_until("it answers", SOON, || all_online(&home) && ask(port).is_ok());
    becomes_shared(&home, port);
}

#[test]
fn who_is_moved_to_where_it_is_pauses_only_if_it_binds_the_port_by_itself_and_says_so() {
    let home = Home::new();
    let (port, script) = (free_port(), home.file("app.js", NODE));
    home.ok(&["start", &script, "--name", "web", "--port", &port.to_string()]);
    let ran = home.run(&["reload", "web", "--port", &port.to_string()]);
    assert!(ran.code == 0 && ran.err.contains("Paused while they were reloaded: web."), "{ran:?}");
    home.ok(&["delete", "web", "--force"]);
    start(&home, &script, "web", 2, port, &[]);
    let ran = home.run(&["reload", "web", "--port", &port.to_string()]);
    assert!(ran.code == 0 && !ran.err.contains("Paused"), "{ran:?}");
    let events = home.ok(&["events", "web"]);
    assert!(events.contains("a new run begins beside the present one"), "{events}");
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
    becomes_shared(&home, port);
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

/// So many ports in a row that nobody has.
fn free_range(many: u16) -> u16 {
    let all_free =
        |first: u16| (first..first + many).all(|port| std::net::TcpListener::bind(("0.0.0.0", port)).is_ok());
    let first = crate::support::wait_for("ports in a row", SOON, || {
        Some(free_port()).filter(|first| all_free(*first))
    });
    // Whoever asks for one next gets none of these.
    (1..many).for_each(|_| _ = free_port());
    first
}

fn ports_of_all(home: &Home) -> Vec<u64> {
    let mut ports: Vec<u64> =
        home.processes().iter().filter_map(|process| process["ports"][0].as_u64()).collect();
    ports.sort_unstable();
    ports
}

/// How many of these ports somebody has, be it a run that ends.
fn taken(home: &Home, ports: &[u64]) -> usize {
    let rows = home.json(&["ports", "--json"]);
    let of_these =
        rows.as_array().unwrap().iter().filter(|row| ports.iter().any(|port| row["port"] == *port));
    of_these.filter(|row| row["reserved_by"] != json!([])).count()
}

#[test]
fn a_fixed_range_behind_a_balancer_is_the_same_after_every_reload() {
    let home = Home::new();
    let first = free_range(4);
    let range = format!("{first}-{}", first + 3);
    let front = super::balance::start(&home, NODE, 3, &["--port", &range, "--env", "DELAY=3"]);
    let load = Load::begin(front, 2, 2);
    let full = |many: u64| (u64::from(first)..u64::from(first) + many).collect::<Vec<_>>();
    // One more port than processes: nobody is ever outside.
    home.ok(&["reload", "web"]);
    assert!(ports_of_all(&home).iter().all(|port| full(4).contains(port)), "{:?}", ports_of_all(&home));
    // A run that still ends has the fourth.
    wait_until("the last old one has ended", SOON, || taken(&home, &full(4)) == 3);
    home.ok(&["scale", "web", "4"]);
    wait_until("all are online", SOON, || all_online(&home));
    assert_eq!(ports_of_all(&home), full(4));
    for _ in 0..2 {
        home.ok(&["reload", "web"]);
        assert_eq!(ports_of_all(&home), full(4));
    }
    load.end().is_clean();
}

#[test]
fn a_port_that_a_run_has_which_still_answers_is_listed() {
    let home = Home::new();
    let front = super::balance::start(&home, NODE, 1, &["--env", "DELAY=3000"]);
    let before = ports_of_all(&home)[0];
    let slow = std::thread::spawn(move || ask(front));
    wait_until("it is asked", SOON, || balancer(&home)["requests"].as_u64() > Some(0));
    home.ok(&["reload", "web", "--soak", "0s"]);
    let rows = home.json(&["ports", "--json"]);
    let row = rows.as_array().unwrap().iter().find(|row| row["port"] == before);
    let row = row.unwrap_or_else(|| panic!("{before} is not listed: {rows}"));
    assert_eq!((&row["reserved_by"][0]["held"], row.get("conflict")), (&json!(true), None), "{row}");
    assert_eq!(row["listeners"][0]["program"], "web", "{row}");
    slow.join().unwrap().unwrap();
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

#[test]
fn a_cluster_of_pm2_with_a_balancer_needs_no_port_of_its_own() {
    let home = Home::new();
    let (port, script) = (free_port(), home.file("app.js", NODE));
    let app = json!({"name": "web", "script": script, "exec_mode": "cluster", "instances": 2,
        "env": {"PORT": port.to_string()}, "balance": port});
    let ran = home.run(&["start", &home.file("ecosystem.json", &json!({ "apps": [app] }).to_string())]);
    assert!(ran.code == 0 && !ran.err.contains("share no port"), "{ran:?}");
    wait_until("it answers", SOON, || ask(port).is_ok());
    assert!(home.processes().iter().all(is_private));
}
