//! `Idempotency-Key`: what is repeated is not done again.

use std::io::Write;
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::api::Answer;
use crate::support::{Api, Home, SOON, fixture, proc, wait_for, wait_until};

fn post(api: &Api, token: &str, path: &str, key: &str, body: &Value) -> Answer {
    api.send(api.bare("POST", path).bearer_auth(token).header("Idempotency-Key", key).json(body))
}

fn restarts(home: &Home) -> i64 {
    home.process("web")["restarts"].as_i64().unwrap()
}

/// An app that ends only when it is killed, some seconds after it was asked to.
fn start_deaf(home: &Home, seconds: u32) {
    let script = home.file("deaf.sh", "#!/bin/bash\ntrap '' TERM\necho deaf\nwhile :; do sleep 0.05; done\n");
    home.ok(&["start", &script, "--name", "web", "--kill-timeout", &format!("{seconds}s")]);
    home.wait_for_line("web", "deaf");
}

#[test]
fn what_is_repeated_is_answered_as_before_also_by_the_next_daemon_and_done_once() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let api = home.api();
    let path = "/api/v1/apps/web/restart?wait=15s";
    let first = post(&api, &api.token, path, "k-1", &json!({}));
    assert_eq!((first.status.as_u16(), first.header("idempotency-replayed")), (200, ""), "{first:?}");
    let same = |again: &Answer| {
        assert_eq!(again.header("idempotency-replayed"), "true", "{again:?}");
        assert_eq!((again.status, &again.text), (first.status, &first.text));
        for name in ["location", "content-type"] {
            assert_eq!(again.header(name), first.header(name), "{name}");
        }
        assert_eq!(restarts(&home), 1);
    };
    same(&post(&api, &api.token, path, "k-1", &json!({})));
    same(&post(&api, &api.token, path, "\"k-1\"", &json!({})));
    // Something else under the same key: another body, another route, another query.
    for (path, body) in [
        (path, json!({"x": 1})),
        ("/api/v1/apps/web/stop?wait=15s", json!({})),
        ("/api/v1/apps/web/restart?wait=14s", json!({})),
    ] {
        post(&api, &api.token, path, "k-1", &body).is_problem(422, "idempotency_key_reused");
    }
    // The key is of one credential.
    let token = home.ok(&["token", "create", "ci", "--role", "operator"]).trim().to_owned();
    let theirs = post(&api, &token, path, "k-1", &json!({}));
    assert_eq!((theirs.header("idempotency-replayed"), restarts(&home)), ("", 2), "{theirs:?}");
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("a new daemon", SOON, || home.keeper_and_daemon().1 != daemon);
    let api = home.api();
    let again = post(&api, &token, path, "k-1", &json!({}));
    assert_eq!(again.header("idempotency-replayed"), "true", "{again:?}");
    assert_eq!((again.text, restarts(&home)), (theirs.text, 2));
    // What was replayed leaves no record of a change.
    let audit = home.ok(&["audit", "--json", "--lines", "1000"]);
    let done = audit.lines().filter(|line| line.contains("apps.restart") && line.contains(":200")).count();
    assert_eq!(done, 2, "{audit}");
}

#[test]
fn an_app_is_defined_once_and_a_refusal_of_its_meaning_is_repeated_too() {
    let home = Home::new();
    home.ok(&["status"]);
    let api = home.api();
    let app = json!({"script": fixture("loop.sh"), "name": "web"});
    let made = post(&api, &api.token, "/api/v1/apps", "make", &app);
    let again = post(&api, &api.token, "/api/v1/apps", "make", &app);
    assert_eq!((made.status.as_u16(), again.status.as_u16()), (201, 201), "{again:?}");
    assert_eq!((again.header("etag"), &again.text), (made.header("etag"), &made.text));
    assert_eq!(home.processes().len(), 1);
    post(&api, &api.token, "/api/v1/apps", "other", &app).is_problem(409, "name_taken");
    home.ok(&["delete", "web"]);
    let again = post(&api, &api.token, "/api/v1/apps", "other", &app);
    again.is_problem(409, "name_taken");
    assert_eq!(again.header("idempotency-replayed"), "true");
    // What was not understood, or is not theirs to do, may be tried again with the same key.
    let token = home.ok(&["token", "create", "v", "--role", "viewer"]).trim().to_owned();
    post(&api, &token, "/api/v1/apps", "v", &app).is_problem(403, "forbidden");
    post(&api, &token, "/api/v1/apps", "v", &json!({})).is_problem(403, "forbidden");
    assert_eq!(post(&api, "a.b.c", "/api/v1/apps", "v", &app).status, 401);
    assert_eq!(home.processes().len(), 0);
}

#[test]
fn while_it_is_being_answered_nobody_does_it_again_whoever_has_hung_up() {
    let home = Home::new();
    start_deaf(&home, 3);
    let api = home.api();
    let path = "/api/v1/apps/web/restart?wait=30s";
    let mut stream = TcpStream::connect(api.address).unwrap();
    let (address, token) = (api.address, &api.token);
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: k\r\n\
         Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
    )
    .unwrap();
    wait_until("the restart", SOON, || home.process("web")["status"] == "stopping");
    drop(stream);
    post(&api, token, path, "k", &json!({})).is_problem(409, "idempotency_in_flight");
    post(&api, token, path, "k", &json!({"x": 1})).is_problem(422, "idempotency_key_reused");
    let answer = wait_for("the answer", SOON, || {
        let answer = post(&api, token, path, "k", &json!({}));
        (answer.status != 409).then_some(answer)
    });
    assert_eq!((answer.status.as_u16(), answer.header("idempotency-replayed")), (200, "true"), "{answer:?}");
    assert_eq!(restarts(&home), 1);
}

#[test]
fn what_the_daemon_died_of_is_not_done_again_by_the_next_one() {
    let home = Home::new();
    start_deaf(&home, 3);
    let api = home.api();
    // A token of one's own: that of the command line is another one with the next daemon.
    let token = home.ok(&["token", "create", "ci", "--role", "operator"]).trim().to_owned();
    let path = "/api/v1/apps/web/restart?wait=30s";
    let mut stream = TcpStream::connect(api.address).unwrap();
    let address = api.address;
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: k\r\n\
         Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
    )
    .unwrap();
    wait_until("the restart", SOON, || home.process("web")["status"] == "stopping");
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("a new daemon", SOON, || home.keeper_and_daemon().1 != daemon);
    let api = home.api();
    let problem = post(&api, &token, path, "k", &json!({})).is_problem(409, "idempotency_unknown");
    assert!(problem["detail"].as_str().unwrap().contains("may have been done"), "{problem}");
    wait_until("the new run", SOON, || home.process("web")["status"] == "online");
    assert_eq!(restarts(&home), 1);
}

#[test]
fn a_key_that_is_none_or_of_no_use_is_refused() {
    let home = Home::new();
    home.ok(&["status"]);
    let api = home.api();
    let long = "k".repeat(256);
    for key in ["", " ", "a b", "\"\"", "\u{fc}", &long] {
        let refused = post(&api, &api.token, "/api/v1/operations", key, &json!({}));
        refused.is_problem(400, "invalid_header");
    }
    let refused = post(&api, &api.token, "/api/v1/tokens", "k", &json!({"name": "t", "role": "viewer"}));
    refused.is_problem(400, "idempotency_unsupported");
    assert!(!home.ok(&["token", "list"]).contains("viewer"), "nothing was done");
    // Answers are kept, and values of variables are not to be.
    let revealed = post(&api, &api.token, "/api/v1/apps/web/env/reveal", "k", &json!({}));
    revealed.is_problem(400, "idempotency_unsupported");
    // It says nothing where nothing is changed.
    let list = api.send(api.request("GET", "/api/v1/apps").header("Idempotency-Key", "k"));
    assert_eq!(list.status, 200);
}
