//! Subscriptions of `/ws`.

use std::time::Duration;

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::socket::{closed, connect, say, subscriber, wait};
use crate::support::{Home, fixture, proc, wait_until};

#[test]
fn events_come_as_they_happen_and_from_where_one_was() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let api = home.api();
    let mut socket = subscriber(&api, &api.token);
    say(&api, &mut socket, &json!({"op": "sub", "id": 1, "topic": "events"}));
    let begun = wait(&api, &mut socket, "where it begins", |m| m["t"] == "ev" && m["id"] == 1);
    assert_eq!(begun["items"], json!([]), "only what happens from now on: {begun}");
    proc::kill_hard(home.pid("web"));
    let has = |m: &Value, kind: &str| {
        m["id"] == 1 && m["items"].as_array().is_some_and(|all| all.iter().any(|event| event["type"] == kind))
    };
    let exit = wait(&api, &mut socket, "the exit", |m| has(m, "process.exited"));
    assert!(exit["seq"].as_i64() > begun["seq"].as_i64(), "{exit}");
    // Another one goes on where this one began, without a gap.
    let mut again = subscriber(&api, &api.token);
    let after = begun["seq"].to_string();
    say(&api, &mut again, &json!({"op": "sub", "id": 1, "topic": "events", "after": after}));
    let first = wait(&api, &mut again, "what was missed", |m| m["t"] == "ev");
    assert_eq!(first["items"][0]["seq"].as_i64(), begun["seq"].as_i64().map(|seq| seq + 1), "{first}");
    // What is not wanted any more does not come.
    say(&api, &mut socket, &json!({"op": "unsub", "id": 1}));
    say(&api, &mut socket, &json!({"op": "sub", "id": 2, "topic": "events"}));
    wait(&api, &mut socket, "the other one", |m| m["id"] == 2);
    home.ok(&["stop", "web"]);
    wait(&api, &mut socket, "the stop", |m| {
        assert_ne!(m["id"], 1, "unsubscribed: {m}");
        m["id"] == 2 && m["items"].to_string().contains("process.stop_asked")
    });
}

#[test]
fn logs_come_as_they_are_written_and_go_on_behind_a_cursor() {
    let home = Home::new();
    let script =
        home.file("count.sh", "#!/bin/bash\nn=0\nwhile :; do n=$((n+1)); echo line $n; sleep 0.1; done\n");
    home.ok(&["start", &script, "--name", "web"]);
    let api = home.api();
    let mut socket = subscriber(&api, &api.token);
    say(&api, &mut socket, &json!({"op": "sub", "id": 1, "topic": "logs:web"}));
    let number =
        |record: &Value| -> Option<i64> { record["text"].as_str()?.strip_prefix("line ")?.parse().ok() };
    let frame = wait(&api, &mut socket, "lines", |m| {
        m["t"] == "log" && m["items"].as_array().unwrap().iter().any(|item| number(item).is_some())
    });
    let last =
        frame["items"].as_array().unwrap().iter().rfind(|item| number(item).is_some()).unwrap().clone();
    let mut other = subscriber(&api, &api.token);
    say(&api, &mut other, &json!({"op": "sub", "id": 5, "topic": "logs:web", "after": last["c"]}));
    let next = wait(&api, &mut other, "the next lines", |m| {
        m["t"] == "log" && m["items"].as_array().unwrap().iter().any(|item| number(item).is_some())
    });
    let first = next["items"].as_array().unwrap().iter().find_map(number);
    assert_eq!(first, number(&last).map(|n| n + 1), "{next}");
    for (topic, after) in [("logs:nosuch", None), ("logs:web", Some("garbage"))] {
        let mut wish = json!({"op": "sub", "id": 9, "topic": topic});
        after.into_iter().for_each(|after| wish["after"] = json!(after));
        say(&api, &mut socket, &wish);
        wait(&api, &mut socket, "a refusal", |m| m["t"] == "err" && m["id"] == 9);
    }
    for id in 10..20 {
        say(&api, &mut socket, &json!({"op": "sub", "id": id, "topic": "logs"}));
    }
    let told = wait(&api, &mut socket, "too many", |m| m["t"] == "err");
    assert!(told["detail"].as_str().unwrap().contains("too many subscriptions"), "{told}");
}

#[test]
fn figures_come_again_only_where_they_are_others() {
    let home = Home::new();
    home.ok(&["start", "/bin/sleep", "--name", "idle", "--namespace", "shop", "--", "1000"]);
    let api = home.api();
    let mut socket = subscriber(&api, &api.token);
    let stranger = home.ok(&["token", "create", "b", "--role", "viewer", "--namespace", "blue"]);
    let mut strangers = subscriber(&api, stranger.trim());
    let wish = json!({"op": "sub", "id": 1, "topic": "processes"});
    say(&api, &mut strangers, &wish);
    say(&api, &mut socket, &wish);
    let row_of = |m: &Value, id: i64| {
        let rows = if m["t"] == "m" { m["d"].as_array().unwrap().clone() } else { Vec::new() };
        rows.into_iter().find(|row| row[0] == id)
    };
    let is_still = |m: &Value| m["t"] == "m" && m["d"] == json!([]);
    let first = wait(&api, &mut socket, "all rows", |m| m["t"] == "m");
    assert!(row_of(&first, 0).is_some_and(|row| row[2].is_i64() && row[3].is_i64()), "{first}");
    wait(&api, &mut socket, "a second in which it did nothing", is_still);
    // Asked for anew, they are all told again.
    say(&api, &mut socket, &wish);
    wait(&api, &mut socket, "the rows again", |m| row_of(m, 0).is_some());
    home.ok(&["start", "/bin/sleep", "--name", "other", "--namespace", "shop", "--", "1000"]);
    let others = wait(&api, &mut socket, "the other one", |m| row_of(m, 1).is_some());
    assert!(row_of(&others, 1).is_some_and(|row| row[2].is_i64()), "{others}");
    wait(&api, &mut strangers, "nothing, for who sees none of them", |m| {
        assert!(m["t"] != "m" || is_still(m), "{m}");
        is_still(m)
    });
}

#[test]
fn operations_are_pushed_as_they_go_on() {
    let home = Home::new();
    let script = home.file("deaf.sh", "#!/bin/bash\ntrap '' TERM\necho deaf\nwhile :; do sleep 0.05; done\n");
    home.ok(&["start", &script, "--name", "web", "--namespace", "shop", "--kill-timeout", "1s"]);
    home.wait_for_line("web", "deaf");
    let api = home.api();
    let stranger = home.ok(&["token", "create", "b", "--role", "viewer", "--namespace", "blue"]);
    let mut strangers = subscriber(&api, stranger.trim());
    say(&api, &mut strangers, &json!({"op": "sub", "id": 1, "topic": "operations"}));
    let mut socket = subscriber(&api, &api.token);
    say(&api, &mut socket, &json!({"op": "sub", "id": 1, "topic": "operations"}));
    let snap = wait(&api, &mut socket, "what goes on", |m| m["t"] == "snap");
    assert_eq!(snap["items"], json!([]), "{snap}");
    let id = api.post("/api/v1/apps/web/stop", &json!({})).json()["operation"].clone();
    let state = |m: &Value| m["d"]["items"][0]["state"].as_str().map(str::to_owned);
    let begun = wait(&api, &mut socket, "its begin", |m| m["t"] == "m" && m["d"]["id"] == id);
    assert_eq!(state(&begun).as_deref(), Some("draining"), "{begun}");
    say(&api, &mut socket, &json!({"op": "sub", "id": 2, "topic": format!("operation:{id}")}));
    let snap = wait(&api, &mut socket, "how far it is", |m| m["t"] == "snap" && m["id"] == 2);
    assert_eq!(snap["items"][0]["id"], id, "{snap}");
    wait(&api, &mut socket, "its end", |m| m["id"] == 2 && m["d"]["state"] == "done");
    // Whoever does not see the process hears nothing of it.
    say(&api, &mut strangers, &json!({"op": "sub", "id": 2, "topic": format!("operation:{id}")}));
    wait(&api, &mut strangers, "a refusal", |m| {
        assert!(m["t"] != "m", "{m}");
        m["t"] == "err" && m["id"] == 2
    });
}

#[test]
fn a_socket_is_closed_with_the_reason_for_it() {
    let home = Home::new();
    let api = home.api();
    let token = home.ok(&["token", "create", "ci", "--role", "viewer"]).trim().to_owned();
    let mut socket = subscriber(&api, &token);
    home.ok(&["token", "revoke", "ci"]);
    assert_eq!(closed(&api, &mut socket).0, 4401);
    // Somebody whose rights are others now.
    let body = json!({"name": "alice", "password": "correct horse battery", "role": "viewer"});
    assert_eq!(api.post("/api/v1/users", &body).status, 201);
    let form = api.bare("POST", "/login").header("Content-Type", "application/x-www-form-urlencoded");
    let login = api.send(form.body("user=alice&password=correct+horse+battery"));
    let cookie = login.header("set-cookie").split(';').next().unwrap().to_owned();
    assert!(!cookie.is_empty(), "{login:?}");
    let open = || connect(&api, &[("cookie", &cookie), ("origin", &api.origin())]).expect("a WebSocket");
    let mut hers = open();
    let grant = json!({"role": "operator"});
    let granted = api.send(api.request("PUT", "/api/v1/users/alice/grant").json(&grant));
    assert!(granted.status.is_success(), "{granted:?}");
    assert_eq!(closed(&api, &mut hers).0, 4403);
    let mut last = subscriber(&api, &api.token);
    let (_, daemon) = home.keeper_and_daemon();
    let _ =
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(daemon as i32), nix::sys::signal::Signal::SIGTERM);
    let (code, reason) = closed(&api, &mut last);
    assert_eq!((code, serde_json::from_str::<Value>(&reason).unwrap()["retry_ms"].is_i64()), (1012, true));
    wait_until("a new daemon", crate::support::SOON, || home.keeper_and_daemon().1 != daemon);
}

#[test]
fn a_reader_that_takes_nothing_is_let_go_and_learns_why_if_it_goes_on() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web", "--instances", "4"]);
    let api = home.api();
    let mut socket = subscriber(&api, &api.token);
    // More and more answers, and nobody reads them: until no side takes anything from the other.
    let wish = json!({"op": "sub", "id": 1, "topic": "processes"}).to_string();
    let filled = api.block_on(async {
        let all_taken = async {
            let full = Duration::from_secs(10);
            while let Ok(sent) = tokio::time::timeout(full, socket.send(Message::text(wish.clone()))).await {
                sent.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(120), all_taken).await
    });
    assert!(filled.is_ok(), "it reads and answers without end");
    wait_until("it is given up", Duration::from_secs(90), || {
        home.daemon_log().contains("a WebSocket of local has taken nothing for 15s")
    });
    assert_eq!(closed(&api, &mut socket), (1013, "this reader is stuck".to_owned()));
}
