//! Each condition is told once when it begins and once when it is over (acceptance row K19).

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::receiver::{Receiver, channel, rule};
use crate::support::{Api, Home, SOON, fixture, wait_until};

/// A home whose daemon tells receivers on this machine, one of them, and the channel `ops`.
fn begin() -> (Home, Api, Receiver) {
    let home = Home::with("PMDAEMON_ALERT_LOOPBACK", "allow");
    home.ok(&["list"]);
    let (api, receiver) = (home.api(), Receiver::start());
    channel(&api, "ops", ("webhook", json!({"url": receiver.url("/in")})));
    (home, api, receiver)
}

/// It was told that it fires and that it is over, each once, by webhook and as an event.
#[track_caller]
fn once(api: &Api, receiver: &Receiver, name: &str) {
    receiver.wait("resolved", name);
    assert_eq!((receiver.count("firing", name), receiver.count("resolved", name)), (1, 1), "{name}");
    for kind in ["alert.firing", "alert.resolved"] {
        let of = |event: &&Value| event["detail"].as_str().unwrap().contains(&format!("the alert {name} "));
        wait_until("its event", SOON, || api.events("pmdaemon", kind).iter().filter(of).count() == 1);
    }
    let all = api.get("/api/v1/alerts");
    let of: Vec<&Value> = all["items"].as_array().unwrap().iter().filter(|it| it["rule"] == name).collect();
    assert_eq!((of.len(), of[0]["state"].as_str()), (1, Some("resolved")), "{all}");
}

#[test]
fn k19_a_process_that_was_given_up_is_told_once_with_the_facts_of_why() {
    let (home, api, receiver) = begin();
    rule(&api, "crashes", json!({"errored": {}}), json!({"severity": "critical"}));
    let script = home.file("bad.sh", "printf '\\033[31mlast words\\033[0m\\n'\nexit 3\n");
    home.run(&["start", &script, "--no-autorestart"]);
    let told = receiver.wait("firing", "crashes");
    let alert = &told["alert"];
    assert_eq!((&alert["app"], &alert["namespace"]), (&json!("bad"), &json!("default")), "{told}");
    assert_eq!(alert["severity"], "critical");
    assert!(alert["summary"].as_str().unwrap().contains("exit code 3"), "{told}");
    assert_eq!(alert["lines"], json!(["last words"]));
    let rules = api.get("/api/v1/alerts/rules/crashes");
    assert_eq!((&rules["firing"], &rules["condition"]), (&json!(1), &json!("a process is given up")));
    let metrics = api.send(api.request("GET", "/metrics")).text;
    assert!(metrics.contains("pmdaemon_alerts{rule=\"crashes\",state=\"firing\"} 1"), "{metrics}");
    let sent = "pmdaemon_alert_notifications_total{channel=\"ops\",result=\"sent\"} 1";
    wait_until("it is counted", SOON, || api.send(api.request("GET", "/metrics")).text.contains(sent));
    home.ok(&["delete", "bad"]);
    once(&api, &receiver, "crashes");
}

#[test]
fn k19_restarts_that_nobody_asked_for_and_a_line_are_told() {
    let (home, api, receiver) = begin();
    let restarts = json!({"restart_loop": {"restarts": 3, "within_ms": 4000}});
    rule(&api, "loops", restarts, json!({"apps": ["all"]}));
    let line = json!({"log_match": {"pattern": "(?i)OUT of memory", "stream": "err"}});
    rule(&api, "words", line, json!({"cool_down_ms": 0}));
    let script =
        home.file("loop.sh", "echo 'out of memory'\necho 'Out of memory: killed' >&2\nsleep 0.1\nexit 1\n");
    home.run(&["start", &script, "--restart-delay", "50ms", "--max-restarts", "1000"]);
    let told = receiver.wait("firing", "loops");
    let summary = told["alert"]["summary"].as_str().unwrap();
    assert!(summary.contains("was restarted") && summary.contains("exited with code 1"), "{told}");
    let told = receiver.wait("firing", "words");
    let lines = told["alert"]["lines"].as_array().unwrap();
    assert!(!lines.is_empty() && lines.iter().all(|line| line == "Out of memory: killed"), "{told}");
    home.ok(&["stop", "loop"]);
    once(&api, &receiver, "loops");
    once(&api, &receiver, "words");
}

/// Answers 200 while the file `up` is there.
const WEB: &str = r#"
import http.server, os, sys
class Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if os.path.exists("up") else 503)
        self.end_headers()
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Web).serve_forever()
"#;

#[test]
fn k19_failing_checks_are_told_until_they_pass_whatever_is_restarted_meanwhile() {
    let (home, api, receiver) = begin();
    rule(&api, "sick", json!({"unhealthy": {}}), json!({}));
    home.file("web.py", WEB);
    home.file("up", "");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (env, url) = (format!("PORT={port}"), "http://localhost:${PORT}/");
    home.ok(&[
        "start",
        "web.py",
        "--env",
        &env,
        "--health-check-url",
        url,
        "--health-check-interval",
        "100ms",
    ]);
    wait_until("it is healthy", SOON, || home.process("web")["health"] == "healthy");
    std::fs::remove_file(home.work().join("up")).unwrap();
    let told = receiver.wait("firing", "sick");
    assert!(told["alert"]["summary"].as_str().unwrap().contains("503"), "{told}");
    home.file("up", "");
    once(&api, &receiver, "sick");
}

#[test]
fn k19_memory_and_cpu_are_told() {
    let (home, api, receiver) = begin();
    let eater = home.file("eater.py", "held = bytearray(80 << 20)\nwhile True: pass\n");
    home.ok(&["start", &eater, "--max-memory", "400M"]);
    rule(&api, "memory", json!({"memory": {"above_percent": 15}}), json!({"apps": ["name:eater"]}));
    // Longer than one look.
    rule(&api, "cpu", json!({"cpu": {"above_percent": 5, "for_ms": 1000}}), json!({}));
    let told = receiver.wait("firing", "memory");
    assert!(told["alert"]["summary"].as_str().unwrap().contains("% of its limit of 400 MiB"), "{told}");
    let told = receiver.wait("firing", "cpu");
    assert!(told["alert"]["summary"].as_str().unwrap().contains("% CPU"), "{told}");
    home.ok(&["stop", "eater"]);
    once(&api, &receiver, "memory");
    once(&api, &receiver, "cpu");
}

#[test]
fn k19_an_operation_that_failed_is_told() {
    let (home, api, receiver) = begin();
    rule(&api, "failed", json!({"operation_failed": {}}), json!({"cool_down_ms": 0}));
    for name in ["a", "b"] {
        let program = home.file(name, "#!/bin/sh\nsleep 1000\n");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        home.ok(&["start", &program]);
        home.ok(&["stop", name]);
        std::fs::remove_file(&program).unwrap();
    }
    assert_ne!(home.run(&["start", "a", "b"]).code, 0);
    let told = receiver.wait("firing", "failed");
    assert!(told["alert"]["summary"].as_str().unwrap().contains("has failed"), "{told}");
    assert!(told["alert"].get("app").is_none(), "{told}");
    once(&api, &receiver, "failed");
}

#[test]
fn k19_certificates_and_disks_are_told() {
    let (home, api, receiver) = begin();
    let mut of = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    of.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let cert = home.file("cert.pem", &of.self_signed(&key).unwrap().pem());
    let key = home.file("key.pem", &key.serialize_pem());
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let web =
        ["web", "--detach", "--port", "0", "--host", "127.0.0.1", "--tls-cert", &cert, "--tls-key", &key];
    let out = home.ok(&web);
    rule(&api, "certificate", json!({"certificate": {"within_days": 14}}), json!({}));
    rule(&api, "disk", json!({"disk": {"below_percent": 99}}), json!({}));
    let told = receiver.wait("firing", "certificate");
    assert!(told["alert"]["summary"].as_str().unwrap().contains("has expired"), "{told} {out}");
    let told = receiver.wait("firing", "disk");
    assert!(told["alert"]["summary"].as_str().unwrap().contains("% of the file system of"), "{told}");
    // They are about no app.
    let token = home.ok(&["token", "create", "shop", "--role", "admin", "--namespace", "shop"]);
    let seen = api.send(api.bare("GET", "/api/v1/alerts").bearer_auth(token.trim())).json();
    assert_eq!(seen["items"], json!([]));
    // Whose rule is gone, or is paused, is over.
    let gone = api.send(api.request("DELETE", "/api/v1/alerts/rules/disk"));
    assert_eq!(gone.status, 204, "{gone:?}");
    once(&api, &receiver, "disk");
    let paused = json!({"name": "certificate", "when": {"certificate": {"within_days": 14}},
        "channels": ["ops"], "paused": true});
    let paused = api.send(api.request("PUT", "/api/v1/alerts/rules/certificate").json(&paused));
    assert_eq!(paused.status, 200, "{paused:?}");
    once(&api, &receiver, "certificate");
}

#[test]
fn a_rule_that_makes_no_sense_is_refused_and_nothing_is_kept() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let api = home.api();
    let refused = |new: Value, pointer: &str, words: &str| {
        let problem = api.post("/api/v1/alerts/rules", &new).is_problem(422, "invalid_value");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
    };
    refused(json!({"name": "a", "when": {}}), "/when", "errored");
    refused(
        json!({"name": "a", "when": {"errored": {}, "disk": {"below_percent": 1}}}),
        "/when",
        "2 of them",
    );
    let pattern = json!({"name": "a", "when": {"log_match": {"pattern": "("}}});
    refused(pattern, "/when/log_match/pattern", "unclosed");
    let nobody = json!({"name": "a", "when": {"errored": {}}, "channels": ["nosuch"]});
    refused(nobody, "/channels", "no channel nosuch");
    let unknown = json!({"name": "a", "when": {"errored": {}}, "apps": ["nosuch"]});
    assert_eq!(api.post("/api/v1/alerts/rules", &unknown).status, 404);
    assert_eq!(api.get("/api/v1/alerts/rules")["items"], json!([]));
    let one = json!({"name": "a", "when": {"errored": {}}, "apps": ["web"]});
    assert_eq!(api.post("/api/v1/alerts/rules", &one).status, 201);
    api.post("/api/v1/alerts/rules", &one).is_problem(409, "name_taken");
    let put = |name: &str, body: &Value| {
        api.send(api.request("PUT", &format!("/api/v1/alerts/rules/{name}")).json(body))
    };
    put("b", &one).is_problem(404, "alert_rule_not_found");
    put("a", &json!({"name": "b", "when": {"errored": {}}})).is_problem(422, "cannot_be_changed");
    api.send(api.request("DELETE", "/api/v1/alerts/rules/b")).is_problem(404, "alert_rule_not_found");
    let before = api.get("/api/v1/alerts/rules/a");
    let mut more = one.clone();
    more["cool_down_ms"] = json!(1000);
    assert_eq!(put("a", &more).status, 200);
    let after = api.get("/api/v1/alerts/rules/a");
    assert_eq!((&after["cool_down_ms"], &after["created_at"]), (&json!(1000), &before["created_at"]));
}
