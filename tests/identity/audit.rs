//! `audit`: who did what, and whether that is still what was written.

use std::io::Write;
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::{Home, SOON, fixture, wait_until};

/// The records of that action.
fn records(home: &Home, action: &str) -> Vec<Value> {
    let out = home.ok(&["audit", "--json", "--lines", "1000"]);
    let all = out.lines().map(|line| serde_json::from_str::<Value>(line).expect("one document per line"));
    all.filter(|record| record["action"] == action).collect()
}

#[track_caller]
fn only(home: &Home, action: &str) -> Value {
    let found = records(home, action);
    assert_eq!(found.len(), 1, "exactly one record of {action}: {found:?}\n{}", home.ok(&["audit"]));
    found[0].clone()
}

/// Row 28 of the checklist.
#[test]
fn each_change_leaves_one_record_with_who_what_when_from_where_and_what_came_of_it() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web", "--env", "SECRET=canary-4711"]);
    let created = only(&home, "apps.create");
    assert_eq!((&created["principal"], &created["source"]), (&json!("local"), &json!("local")), "{created}");
    assert_eq!((&created["target"], &created["status"]), (&json!("default:web"), &json!(201)), "{created}");

    let token = home.ok(&["token", "create", "ci", "--role", "operator"]);
    let api = home.api();
    let answer = api.send(api.bare("POST", "/api/v1/apps/web/stop?wait=10s").bearer_auth(token.trim()));
    assert_eq!(answer.status, 200);
    let stopped = only(&home, "apps.stop");
    for (member, value) in [
        ("principal", json!("ci")),
        ("via", json!("token")),
        ("source", json!("127.0.0.1")),
        ("target", json!("web")),
        ("status", json!(200)),
        ("request_id", json!(answer.header("x-request-id"))),
    ] {
        assert_eq!(stopped[member], value, "{member}: {stopped}");
    }
    assert!(!answer.header("x-request-id").is_empty());
    // Who may not, and what does not exist.
    api.send(api.bare("DELETE", "/api/v1/apps/web").bearer_auth(token.trim())).is_problem(403, "forbidden");
    assert_eq!(only(&home, "apps.delete")["status"], 403);
    assert_eq!(api.send(api.request("POST", "/api/v1/apps/nosuch/reset")).status, 404);
    assert_eq!(only(&home, "apps.reset")["status"], 404);
    // Whoever reads leaves none, unless they may not.
    api.get("/api/v1/processes");
    api.send(api.bare("GET", "/api/v1/audit").bearer_auth(token.trim())).is_problem(403, "forbidden");
    assert_eq!(only(&home, "audit.read")["principal"], "ci");
    assert!(records(&home, "processes.read").is_empty());
    // The buttons of a page.
    let form = api.bare("POST", "/apps/web/start").bearer_auth(token.trim());
    assert_eq!(api.send(form).status, 303);
    assert_eq!(only(&home, "apps.start")["target"], "web");
    home.ok(&["restart", "web"]);
    let told = home.ok(&["audit", "--since", "1h"]);
    assert!(told.contains("ci (token, from 127.0.0.1)  apps.stop web"), "{told}");
    assert!(told.contains("apps.delete web: refused, may not"), "{told}");
    let all = home.ok(&["audit", "--json", "--lines", "1000"]);
    assert!(!all.contains("canary-4711") && !all.contains(token.trim()), "no values: {all}");
    assert!(all.contains("tokens.create") && all.contains("\"target\":\"ci\""), "{all}");
}

#[test]
fn a_login_that_fails_is_recorded_without_what_was_typed() {
    let home = Home::new();
    let api = home.api();
    let body = json!({"name": "alice", "password": "correct horse battery", "role": "viewer"});
    assert_eq!(api.post("/api/v1/users", &body).status, 201);
    let login = |user: &str, password: &str| {
        let body = json!({"user": user, "password": password});
        api.send(api.bare("POST", "/api/v1/auth/login").json(&body)).status.as_u16()
    };
    assert_eq!(login("alice", "a wrong password"), 401);
    assert_eq!(login("my-password-in-the-wrong-field", "x"), 401);
    assert_eq!(login("alice", "correct horse battery"), 200);
    let form = api.bare("POST", "/login").header("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(api.send(form.body("token=a.b.c")).status, 401);
    let of = |action: &str| -> Vec<(String, u64)> {
        let say = |r: &Value| (r["principal"].as_str().unwrap().to_owned(), r["status"].as_u64().unwrap());
        records(&home, action).iter().map(say).collect()
    };
    assert_eq!(of("auth.login"), [("alice".into(), 401), ("unknown".into(), 401), ("alice".into(), 200)]);
    assert_eq!(of("login"), [("unknown".to_owned(), 401)]);
    let all = home.ok(&["audit", "--json"]);
    for typed in ["a wrong password", "my-password-in-the-wrong-field", "a.b.c", "correct horse battery"] {
        assert!(!all.contains(typed), "{typed}: {all}");
    }
    // Requests without any credential fill nothing.
    let before = all.lines().count();
    for _ in 0..50 {
        assert_eq!(api.send(api.bare("POST", "/api/v1/apps/web/stop")).status, 401);
        api.send(
            api.bare("POST", "/api/v1/auth/login").json(&json!({"user": "alice", "password": "wrong one"})),
        );
    }
    let after = home.ok(&["audit", "--json", "--lines", "1000"]).lines().count();
    assert!(after < before + 30, "{before} {after}");
}

/// Row 28 of the security checklist.
#[test]
fn a_database_that_somebody_altered_is_found_out() {
    let home = Home::new();
    for n in 0..5 {
        home.ok(&["token", "create", &format!("t{n}"), "--role", "viewer"]);
    }
    let intact = home.ok(&["audit", "verify"]);
    assert!(intact.starts_with("5 records are intact, up to 5 "), "{intact}");
    // The chain goes on in the next daemon.
    home.ok(&["kill"]);
    home.ok(&["token", "revoke", "t0"]);
    let verdict = home.json(&["audit", "verify", "--json"]);
    assert_eq!(verdict["broken"], Value::Null, "{verdict}");
    assert!(verdict["intact"].as_i64().unwrap() >= 6, "the shutdown may be the seventh: {verdict}");
    // The store is the daemon's alone while it runs.
    let alter = |what: &str| {
        home.ok(&["kill"]);
        let store = rusqlite::Connection::open(home.path().join("store.db")).unwrap();
        store.execute(what, []).unwrap();
    };
    alter("UPDATE audit SET principal = 'mallory' WHERE seq = 3");
    home.run(&["audit", "verify"]).refused(1, &["record 3", "broken", "2 before it are intact"]);
    alter("UPDATE audit SET principal = 'local' WHERE seq = 3");
    home.ok(&["audit", "verify"]);
    alter("DELETE FROM audit WHERE seq = 2");
    home.run(&["audit", "verify"]).refused(1, &["record 2", "missing"]);
    let ran = home.run(&["audit", "verify", "--json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap()["broken"]["seq"], 2);
}

#[test]
fn everything_of_a_daemon_that_was_killed_is_there() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let api = home.api();
    for _ in 0..20 {
        assert_eq!(api.send(api.request("POST", "/api/v1/apps/web/reset")).status, 200);
    }
    let (_, daemon) = home.keeper_and_daemon();
    crate::support::proc::kill_hard(daemon);
    wait_until("a new daemon", SOON, || home.keeper_and_daemon().1 != daemon);
    assert_eq!(records(&home, "apps.reset").len(), 20, "recorded before it was answered");
    home.ok(&["audit", "verify"]);
}

#[test]
fn who_hangs_up_before_the_answer_leaves_a_record_too() {
    let home = Home::new();
    let script =
        home.file("stubborn.sh", "#!/bin/bash\ntrap '' TERM\necho deaf\nwhile :; do sleep 0.05; done\n");
    home.ok(&["start", &script, "--name", "web", "--kill-timeout", "10s"]);
    home.wait_for_line("web", "deaf");
    let api = home.api();
    let mut stream = TcpStream::connect(api.address).unwrap();
    let request = format!(
        "POST /api/v1/apps/web/stop?wait=60s HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
         Content-Length: 0\r\n\r\n",
        api.address, api.token
    );
    stream.write_all(request.as_bytes()).unwrap();
    wait_until("the stop", SOON, || home.process("web")["status"] == "stopping");
    assert!(records(&home, "apps.stop").is_empty(), "it is not answered yet");
    drop(stream);
    wait_until("its record", SOON, || !records(&home, "apps.stop").is_empty());
    let record = only(&home, "apps.stop");
    assert_eq!((&record["principal"], &record["target"]), (&json!("local"), &json!("web")), "{record}");
    assert_eq!(record["status"], 499, "{record}");
    let told = home.ok(&["audit"]);
    assert!(told.contains("apps.stop web: hung up before the answer"), "{told}");
    home.ok(&["audit", "verify"]);
}

#[test]
fn a_plan_changes_nothing_and_leaves_no_record_unless_one_may_not_make_it() {
    let home = Home::new();
    let api = home.api();
    let order = json!({"apps": [{"script": fixture("loop.sh"), "name": "web"}]});
    assert_eq!(api.post("/api/v1/plans", &order).status, 200);
    assert_eq!(api.post("/api/v1/plans", &json!({"apps": [{"script": "/nosuch"}]})).status, 422);
    assert!(records(&home, "plans.create").is_empty(), "{}", home.ok(&["audit"]));
    let token = home.ok(&["token", "create", "ci", "--role", "operator"]);
    let ask = api.bare("POST", "/api/v1/plans").bearer_auth(token.trim()).json(&order);
    api.send(ask).is_problem(403, "forbidden");
    assert_eq!(only(&home, "plans.create")["principal"], "ci");
}
