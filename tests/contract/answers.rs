//! What an answer promises: a status that is true, a problem that points, a stream that ends with its right.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::json;

use crate::support::{Home, SOON, fixture, wait_until};

#[test]
fn who_waits_for_what_is_under_way_already_is_answered_when_it_is_so() {
    let home = Home::new();
    let slow = home.file("slow.sh", "trap 'sleep 1; exit 0' TERM\necho up\nwhile :; do sleep 0.05; done\n");
    home.ok(&["start", &slow, "--name", "slow"]);
    home.wait_for_line("slow", "up");
    let api = home.api();
    assert_eq!(api.post("/api/v1/apps/slow/stop", &json!({})).status, 202);
    let again = api.post("/api/v1/apps/slow/stop?wait=20s", &json!({}));
    assert_eq!(again.status, 200, "{again:?}");
    assert_eq!(
        (&again.json()["changed"], &again.json()["processes"][0]["status"]),
        (&json!(false), &json!("stopped"))
    );
    home.ok(&["start", "slow"]);
    home.wait_for_line("slow", "up");
    let before = home.pid("slow");
    assert_eq!(api.post("/api/v1/apps/slow/restart", &json!({})).status, 202);
    let short = api.post("/api/v1/apps/slow/restart?wait=50ms", &json!({}));
    assert_eq!(short.status, 202, "the wait was too short: {short:?}");
    let again = api.post("/api/v1/apps/slow/restart?wait=20s", &json!({}));
    assert_eq!((again.status.as_u16(), home.pid("slow") != before), (200, true), "{again:?}");
}

#[test]
fn a_stream_of_events_ends_with_the_token_within_a_second() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let api = home.api();
    for path in ["/api/v1/events", "/api/v1/system/requests"] {
        let token = home.ok(&["token", "create", "look", "--role", "admin"]);
        let request = api
            .bare("GET", path)
            .bearer_auth(token.trim())
            .header("accept", "text/event-stream, application/x-ndjson;q=0.5");
        let took = api.block_on(async {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            let revoked = tokio::task::spawn_blocking({
                let home = home.command(&["token", "revoke", "look"]);
                move || assert!({ home }.status().unwrap().success())
            });
            revoked.await.unwrap();
            let begun = Instant::now();
            let mut body = answer.bytes_stream();
            let end = async { while let Some(Ok(_)) = body.next().await {} };
            tokio::time::timeout(SOON, end).await.expect("it ends");
            begun.elapsed()
        });
        assert!(took < Duration::from_secs(3), "{path} went on for {took:?}");
    }
}

#[test]
fn a_problem_points_at_what_is_wrong_and_names_its_request() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let api = home.api();
    let patch = api.send(api.request("PATCH", "/api/v1/apps/web").json(&json!({"max_restarts": "many"})));
    let problem = patch.is_problem(422, "invalid_body");
    assert_eq!(problem["errors"][0]["pointer"], "/max_restarts", "{problem}");
    let nested = json!({"name": "x", "script": "true", "health_check": {"interval_ms": "soon"}});
    let problem = api.post("/api/v1/apps", &nested).is_problem(422, "invalid_body");
    assert_eq!(problem["errors"][0]["pointer"], "/health_check/interval_ms", "{problem}");
    assert_eq!(problem["errors"][0]["code"], "invalid_body", "{problem}");
    let array = api.send(api.request("PUT", "/api/v1/apps/web/scale").json(&json!([2, null])));
    let problem = array.is_problem(422, "invalid_body");
    assert!(problem["detail"].as_str().unwrap().contains("an object is wanted"), "{problem}");
    for list in ["names", "states", "refs", "labels", "namespaces"] {
        let problem = api.post("/api/v1/operations", &json!({"action": "stop", list: []}));
        assert_eq!(problem.is_problem(422, "invalid_value")["errors"][0]["pointer"], format!("/{list}"));
    }
    let taken = json!({"name": "web", "script": fixture("loop.sh")});
    let again = api.send(api.request("POST", "/api/v1/apps").header("idempotency-key", "k1").json(&taken));
    let instance = format!("urn:request:{}", again.header("x-request-id"));
    assert_eq!(again.is_problem(409, "name_taken")["instance"], instance, "{again:?}");
}

#[test]
fn several_apps_of_a_file_of_pm2_are_started_or_none() {
    let home = Home::new();
    home.ok(&["list"]);
    let api = home.api();
    let app = |name: &str| json!({"name": name, "script": fixture("loop.sh")});
    let both = api.post("/api/processes", &json!({"apps": [app("one"), app("two")]}));
    assert_eq!(both.status, 201, "{both:?}");
    assert_eq!(both.json().as_array().unwrap().len(), 2);
    let taken = api.post("/api/processes", &json!({"apps": [app("three"), app("one")]}));
    taken.is_problem(409, "name_taken");
    wait_until("what was begun is undone", SOON, || home.processes().len() == 2);
    let odd = api.post("/api/processes", &json!({"apps": [{"name": "four", "scripd": "x"}]}));
    assert!(odd.is_problem(422, "invalid_body")["detail"].as_str().unwrap().contains("scripd"), "{odd:?}");
    api.post("/api/processes", &json!({"apps": []})).is_problem(422, "invalid_value");
}

#[test]
fn row_6_a_page_of_others_logs_nobody_in() {
    let home = Home::new();
    home.ok(&["list"]);
    let api = home.api();
    let token = home.ok(&["token"]).trim().to_owned();
    let log_in = |headers: &[(&str, &str)]| {
        let form = api.bare("POST", "/login").header("content-type", "application/x-www-form-urlencoded");
        let form = headers.iter().fold(form, |form, (name, value)| form.header(*name, *value));
        api.send(form.body(format!("token={token}"))).status.as_u16()
    };
    let own = api.origin();
    assert_eq!(log_in(&[("origin", "http://evil.example")]), 403);
    assert_eq!(log_in(&[("origin", "null")]), 403);
    assert_eq!(log_in(&[("origin", &own), ("sec-fetch-site", "cross-site")]), 403);
    assert_eq!(log_in(&[("origin", "null"), ("sec-fetch-site", "same-origin")]), 303);
    assert_eq!(log_in(&[("origin", &own)]), 303);
    assert_eq!(log_in(&[]), 303);
}
