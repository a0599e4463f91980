//! What is to be told arrives, signed and in order, whoever is away or dies; and nowhere else.

use std::time::Duration;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, verify};
use serde_json::{Value, json};

use super::receiver::{Came, Receiver, channel, rule};
use crate::support::{Api, Home, SOON, proc, wait_for, wait_until};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn kill_daemon(home: &Home) {
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("a new daemon", SOON, || home.keeper_and_daemon().1 != daemon);
}

fn test(api: &Api, name: &str) -> crate::support::api::Answer {
    api.send(api.request("POST", &format!("/api/v1/alerts/channels/{name}/test")))
}

/// As the README tells a receiver to do it.
fn is_genuine(came: &Came, body: &[u8], now_s: u64) -> bool {
    let Some(header) = came.header("x-pmdaemon-signature") else { return false };
    let part = |name: &str| header.split(',').find_map(|part| part.strip_prefix(name)).unwrap();
    let (time, hex) = (part("t="), part("v1="));
    if now_s.abs_diff(time.parse().unwrap()) > 300 {
        return false;
    }
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    let tag: Vec<u8> = pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    let signed = [time.as_bytes(), b".", body].concat();
    verify(&Key::new(HMAC_SHA256, KEY.as_bytes()), &signed, &tag).is_ok()
}

#[test]
fn row_37_a_webhook_is_signed_and_a_tampered_or_old_one_is_told_from_it() {
    let home = Home::with("PMDAEMON_ALERT_LOOPBACK", "allow");
    home.ok(&["list"]);
    let (api, receiver) = (home.api(), Receiver::start());
    let to = json!({"url": receiver.url("/in"), "secret": KEY, "headers": {"Authorization": "Bearer t0ken"}});
    channel(&api, "ops", ("webhook", to));
    let answer = test(&api, "ops");
    assert_eq!(answer.status, 204, "{answer:?}");
    let came = receiver.came().remove(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!(is_genuine(&came, &came.body, now), "{came:?}");
    let tampered = String::from_utf8(came.body.clone()).unwrap().replace("test", "Test");
    assert!(!is_genuine(&came, tampered.as_bytes(), now));
    assert!(!is_genuine(&came, &came.body, now + 1000), "sent again later");
    assert_eq!((came.path.as_str(), came.header("authorization")), ("/in", Some("Bearer t0ken")));
    assert_eq!(came.header("x-pmdaemon-event"), Some("alert.test"));
    assert_eq!(came.json()["id"].as_str(), came.header("x-pmdaemon-delivery"));
    let shown = api.get("/api/v1/alerts/channels/ops");
    assert_eq!((&shown["signed"], &shown["to"]), (&json!(true), &json!(format!("{}/…", receiver.url("")))));
    // What is not said anew stays, if stars say so.
    let new = json!({"name": "ops", "webhook": {"url": receiver.url("/other"), "secret": "***",
        "headers": {"authorization": "***"}}});
    let put = api.send(api.request("PUT", "/api/v1/alerts/channels/ops").json(&new));
    assert_eq!(put.status, 200, "{put:?}");
    assert_eq!(test(&api, "ops").status, 204);
    let came = receiver.came().remove(1);
    assert!(is_genuine(&came, &came.body, now), "{came:?}");
    assert_eq!((came.path.as_str(), came.header("authorization")), ("/other", Some("Bearer t0ken")));
}

#[test]
fn each_kind_gets_what_it_understands() {
    let home = Home::with("PMDAEMON_ALERT_LOOPBACK", "allow");
    home.ok(&["list"]);
    let (api, receiver) = (home.api(), Receiver::start());
    channel(&api, "am", ("webhook", json!({"url": receiver.url("/am"), "format": "alertmanager"})));
    channel(&api, "slack", ("slack", json!(receiver.url("/slack"))));
    channel(&api, "discord", ("discord", json!(receiver.url("/discord"))));
    channel(&api, "ntfy", ("ntfy", json!({"url": receiver.url("/topic"), "token": "tk_1"})));
    let out = home.work().join("got");
    let script = format!("cat > {0}.new; env | sort >> {0}.new; mv {0}.new {0}", out.display());
    channel(&api, "run", ("command", json!(["/bin/sh", "-c", script])));
    for name in ["am", "slack", "discord", "ntfy", "run"] {
        let answer = test(&api, name);
        assert_eq!(answer.status, 204, "{name}: {answer:?}");
    }
    let came = |path: &str| {
        let all = receiver.came();
        all.into_iter().find(|it| it.path == path).unwrap_or_else(|| panic!("nothing came to {path}"))
    };
    let am = came("/am").json();
    assert_eq!(
        (&am["version"], &am["status"], &am["receiver"]),
        (&json!("4"), &json!("firing"), &json!("am"))
    );
    assert_eq!(am["alerts"][0]["labels"]["alertname"], "test", "{am}");
    assert!(came("/slack").json()["text"].as_str().unwrap().starts_with("TEST: "));
    assert!(came("/discord").json()["content"].as_str().unwrap().starts_with("TEST: "));
    let ntfy = came("/");
    assert_eq!((&ntfy.json()["topic"], ntfy.header("authorization")), (&json!("topic"), Some("Bearer tk_1")));
    let got = std::fs::read_to_string(out).unwrap();
    let (body, variables) = got.split_once('}').map(|_| got.rsplit_once('}').unwrap()).unwrap();
    let body: Value = serde_json::from_str(&format!("{body}}}")).unwrap();
    assert_eq!((&body["state"], &body["alert"]["rule"]), (&json!("test"), &json!("test")), "{body}");
    assert!(
        variables.contains("PMDAEMON_ALERT_STATE=test") && !variables.contains("PMDAEMON_HOME="),
        "{variables}"
    );
    let kinds: Vec<Value> = api.get("/api/v1/alerts/channels")["items"].as_array().unwrap().clone();
    let kinds: Vec<&str> = kinds.iter().map(|channel| channel["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["webhook", "discord", "ntfy", "command", "slack"]);
}

#[test]
fn a_command_that_fails_says_how_and_leaves_nothing_behind() {
    let home = Home::new();
    home.ok(&["list"]);
    let api = home.api();
    let pid = home.work().join("pid");
    let script = format!("sleep 1000 & echo $! > {}; exit 7", pid.display());
    channel(&api, "run", ("command", json!(["/bin/sh", "-c", script])));
    let problem = test(&api, "run").is_problem(502, "receiver_refused");
    assert!(problem["detail"].as_str().unwrap().contains("exit status: 7"), "{problem}");
    let child = std::fs::read_to_string(pid).unwrap().trim().parse().unwrap();
    wait_until("its child is gone", SOON, || !proc::lives(child));
    channel(&api, "missing", ("command", json!(["/nosuch/program"])));
    let problem = test(&api, "missing").is_problem(502, "receiver_refused");
    assert!(problem["detail"].as_str().unwrap().contains("cannot be executed"), "{problem}");
}

#[test]
fn a_receiver_that_was_away_is_told_all_in_order_once_whoever_dies_meanwhile() {
    let home = Home::with("PMDAEMON_ALERT_LOOPBACK", "allow");
    home.ok(&["list"]);
    let (api, mut receiver) = (home.api(), Receiver::start());
    channel(&api, "ops", ("webhook", json!({"url": receiver.url("/in")})));
    rule(&api, "crashes", json!({"errored": {}}), json!({}));
    let bad = |name: &str| {
        let script = home.file(&format!("{name}.sh"), "echo gone\nexit 1\n");
        home.run(&["start", &script, "--no-autorestart"]);
    };
    bad("one");
    receiver.wait("firing", "crashes");
    receiver.end();
    // It fires while nobody listens, and the daemon dies with it.
    bad("two");
    let waiting = || home.api().get("/api/v1/alerts/channels/ops");
    wait_until("it is missed", SOON, || waiting()["status"] == "failing");
    kill_daemon(&home);
    home.ok(&["list"]);
    assert_eq!(waiting()["waiting"], 1);
    // What is over after the death of the daemon that has told it, is told to be over.
    home.ok(&["delete", "one"]);
    wait_until("both wait", SOON, || waiting()["waiting"] == 2);
    receiver.begin();
    wait_until("all has come", Duration::from_secs(60), || receiver.came().len() >= 3);
    kill_daemon(&home);
    home.ok(&["delete", "two"]);
    wait_until("its end, too", Duration::from_secs(60), || receiver.came().len() >= 4);
    let told: Vec<(String, String)> = receiver
        .came()
        .iter()
        .map(Came::json)
        .map(|it| (it["state"].as_str().unwrap().into(), it["alert"]["app"].as_str().unwrap().into()))
        .collect();
    let expected = [("firing", "one"), ("firing", "two"), ("resolved", "one"), ("resolved", "two")];
    assert_eq!(told, expected.map(|(state, app)| (state.to_owned(), app.to_owned())));
    let mut ids: Vec<Value> = receiver.came().iter().map(|came| came.json()["alert"]["id"].clone()).collect();
    ids.dedup();
    assert_eq!(ids, [1, 2, 1, 2]);
}

#[test]
fn row_36_no_redirect_is_followed_and_neither_metadata_nor_this_machine_is_reached() {
    let home = Home::with("PMDAEMON_ALERT_LOOPBACK", "allow");
    home.ok(&["list"]);
    let (api, receiver) = (home.api(), Receiver::start());
    receiver.answers(&format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {}\r\n", receiver.url("/inner")));
    channel(&api, "ops", ("webhook", json!({"url": receiver.url("/in")})));
    let problem = test(&api, "ops").is_problem(502, "receiver_refused");
    assert!(problem["detail"].as_str().unwrap().contains("307"), "{problem}");
    receiver.answers("HTTP/1.1 500 t0p-s3cr3t\r\nX-Inner: t0p-s3cr3t\r\n");
    let problem = test(&api, "ops").is_problem(502, "receiver_refused");
    assert!(!problem.to_string().contains("t0p-s3cr3t"), "{problem}");
    assert!(receiver.came().iter().all(|came| came.path == "/in"));
    let refused = |api: &Api, url: &str, words: &str| {
        let new = json!({"name": "bad", "webhook": {"url": url}});
        let problem = api.post("/api/v1/alerts/channels", &new).is_problem(422, "invalid_value");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
    };
    for url in ["http://169.254.169.254/latest", "http://2852039166/", "http://[fd00:ec2::254]/"] {
        refused(&api, url, "metadata");
    }
    refused(&api, "file:///etc/passwd", "not for HTTP");
    // Unless it was told so, the daemon does not tell its own machine, by whatever name.
    let strict = Home::new();
    strict.ok(&["list"]);
    let api = strict.api();
    refused(&api, &receiver.url("/"), "PMDAEMON_ALERT_LOOPBACK=allow");
    let named = receiver.url("/in").replace("127.0.0.1", "localhost");
    channel(&api, "named", ("webhook", json!({"url": named})));
    let before = receiver.came().len();
    let problem = test(&api, "named").is_problem(502, "receiver_refused");
    assert!(problem["detail"].as_str().unwrap().contains("this machine itself"), "{problem}");
    assert_eq!(receiver.came().len(), before);
}

#[test]
fn a_channel_that_a_rule_names_is_not_removed() {
    let home = Home::new();
    home.ok(&["list"]);
    let api = home.api();
    channel(&api, "ops", ("slack", json!("https://hooks.slack.com/services/x")));
    rule(&api, "crashes", json!({"errored": {}}), json!({}));
    let remove = |path: &str| api.send(api.request("DELETE", &format!("/api/v1/alerts/{path}")));
    let problem = remove("channels/ops").is_problem(409, "alert_channel_in_use");
    assert!(problem["detail"].as_str().unwrap().contains("the rule crashes"), "{problem}");
    assert_eq!(remove("rules/crashes").status, 204);
    assert_eq!(remove("channels/ops").status, 204);
    remove("channels/ops").is_problem(404, "alert_channel_not_found");
    let records = wait_for("the audit", SOON, || {
        let all = api.get("/api/v1/audit?limit=50").to_string();
        all.contains("crashes").then_some(all)
    });
    assert!(records.contains("alerts.channels.delete"), "{records}");
}
