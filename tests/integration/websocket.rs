//! `/ws`: pushes in the compatible shape and in our own.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::socket::{closed, connect, say, subscriber, wait};
use crate::support::{Home, SOON, fixture, proc};

/// Row 4 of the security checklist.
#[test]
fn a_websocket_needs_credentials_and_a_session_needs_our_origin() {
    let home = Home::new();
    let api = home.api();
    let bearer = format!("Bearer {}", api.token);
    assert_eq!(connect(&api, &[]).err(), Some(401));
    assert_eq!(connect(&api, &[("authorization", "Bearer a.b.c")]).err(), Some(401));
    assert_eq!(connect(&api, &[("origin", "http://evil.example")]).err(), Some(401));
    assert!(connect(&api, &[("authorization", &bearer)]).is_ok());

    let link = api.send(api.request("POST", "/api/v1/auth/login-link")).json();
    let code = link["path"].as_str().unwrap().split('=').nth(1).unwrap().to_owned();
    let form = api.bare("POST", "/login/once").header("Content-Type", "application/x-www-form-urlencoded");
    let answer = api.send(form.body(format!("code={code}")));
    let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    for origin in ["http://evil.example", "null", &format!("http://localhost:{}", api.address.port())] {
        let headers = [("cookie", cookie.as_str()), ("origin", origin)];
        assert_eq!(connect(&api, &headers).err(), Some(403), "{origin}");
        let lying = [("cookie", cookie.as_str()), ("origin", origin), ("sec-fetch-site", "same-origin")];
        assert_eq!(connect(&api, &lying).err(), Some(403), "{origin}");
    }
    assert_eq!(connect(&api, &[("cookie", &cookie)]).err(), Some(403), "no origin at all");
    assert!(connect(&api, &[("cookie", &cookie), ("origin", &api.origin())]).is_ok());
    assert_eq!(api.send(api.request("GET", "/ws")).status, 426, "not a WebSocket");
}

/// Row 23 of the security checklist.
#[test]
fn a_message_that_is_too_long_closes_the_socket() {
    let home = Home::new();
    let api = home.api();
    for message in [Message::text("x".repeat(65 * 1024)), Message::binary(vec![0; 65 * 1024])] {
        let mut socket = subscriber(&api, &api.token);
        api.block_on(socket.send(Message::text(" ".repeat(64 * 1024)))).unwrap();
        wait(&api, &mut socket, "a refusal", |m| m["t"] == "err");
        api.block_on(socket.send(message)).unwrap();
        let (code, reason) = closed(&api, &mut socket);
        assert!(code == 1009 && reason.contains("64 KiB"), "{code} {reason}");
    }
    // What is longer by far is not even read.
    let mut socket = subscriber(&api, &api.token);
    let _ = api.block_on(socket.send(Message::text("x".repeat(8 << 20))));
    let gone = async { while let Some(Ok(_)) = socket.next().await {} };
    api.block_on(async { tokio::time::timeout(SOON, gone).await }).expect("it stays open");
}

#[test]
fn without_a_protocol_whole_lists_are_pushed() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let api = home.api();
    let bearer = format!("Bearer {}", api.token);
    let mut socket = connect(&api, &[("authorization", &bearer)]).unwrap();
    let list = wait(&api, &mut socket, "the list", |m| m["type"] == "ProcessList");
    assert_eq!(list["data"][0]["name"], "web", "{list}");
    wait(&api, &mut socket, "figures", |m| {
        m["type"] == "SystemUpdate" && m["data"]["cpu_percent"].is_number()
    });
    let pid = home.pid("web");
    proc::kill_hard(pid);
    let update = wait(&api, &mut socket, "the new process", |m| {
        m["type"] == "ProcessUpdate" && m["data"]["pid"] != pid && m["data"]["pm2_env"]["status"] == "online"
    });
    assert_eq!(update["data"]["pm2_env"]["restart_time"], 1, "{update}");
    home.ok(&["start", &fixture("loop.sh"), "--name", "other"]);
    wait(&api, &mut socket, "the longer list", |m| {
        m["type"] == "ProcessList" && m["data"].as_array().is_some_and(|list| list.len() == 2)
    });
}

#[test]
fn subscriptions_get_a_snapshot_then_changes_and_figures() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let api = home.api();
    let bearer = format!("Bearer {}", api.token);
    let headers = [("authorization", bearer.as_str()), ("sec-websocket-protocol", "pmdaemon.v1")];
    let mut socket = connect(&api, &headers).unwrap();
    say(&api, &mut socket, &json!({"op": "sub", "id": 7, "topic": "processes"}));
    let snap = wait(&api, &mut socket, "the snapshot", |m| m["t"] == "snap");
    assert_eq!((&snap["id"], &snap["items"][0]["name"]), (&json!(7), &json!("web")), "{snap}");
    say(&api, &mut socket, &json!({"op": "sub", "id": 8, "topic": "system"}));
    wait(&api, &mut socket, "figures of the host", |m| m["id"] == 8 && m["d"]["cpus"].is_number());
    let rows = wait(&api, &mut socket, "figures of processes", |m| m["id"] == 7 && m["t"] == "m");
    assert_eq!(rows["d"][0][0], 0, "{rows}");
    home.ok(&["stop", "web"]);
    let stopped = |m: &Value| m["id"] == 7 && m["items"][0]["status"] == "stopped";
    let change = wait(&api, &mut socket, "the stop", stopped);
    assert!(change["seq"].as_i64() > snap["seq"].as_i64(), "{change} after {snap}");
    say(&api, &mut socket, &json!({"op": "sub", "id": 9, "topic": "nosuch"}));
    wait(&api, &mut socket, "a refusal", |m| m["t"] == "err" && m["id"] == 9);
    api.block_on(socket.send(Message::text("garbage"))).unwrap();
    wait(&api, &mut socket, "another refusal", |m| m["t"] == "err" && m["detail"].is_string());
    say(&api, &mut socket, &json!({"op": "unsub", "id": 7}));
    say(&api, &mut socket, &json!({"op": "ping"}));
    wait(&api, &mut socket, "a pong", |m| m["t"] == "pong");
    home.ok(&["start", "web"]);
    wait(&api, &mut socket, "figures after that", |m| {
        assert_ne!(m["id"], 7, "unsubscribed: {m}");
        m["id"] == 8
    });
}

#[test]
fn a_page_that_subscribes_to_rows_gets_them_as_html() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let api = home.api();
    let bearer = format!("Bearer {}", api.token);
    let headers = [("authorization", bearer.as_str()), ("sec-websocket-protocol", "pmdaemon.v1")];
    let mut socket = connect(&api, &headers).unwrap();
    say(&api, &mut socket, &json!({"op": "sub", "id": 1, "topic": "processes", "html": true}));
    wait(&api, &mut socket, "a hint to fetch all", |m| m["t"] == "resync" && m["id"] == 1);
    home.ok(&["stop", "web"]);
    let row = wait(&api, &mut socket, "the row", |m| {
        m["t"] == "h" && m["content"].as_str().is_some_and(|html| html.contains("stopped"))
    });
    assert!(row["content"].as_str().unwrap().contains("web"), "{row}");
}

#[test]
fn the_end_of_the_daemon_closes_the_socket() {
    let home = Home::new();
    let api = home.api();
    let bearer = format!("Bearer {}", api.token);
    let mut socket = connect(&api, &[("authorization", &bearer)]).unwrap();
    home.ok(&["kill"]);
    let end = api.block_on(async {
        tokio::time::timeout(Duration::from_secs(10), async {
            while let Some(Ok(message)) = socket.next().await {
                if let Message::Close(_) = message {
                    break;
                }
            }
        })
        .await
    });
    assert!(end.is_ok(), "it stays open");
}
