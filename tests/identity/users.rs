//! `user add`, `passwd`, `grant`, `list`, `remove`, logging in on the page, and how often one may try.

use serde_json::json;

use crate::support::api::Answer;
use crate::support::home::{Ran, fed};
use crate::support::{Api, Home};

const PASSWORD: &str = "correct horse battery";

/// Runs a command with that on its standard input.
fn with_stdin(home: &Home, args: &[&str], text: &str) -> Ran {
    fed(&mut home.command(args), text)
}

fn add(home: &Home, name: &str, more: &[&str]) {
    let args = [&["user", "add", name, "--password-stdin"], more].concat();
    let ran = with_stdin(home, &args, &format!("{PASSWORD}\n"));
    assert_eq!(ran.code, 0, "{ran:?}");
}

fn page(api: &Api, user: &str, password: &str) -> Answer {
    let form = api.bare("POST", "/login").header("Content-Type", "application/x-www-form-urlencoded");
    let body = format!("user={user}&password={}&next=/", password.replace(' ', "+"));
    api.send(form.header("Origin", api.origin()).body(body))
}

fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

fn login(api: &Api, user: &str, password: &str) -> Answer {
    api.send(api.bare("POST", "/api/v1/auth/login").json(&json!({"user": user, "password": password})))
}

#[test]
fn a_user_logs_in_on_the_page_and_is_who_they_are() {
    let home = Home::new();
    add(&home, "alice", &["--role", "operator", "--namespace", "shop"]);
    let listed = home.json(&["user", "list", "--json"]);
    assert_eq!((&listed[0]["name"], &listed[0]["role"]), (&json!("alice"), &json!("operator")), "{listed}");
    let api = home.api();
    let answer = page(&api, "alice", PASSWORD);
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/"), "{answer:?}");
    let cookie = cookie(&answer);
    let who = || api.send(api.bare("GET", "/api/v1/auth/whoami").header("Cookie", &cookie));
    assert_eq!(who().json(), json!({"subject": "alice", "role": "operator", "namespaces": ["shop"]}));
    let sessions = home.json(&["session", "list", "--json"]);
    assert_eq!((&sessions[0]["subject"], &sessions[0]["from"]), (&json!("alice"), &json!("password")));
    home.ok(&["session", "end", sessions[0]["id"].as_str().unwrap()]);
    assert_eq!(who().status, 401);
    home.run(&["session", "end", "nosuch"]).refused(1, &["no session"]);
}

#[test]
fn a_login_by_the_api_gives_a_token_that_ends_with_the_user() {
    let home = Home::new();
    add(&home, "alice", &["--role", "deployer"]);
    let api = home.api();
    let answer = login(&api, "alice", PASSWORD);
    let token = answer.json()["secret"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
    let ask = |token: &str, method: &str, path: &str| api.send(api.bare(method, path).bearer_auth(token));
    assert_eq!(ask(&token, "GET", "/api/v1/auth/whoami").json()["subject"], "alice");
    // A user has tokens made for programs, at most with what they may themselves.
    let make = |body| api.send(api.bare("POST", "/api/v1/tokens").bearer_auth(&token).json(&body));
    make(json!({"name": "ci", "role": "admin"})).is_problem(403, "forbidden");
    let ci = make(json!({"name": "ci", "role": "deployer"})).json()["secret"].as_str().unwrap().to_owned();
    assert_eq!(ask(&ci, "GET", "/api/v1/auth/whoami").status, 200);
    home.ok(&["user", "remove", "alice"]);
    assert_eq!(ask(&token, "GET", "/api/v1/auth/whoami").status, 401);
    assert_eq!(ask(&ci, "GET", "/api/v1/auth/whoami").status, 401, "what a removed user had made is void");
    login(&api, "alice", PASSWORD).is_problem(401, "login_failed");
    home.run(&["user", "remove", "alice"]).refused(1, &["no user"]);
}

#[test]
fn another_password_or_role_puts_out_who_is_logged_in() {
    let home = Home::new();
    add(&home, "alice", &["--role", "viewer"]);
    let api = home.api();
    let session = cookie(&page(&api, "alice", PASSWORD));
    let who = |session: &str| api.send(api.bare("GET", "/api/v1/auth/whoami").header("Cookie", session));
    assert_eq!(who(&session).status, 200);
    let changed = with_stdin(&home, &["user", "passwd", "alice", "--password-stdin"], "another long one\n");
    assert_eq!(changed.code, 0, "{changed:?}");
    assert_eq!(who(&session).status, 401);
    assert_eq!(page(&api, "alice", PASSWORD).status, 401);
    let session = cookie(&page(&api, "alice", "another long one"));
    assert_eq!(who(&session).json()["role"], "viewer");
    home.ok(&["user", "grant", "alice", "--role", "deployer", "--namespace", "shop"]);
    assert_eq!(who(&session).status, 401);
    // It survives the daemon.
    home.ok(&["kill"]);
    home.ok(&["list"]);
    let api = home.api();
    let session = cookie(&page(&api, "alice", "another long one"));
    let who = api.send(api.bare("GET", "/api/v1/auth/whoami").header("Cookie", &session)).json();
    assert_eq!(who, json!({"subject": "alice", "role": "deployer", "namespaces": ["shop"]}));
    // One's own, with the present one.
    let put = |body| {
        let request = api.bare("PUT", "/api/v1/users/alice/password").header("Cookie", &session);
        api.send(request.header("Origin", api.origin()).json(&body))
    };
    put(json!({"password": "yet another one"})).is_problem(422, "invalid_value");
    put(json!({"password": "yet another one", "current": PASSWORD})).is_problem(403, "wrong_password");
    assert_eq!(put(json!({"password": "yet another one", "current": "another long one"})).status, 204);
    assert_eq!(page(&api, "alice", "yet another one").status, 303);
}

/// Row 15 of the security checklist.
#[test]
fn what_is_no_password_is_refused_and_none_is_ever_an_argument() {
    let home = Home::new();
    let args = ["user", "add", "alice", "--role", "viewer", "--password-stdin"];
    with_stdin(&home, &args, "short\n").refused(1, &["5 characters", "12 or more"]);
    with_stdin(&home, &args, "\n").refused(1, &["standard input"]);
    home.run(&["user", "add", "alice", "--role", "viewer"]).refused(1, &["no terminal", "--password-stdin"]);
    assert_eq!(home.run(&["user", "add", "alice", "--role", "viewer", "--password", PASSWORD]).code, 2);
    assert_eq!(home.json(&["user", "list", "--json"]), json!([]));
    add(&home, "alice", &["--role", "viewer"]);
    with_stdin(&home, &args, &format!("{PASSWORD}\n")).refused(1, &["alice", "already"]);
    home.run(&["token", "create", "alice", "--role", "viewer"]).refused(1, &["somebody else"]);
    let mut bytes = std::fs::read(home.path().join("store.db")).unwrap();
    bytes.extend(std::fs::read(home.path().join("store.db-wal")).unwrap_or_default());
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("$argon2id$v=19$m=19456,t=2,p=1$") && !holds(PASSWORD), "row 12");
    assert!(!home.daemon_log().contains(PASSWORD), "row 11");
}

/// Row 16 of the security checklist.
#[test]
fn after_some_failures_one_has_to_wait_and_others_have_not() {
    let home = Home::new();
    add(&home, "alice", &["--role", "viewer"]);
    add(&home, "bob", &["--role", "viewer"]);
    let api = home.api();
    let mut refused = 0;
    for attempt in 0..12 {
        let forwarded = format!("10.0.0.{attempt}");
        let request = api.bare("POST", "/api/v1/auth/login").header("X-Forwarded-For", forwarded);
        let answer = api.send(request.json(&json!({"user": "alice", "password": "a wrong password"})));
        if answer.status == 429 {
            answer.is_problem(429, "too_many_attempts");
            let wait: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=30).contains(&wait), "{answer:?}");
            refused += 1;
        } else {
            answer.is_problem(401, "login_failed");
        }
    }
    assert!(refused >= 1, "ten attempts are all");
    assert_eq!(login(&api, "alice", PASSWORD).status, 429, "the right one has to wait, too");
    let page = page(&api, "alice", PASSWORD);
    assert_eq!(page.status, 429, "{page:?}");
    assert!(page.header("retry-after").parse::<u64>().is_ok() && page.text.contains("too many attempts"));
    assert_eq!(login(&api, "bob", PASSWORD).status, 200);
    // Whoever has a token is not affected.
    assert_eq!(api.get("/api/v1/auth/whoami")["subject"], "local");
}
