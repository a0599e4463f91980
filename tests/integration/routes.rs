//! Every route: described, and closed to strangers.

use std::collections::BTreeSet;

use crate::support::Home;
use crate::support::routes::{concrete, described, written};

/// Open to everybody: what tells nothing, and the way to log in.
const OPEN: [&str; 7] =
    ["/healthz", "/readyz", "/health", "/status", "/login", "/login/once", "/api/v1/auth/login"];

#[test]
fn every_described_route_is_served_and_has_words() {
    let home = Home::new();
    let api = home.api();
    let document = api.get("/openapi.json");
    for (method, path) in described(&api) {
        let operation = &document["paths"][&path][method.to_lowercase()];
        for member in ["summary", "operationId"] {
            assert!(operation[member].is_string(), "{method} {path} has no {member}");
        }
        // One ends everything, the other never ends; both have tests of their own.
        if path.ends_with("/shutdown") || path.ends_with("/system/requests") {
            continue;
        }
        // Without a body where one is needed, so that nothing is done: only that there is a route.
        let answer = api.send(api.request(&method, &concrete(&path)));
        let lost = answer.text.contains("route_not_found") || answer.status == 405;
        assert!(!lost, "{method} {path} is not served: {answer:?}");
        assert!(answer.status != 500, "{method} {path}: {answer:?}");
    }
}

#[test]
fn every_served_api_route_is_described() {
    let home = Home::new();
    let described: BTreeSet<String> = described(&home.api()).into_iter().map(|(_, path)| path).collect();
    let hidden: Vec<String> = written()
        .into_iter()
        .map(|(_, path)| path)
        .filter(|path| path.starts_with("/api") && !described.contains(path))
        .collect();
    assert!(hidden.is_empty(), "not in the OpenAPI document: {hidden:?}");
    let router = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/api/router.rs")).unwrap();
    let operations = router.matches(".routes(routes!(").count();
    assert!(described.len() >= operations, "{operations} groups of routes, {} paths", described.len());
}

#[test]
fn every_described_route_takes_the_parameters_that_it_describes_and_no_others() {
    let home = Home::new();
    let api = home.api();
    let document = api.get("/openapi.json");
    let mut taken = 0;
    for (method, path) in described(&api) {
        if OPEN[..4].contains(&path.as_str()) {
            continue;
        }
        let ask = |name: &str| api.send(api.request(&method, &format!("{}?{name}=", concrete(&path))));
        ask("nosuch").is_problem(400, "unknown_parameter");
        let parameters = document["paths"][&path][method.to_lowercase()]["parameters"].as_array();
        for parameter in parameters.into_iter().flatten().filter(|parameter| parameter["in"] == "query") {
            let answer = ask(parameter["name"].as_str().unwrap());
            assert!(!answer.text.contains("unknown_parameter"), "{method} {path}, {parameter}: {answer:?}");
            taken += 1;
        }
    }
    assert!(taken > 50, "only {taken} parameters are described");
}

/// Row 1 of the security checklist.
#[test]
fn without_a_token_nothing_is_answered_but_health() {
    let home = Home::new();
    let api = home.api();
    let mut asked = described(&api);
    asked.extend(written());
    for (method, path) in [("GET", "/no/such/path"), ("GET", "/api/v1/nosuch"), ("PUT", "/api/v1/apps")] {
        asked.insert((method.into(), path.into()));
    }
    let mut closed = 0;
    for (method, path) in asked {
        let answer = api.send(api.bare(&method, &concrete(&path)));
        if OPEN.contains(&path.as_str()) {
            if path.contains("login") {
                continue;
            }
            assert_eq!(answer.status, 200, "{method} {path}: {answer:?}");
            assert!(answer.text.len() < 40, "health tells nothing: {answer:?}");
            continue;
        }
        // Style sheets and scripts of the login page hold no secret; the redirect to / neither.
        if path.starts_with("/assets/") || path == "/index.html" {
            assert!(answer.status == 404 || answer.status == 308, "{method} {path}: {answer:?}");
            continue;
        }
        assert_eq!(answer.status, 401, "{method} {path}: {answer:?}");
        // Row 50: no route takes a credential from its URL.
        let with_token = format!("{}?token={1}&access_token={1}", concrete(&path), api.token);
        assert_eq!(api.send(api.bare(&method, &with_token)).status, 401, "{method} {path}?token=");
        let problem = answer.json();
        answer.is_problem(401, problem["code"].as_str().unwrap());
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{answer:?}");
        closed += 1;
    }
    assert!(closed > 25, "only {closed} routes were asked for");
}

/// Row 18 of the security checklist.
#[test]
fn every_answer_has_the_security_headers() {
    let home = Home::new();
    let api = home.api();
    for request in [
        api.bare("GET", "/login"),
        api.bare("GET", "/healthz"),
        api.request("GET", "/"),
        api.request("GET", "/api/v1/processes"),
        api.bare("GET", "/api/v1/processes"),
        api.request("GET", "/nosuch"),
        api.bare("GET", "/").header("Host", "evil.example"),
    ] {
        let answer = api.send(request);
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{answer:?}");
        assert!(!answer.header("content-security-policy").contains("unsafe"), "{answer:?}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), value, "{name}: {answer:?}");
        }
    }
}
