//! Errors: a problem document each, and nothing done.

use serde_json::json;

use crate::support::api::Answer;
use crate::support::{Home, fixture};

#[test]
fn bad_requests_get_problem_documents() {
    let home = Home::new();
    let api = home.api();
    let apps = || api.request("POST", "/api/v1/apps");
    let json_type = |request: reqwest::RequestBuilder| request.header("Content-Type", "application/json");
    let check = |request: reqwest::RequestBuilder, status: u16, code: &str| {
        api.send(request).is_problem(status, code)
    };
    check(json_type(apps()).body("{"), 400, "malformed_json");
    check(json_type(apps()).body(""), 400, "malformed_json");
    check(json_type(apps()).body("[]"), 422, "invalid_body");
    check(json_type(apps()).body("{}"), 422, "invalid_body");
    check(apps().body("{}"), 415, "json_required");
    check(apps().header("Content-Type", "text/plain").body("{}"), 415, "json_required");
    check(apps().json(&json!({"script": 5})), 422, "invalid_body");
    let unknown = check(apps().json(&json!({"script": "x", "scirpt": "y"})), 422, "invalid_body");
    assert!(unknown["detail"].as_str().unwrap().contains("scirpt"), "{unknown}");
    let deep = format!("{{\"script\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let answer = api.send(json_type(apps()).body(deep));
    assert!(answer.status.is_client_error(), "{}", answer.status);
    check(json_type(apps()).body(format!("\"{}\"", "x".repeat(2 << 20))), 413, "body_too_large");
    check(api.request("GET", "/nosuch"), 404, "route_not_found");
    check(api.request("GET", "/api/v1/processes/99999999999999999999"), 404, "route_not_found");
    check(api.request("PUT", "/api/v1/apps"), 405, "method_not_allowed");
    check(api.request("DELETE", "/healthz"), 405, "method_not_allowed");
    check(api.request("GET", "/api/v1/events?limit=x"), 400, "invalid_query");
    check(api.request("GET", "/api/v1/events?limit=100000"), 400, "invalid_query");
    check(api.request("POST", "/api/v1/apps/nosuch/stop?wait=long"), 400, "invalid_query");
    assert_eq!(api.get("/api/v1/apps")["items"], json!([]), "nothing came of it");
}

#[test]
fn every_answer_names_its_request_and_the_version_of_the_api_and_a_problem_is_an_instance_of_it() {
    let home = Home::new();
    let api = home.api();
    let check = |answer: &Answer, versioned: bool| {
        let id = answer.header("x-request-id");
        assert_eq!(answer.json()["instance"], format!("urn:request:{id}"), "{answer:?}");
        assert_eq!(answer.header("x-pmd-api"), if versioned { "1.0" } else { "" }, "{answer:?}");
        id.to_owned()
    };
    let missing = api.send(api.request("GET", "/api/v1/apps/nosuch"));
    let again = api.send(api.request("GET", "/api/v1/apps/nosuch"));
    assert_ne!(check(&missing, true), check(&again, true));
    check(&api.send(api.request("GET", "/api/v1/processes?nosuch=1")), true);
    // Strangers learn no version, also where there is no route.
    check(&api.send(api.bare("GET", "/api/v1/apps")), false);
    check(&api.send(api.request("GET", "/nosuch")), false);
    check(&api.send(api.request("GET", "/api/v1/apps").header("Host", "evil.example")), false);
    let well = api.send(api.request("GET", "/api/v1/apps"));
    assert_eq!(well.header("x-pmd-api"), "1.0");
    assert!(well.json().get("instance").is_none(), "{well:?}");
    let alive = api.send(api.bare("GET", "/healthz"));
    assert_eq!(alive.header("x-pmd-api"), "", "{alive:?}");
    // The same name in the audit.
    let refused = api.send(api.request("POST", "/api/v1/apps/nosuch/stop"));
    let id = refused.header("x-request-id").to_owned();
    let records = api.get("/api/v1/audit?limit=1000");
    assert!(
        records["items"].as_array().unwrap().iter().any(|record| record["request_id"] == id.as_str()),
        "{records}"
    );
}

#[test]
fn what_an_app_cannot_be_is_said_with_the_member() {
    let home = Home::new();
    let api = home.api();
    let script = fixture("loop.sh");
    for (member, value) in [
        ("script", json!("")),
        ("script", json!("/no/such/file.js")),
        ("script", json!("a\u{0}b")),
        ("cwd", json!("/no/such/dir")),
        ("cwd", json!("relative")),
        ("name", json!("0bad")),
        ("name", json!("a".repeat(65))),
        ("name", json!("")),
        ("instances", json!(0)),
        ("instances", json!(-1)),
        ("instances", json!(100_000)),
        ("kill_signal", json!("SIGNOPE")),
        ("max_restarts", json!(-1)),
        ("min_uptime_ms", json!(-1)),
        ("kill_timeout_ms", json!(i64::MAX)),
        ("stop_exit_codes", json!([256])),
        ("env", json!({"A=B": "c"})),
        ("env", json!({"A": "c\u{0}"})),
        ("args", json!(["a\u{0}"])),
    ] {
        let mut app = json!({"script": script});
        app[member] = value.clone();
        let answer = api.post("/api/v1/apps", &app);
        assert_eq!(answer.status, 422, "{member} {value}: {answer:?}");
        let problem = answer.is_problem(422, answer.json()["code"].as_str().unwrap());
        let pointer = problem["errors"][0]["pointer"].as_str().unwrap_or_default();
        assert!(pointer.starts_with(&format!("/{member}")), "{member} {value}: {problem}");
    }
    assert_eq!(api.get("/api/v1/apps")["items"], json!([]), "nothing half-created");
}

#[test]
fn a_parameter_that_a_route_does_not_have_is_named_and_nothing_is_done() {
    let home = Home::new();
    let api = home.api();
    let made = api.post("/api/v1/apps?wiat=10s", &json!({"script": fixture("loop.sh"), "name": "web"}));
    let problem = made.is_problem(400, "unknown_parameter");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("\"wiat\": did you mean wait?"), "{detail}");
    assert_eq!(api.get("/api/v1/apps")["items"], json!([]), "nothing came of it");
    for (method, path) in [
        ("GET", "/api/v1/processes?sate=stopped"),
        ("HEAD", "/api/v1/processes?sate=stopped"),
        ("GET", "/api/v1/system?x"),
        ("GET", "/api/v1/logs?tail=1&=1"),
        ("GET", "/api/processes?reveal=env"),
        ("DELETE", "/api/v1/apps/nosuch?wait=1s&force=true"),
        ("POST", "/api/v1/auth/login?next=/"),
    ] {
        let answer = api.send(api.request(method, path));
        assert_eq!(answer.status, 400, "{method} {path}: {answer:?}");
        assert!(method == "HEAD" || answer.text.contains("unknown_parameter"), "{method} {path}: {answer:?}");
    }
    // Nothing to separate is no parameter; and nobody learns of one without the right to ask.
    assert_eq!(api.send(api.request("GET", "/api/v1/processes?&")).status, 200);
    assert_eq!(api.send(api.bare("GET", "/api/v1/processes?sate=stopped")).status, 401);
}

#[test]
fn unknown_and_duplicate_names_are_told_apart() {
    let home = Home::new();
    let api = home.api();
    let app = json!({"script": fixture("loop.sh"), "name": "web"});
    let created = api.post("/api/v1/apps?wait=10s", &app);
    assert_eq!(created.status, 201, "{created:?}");
    api.post("/api/v1/apps", &app).is_problem(409, "name_taken");
    let answer = api.send(api.request("GET", "/api/v1/apps/wbe"));
    assert_eq!(answer.status, 404, "{answer:?}");
    assert!(answer.json()["detail"].as_str().unwrap().contains("did you mean web?"), "{answer:?}");
    assert_eq!(api.send(api.request("GET", "/api/v1/processes/77")).status, 404);
    assert_eq!(api.get("/api/v1/apps")["items"].as_array().unwrap().len(), 1);
}

#[test]
fn an_operation_on_many_is_refused_as_a_whole() {
    let home = Home::new();
    let api = home.api();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let operate = |body| api.post("/api/v1/operations?wait=10s", &body);
    let unknown = operate(json!({"action": "stop", "refs": ["web", "nosuch"]}));
    assert_eq!(unknown.status, 404, "{unknown:?}");
    for body in [
        json!({"action": "stop"}),
        json!({"action": "stop", "all": true, "refs": ["web"]}),
        json!({"action": "stop", "states": ["dead"]}),
        json!({"action": "explode", "all": true}),
        json!({"action": "stop", "all": false}),
    ] {
        assert_eq!(operate(body.clone()).status, 422, "{body}");
    }
    assert_eq!(home.process("web")["status"], "online");
    let stopped = operate(json!({"action": "stop", "states": ["online"]}));
    assert_eq!((stopped.status.as_u16(), &stopped.json()["changed"]), (200, &json!(true)), "{stopped:?}");
    assert_eq!(home.process("web")["status"], "stopped");
}

#[test]
fn a_request_for_another_host_is_misdirected() {
    let home = Home::new();
    let api = home.api();
    for host in
        ["evil.example".to_owned(), format!("evil.example:{}", api.address.port()), "localhost".into()]
    {
        for path in ["/api/v1/processes", "/", "/login", "/healthz", "/nosuch"] {
            api.send(api.request("GET", path).header("Host", &host)).is_problem(421, "foreign_host");
        }
    }
    let own = format!("localhost:{}", api.address.port());
    assert_eq!(api.send(api.request("GET", "/api/v1/processes").header("Host", own)).status, 200);
}
