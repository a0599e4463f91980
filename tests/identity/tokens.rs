//! `token create`, `list`, `revoke`: tokens for programs.

use serde_json::json;

use crate::support::api::Answer;
use crate::support::{Api, Home};

/// Asks with that token.
fn with(api: &Api, token: &str, method: &str, path: &str) -> Answer {
    api.send(api.bare(method, path).bearer_auth(token.trim()))
}

#[test]
fn a_token_is_made_listed_and_void_when_it_is_revoked() {
    let home = Home::new();
    let made = home.run(&["token", "create", "ci", "--role", "operator", "--expires", "30d"]);
    assert_eq!(made.code, 0, "{made:?}");
    let token = made.out.trim();
    assert_eq!(token.split('.').count(), 3, "the token and nothing else: {made:?}");
    assert!(made.err.contains("shown once") && made.err.contains("token revoke ci"), "{made:?}");

    let api = home.api();
    let who = with(&api, token, "GET", "/api/v1/auth/whoami").json();
    assert_eq!(who, json!({"subject": "ci", "role": "operator", "namespaces": ["*"]}));
    let list = home.json(&["token", "list", "--json"]);
    let ci = list.as_array().unwrap().iter().find(|row| row["name"] == "ci").expect("it is listed");
    assert_eq!((&ci["role"], &ci["made_by"]), (&json!("operator"), &json!("local")), "{ci}");
    assert!(!list.to_string().contains(token), "the token itself is shown once");
    let table = home.ok(&["token", "ls"]);
    assert!(table.contains("ci") && table.contains("the daemon"), "{table}");

    home.run(&["token", "create", "ci", "--role", "viewer"]).refused(1, &["ci", "somebody else"]);
    home.ok(&["token", "revoke", "ci"]);
    with(&api, token, "GET", "/api/v1/auth/whoami").is_problem(401, "credential_revoked");
    home.run(&["token", "revoke", "ci"]).refused(1, &["no token", "token list"]);
    // Its name is free again, and the old token stays void.
    home.ok(&["token", "create", "ci", "--role", "viewer"]);
    assert_eq!(with(&api, token, "GET", "/api/v1/auth/whoami").status, 401);
}

#[test]
fn a_revoked_token_stays_void_over_a_restart_of_the_daemon_and_others_stay_good() {
    let home = Home::new();
    let one = home.ok(&["token", "create", "one", "--role", "viewer", "--namespace", "shop"]);
    let two = home.ok(&["token", "create", "two", "--role", "admin"]);
    home.ok(&["token", "revoke", "one"]);
    home.ok(&["kill"]);
    home.ok(&["list"]);
    let api = home.api();
    assert_eq!(with(&api, &one, "GET", "/api/v1/auth/whoami").status, 401);
    assert_eq!(with(&api, &two, "GET", "/api/v1/auth/whoami").json()["role"], "admin");
}

#[test]
fn what_cannot_be_made_is_refused_with_a_sentence() {
    let home = Home::new();
    let create = |rest: &[&str]| home.run(&[&["token", "create"], rest].concat());
    for (wrong, word) in [(&["ci"][..], "--role"), (&["ci", "--role", "root"], "viewer")] {
        let ran = create(wrong);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
        assert!(ran.err.contains(word), "{ran:?}");
    }
    create(&["9x", "--role", "viewer"]).refused(1, &["9x", "not a valid name"]);
    create(&["local", "--role", "viewer"]).refused(1, &["somebody else"]);
    create(&["ci", "--role", "viewer", "--namespace", "sh*"]).refused(1, &["sh*", "not a valid name"]);
    create(&["ci", "--role", "viewer", "--expires", "1s"])
        .refused(1, &["a minute at least and a year at most"]);
    create(&["ci", "--role", "viewer", "--expires", "366d"]).refused(1, &["a year at most"]);
    let api = home.api();
    let body = json!({"name": "ci", "role": "viewer", "namespaces": []});
    api.post("/api/v1/tokens", &body).is_problem(422, "invalid_value");
    let body = json!({"name": "ci", "role": "viewer", "scope": "x"});
    api.post("/api/v1/tokens", &body).is_problem(422, "invalid_body");
    let names: Vec<String> = api.get("/api/v1/tokens")["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(names.iter().all(|name| name == "local"), "nothing was made: {names:?}");
}

#[test]
fn nobody_but_an_admin_makes_tokens_and_each_sees_and_ends_their_own() {
    let home = Home::new();
    let api = home.api();
    let ci = home.ok(&["token", "create", "ci", "--role", "deployer"]);
    let other = home.ok(&["token", "create", "other", "--role", "viewer"]);
    let some = home.ok(&["token", "create", "some", "--role", "admin", "--namespace", "shop"]);
    for (token, who) in [(&ci, "a deployer"), (&some, "an admin of one namespace")] {
        let ask = api.bare("POST", "/api/v1/tokens").bearer_auth(token.trim());
        let answer = api.send(ask.json(&json!({"name": "more", "role": "viewer"})));
        assert_eq!(answer.status, 403, "{who}: {answer:?}");
    }
    let seen = with(&api, &ci, "GET", "/api/v1/tokens").json();
    assert_eq!(seen["items"].as_array().unwrap().len(), 1, "{seen}");
    assert_eq!(seen["items"][0]["name"], "ci");
    with(&api, &ci, "DELETE", "/api/v1/tokens/other").is_problem(404, "token_not_found");
    assert_eq!(with(&api, &other, "GET", "/api/v1/auth/whoami").status, 200);
    assert_eq!(with(&api, &ci, "DELETE", "/api/v1/tokens/ci").status, 204);
    assert_eq!(with(&api, &ci, "GET", "/api/v1/auth/whoami").status, 401);
}

#[test]
fn the_token_of_the_command_line_cannot_be_revoked_by_its_name() {
    let home = Home::new();
    home.run(&["token", "revoke", "local"]).refused(1, &["no token"]);
    home.ok(&["list"]);
}
