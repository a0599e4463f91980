//! What was given as a secret is seen by its receiver alone (rows 27 and 37 of the security checklist).

use serde_json::json;

use super::receiver::{Receiver, channel, rule};
use crate::support::{Home, SOON, wait_until};

/// What must not be seen.
const CANARY: &str = "canary-77ae-0123456789";

#[test]
fn rows_27_and_37_secrets_of_channels_are_in_no_answer_event_record_or_log() {
    let home = Home::with("PMDAEMON_ALERT_LOOPBACK", "allow");
    home.ok(&["list"]);
    let (api, receiver) = (home.api(), Receiver::start());
    let url = receiver.url(&format!("/{CANARY}?key={CANARY}"));
    let token = format!("Bearer {CANARY}");
    let webhook = json!({"url": url, "secret": CANARY, "headers": {"x-key": token}});
    channel(&api, "ops", ("webhook", webhook.clone()));
    channel(&api, "slack", ("slack", json!(url)));
    channel(&api, "ntfy", ("ntfy", json!({"url": receiver.url("/topic"), "token": CANARY})));
    rule(&api, "crashes", json!({"errored": {}}), json!({"channels": ["ops", "slack", "ntfy"]}));
    let script = home.file("bad.sh", "exit 1\n");
    home.run(&["start", &script, "--no-autorestart", "--env", &format!("SECRET={CANARY}")]);
    let came = |path: &str| receiver.came().iter().any(|came| came.path.starts_with(path));
    wait_until("all were told", SOON, || came(&format!("/{CANARY}")) && receiver.came().len() >= 3);
    let told = receiver.came();
    assert!(told.iter().any(|came| came.header("x-key") == Some(token.as_str())), "the receiver gets it");
    // In what is told, the environment is not.
    assert!(told.iter().all(|came| !String::from_utf8_lossy(&came.body).contains(CANARY)));
    receiver.answers("HTTP/1.1 500 No\r\n");
    for name in ["ops", "slack", "ntfy"] {
        let answer = api.send(api.request("POST", &format!("/api/v1/alerts/channels/{name}/test")));
        assert!(answer.status == 502 && !answer.text.contains(CANARY), "{answer:?}");
    }
    let mut put = json!({"name": "ops", "webhook": webhook});
    for bad in [json!("ftp://x/"), json!(url)] {
        put["webhook"]["url"] = bad;
        let answer = api.send(api.request("PUT", "/api/v1/alerts/channels/ops").json(&put));
        assert!(!answer.text.contains(CANARY), "{answer:?}");
    }
    for path in [
        "/api/v1/alerts",
        "/api/v1/alerts/rules",
        "/api/v1/alerts/rules/crashes",
        "/api/v1/alerts/channels",
        "/api/v1/alerts/channels/ops",
        "/api/v1/alerts/channels/slack",
        "/api/v1/alerts/channels/ntfy",
        "/api/v1/events?limit=1000",
        "/api/v1/audit?limit=1000",
    ] {
        let answer = api.get(path).to_string();
        assert!(!answer.contains(CANARY), "{path}: {answer}");
        assert!(answer.len() > 20, "{path} tells nothing: {answer}");
    }
    assert!(!api.send(api.request("GET", "/metrics")).text.contains(CANARY));
    assert!(!home.daemon_log().contains(CANARY), "the daemon's log");
}
