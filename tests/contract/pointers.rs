//! What is wrong is told with the place in the body that was sent.

use serde_json::{Value, json};

use crate::support::api::Answer;
use crate::support::{Api, Home, fixture};

const PATH: &str = "/api/v1/apps/web";

/// The place of what is wrong with that body, by the refusal of it: each pointer is of a member that it has.
fn told(answer: &Answer, sent: &Value) -> Result<String, String> {
    let problem = answer.json();
    let errors = problem["errors"].as_array().into_iter().flatten();
    let pointers: Vec<&str> = errors.map(|error| error["pointer"].as_str().unwrap()).collect();
    let all_there = pointers.iter().all(|pointer| sent.pointer(pointer).is_some());
    match pointers.first() {
        Some(first) if answer.status == 422 && all_there => Ok((*first).to_owned()),
        _ => Err(format!("{sent}: {problem}")),
    }
}

fn web(home: &Home) -> Api {
    home.ok(&["start", &fixture("loop.sh"), "--name", "web", "--exp-backoff-restart-delay", "100ms"]);
    home.api()
}

/// Each member with a value that it cannot have, and the pointer to what is wrong.
fn wrong() -> Vec<(Value, &'static str)> {
    vec![
        (json!({"script": "a\u{0}b"}), "/script"),
        (json!({"script": "/no/such/program"}), "/script"),
        (json!({"script": 7}), "/script"),
        (json!({"name": "other"}), "/name"),
        (json!({"namespace": "shop"}), "/namespace"),
        (json!({"args": ["a", "b\u{0}"]}), "/args"),
        (json!({"args": ["a", 1]}), "/args/1"),
        (json!({"cwd": "relative"}), "/cwd"),
        (json!({"cwd": "/no/such/directory"}), "/cwd"),
        (json!({"interpreter": "/no/such/interpreter"}), "/interpreter"),
        (json!({"interpreter_args": ["\u{0}"]}), "/interpreter_args"),
        (json!({"env": {"GOOD": "1", "A/B=C": "2"}}), "/env/A~1B=C"),
        (json!({"env": {"A~": "\u{0}"}}), "/env/A~0"),
        (json!({"env": {"A": 1}}), "/env/A"),
        (json!({"env": {"A": "${secret:NONE}"}}), "/env"),
        (json!({"env_file": [""]}), "/env_file"),
        (json!({"filter_env": [""]}), "/filter_env"),
        (json!({"instance_var": "1A"}), "/instance_var"),
        (json!({"inherited_env": {"=": "x"}}), "/inherited_env/="),
        (json!({"instances": 0}), "/instances"),
        (json!({"instances": "many"}), "/instances"),
        (json!({"port": "none"}), "/port"),
        (json!({"listen_mode": "odd"}), "/listen_mode"),
        (json!({"spread": "odd"}), "/spread"),
        (json!({"balance": {"mode": "odd"}}), "/balance"),
        (json!({"rolling": {"max_surge": "x"}}), "/rolling/max_surge"),
        (json!({"rolling": {"soak_ms": -1}}), "/rolling/soak_ms"),
        (json!({"max_restarts": -1}), "/max_restarts"),
        (json!({"min_uptime_ms": -1}), "/min_uptime_ms"),
        (json!({"restart_delay_ms": -1, "exp_backoff_restart_delay_ms": 0}), "/restart_delay_ms"),
        (json!({"exp_backoff_restart_delay_ms": 20_000}), "/exp_backoff_restart_delay_ms"),
        (json!({"stop_exit_codes": [0, 256]}), "/stop_exit_codes"),
        (json!({"kill_signal": "NONE"}), "/kill_signal"),
        (json!({"kill_timeout_ms": -1}), "/kill_timeout_ms"),
        (json!({"health_check": {}}), "/health_check"),
        (json!({"health_check": {"url": "ftp://x"}}), "/health_check"),
        (json!({"max_memory_bytes": 0}), "/max_memory_bytes"),
        (json!({"nice": 99}), "/nice"),
        (json!({"umask": "999"}), "/umask"),
        (json!({"logs": {"max_size_bytes": -1}}), "/logs/max_size_bytes"),
        (json!({"logs": {"date_format": ""}}), "/logs/date_format"),
        (json!({"logs": {"none": 1}}), "/logs/none"),
        (json!({"depends_on": [{"app": "no such"}]}), "/depends_on/0/app"),
        (json!({"depends_on": [{"app": "db", "condition": "odd"}]}), "/depends_on/0/condition"),
        (json!({"depends_on": [{"app": "none"}]}), "/depends_on"),
        (json!({"ready": "odd"}), "/ready"),
        (json!({"listen_timeout_ms": -1}), "/listen_timeout_ms"),
        (json!({"watch": {"paths": [""]}}), "/watch"),
        (json!({"watch": {"extensions": ["a/b"]}}), "/watch/extensions"),
        (json!({"schedule": {"cron": "never"}}), "/schedule/cron"),
        (json!({"schedule": {"cron": "0 3 * * *", "timezone": "Nowhere/None"}}), "/schedule/timezone"),
        (json!({"schedule": {"cron": "0 3 * * *", "overlap": "odd"}}), "/schedule/overlap"),
        (json!({"labels": {"a b": "c"}}), "/labels"),
        (json!({"none": 1}), "/none"),
    ]
}

#[test]
fn a_definition_that_is_refused_says_where_it_is_wrong() {
    let home = Home::new();
    let api = web(&home);
    let mut amiss = Vec::new();
    let mut check = |what: &str, answer: &Answer, sent: &Value, expected: &str| match told(answer, sent) {
        Ok(pointer) if pointer.starts_with(expected) => {}
        Ok(pointer) => amiss.push(format!("{what} {sent} is wrong at {pointer:?}, not {expected:?}")),
        Err(why) => amiss.push(format!("{what} {why}")),
    };
    for (members, expected) in wrong() {
        let mut whole = json!({"script": fixture("loop.sh")});
        whole.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let put = api.send(api.request("PUT", PATH).header("if-match", "*").json(&whole));
        check("PUT", &put, &whole, expected);
        let patch = api.send(api.request("PATCH", PATH).json(&members));
        check("PATCH", &patch, &members, expected);
        if !["/name", "/namespace"].contains(&expected) {
            whole["name"] = json!("new");
            check("POST", &api.post("/api/v1/apps", &whole), &whole, expected);
        }
    }
    // It does not go with what was not sent, or takes away what is needed.
    for members in [json!({"restart_delay_ms": 100}), json!({"script": null})] {
        check("PATCH", &api.send(api.request("PATCH", PATH).json(&members)), &members, "");
    }
    assert!(amiss.is_empty(), "{}", amiss.join("\n"));
}

#[test]
fn variables_that_are_refused_are_told_by_the_members_that_have_them() {
    let home = Home::new();
    let api = web(&home);
    let path = format!("{PATH}/env");
    for (body, expected) in [
        (json!({"set": {"GOOD": "1", "A/B=C": "2"}}), "/set/A~1B=C"),
        (json!({"set": {"A": "\u{0}"}}), "/set/A"),
        (json!({"set": {"A": "${secret:NONE}"}}), "/set"),
        (json!({"set": {"A": 1}}), "/set/A"),
        (json!({"set": {"A": "1"}, "unset": ["A", "NONE"]}), "/unset/1"),
        (json!({"unset": [1]}), "/unset/0"),
        (json!({"none": {}}), "/none"),
    ] {
        let changed = api.post(&format!("{path}?then=keep"), &body);
        assert_eq!(told(&changed, &body).as_deref(), Ok(expected), "{body}");
    }
    for (body, expected) in [
        (json!({"variables": {"GOOD": "1", "A/B=C": "2"}}), "/variables/A~1B=C"),
        (json!({"variables": {"A": "***"}}), "/variables/A"),
        (json!({"variables": {"A": "${secret:NONE}"}}), "/variables"),
        (json!({"variables": {"A": 1}}), "/variables/A"),
        (json!({"none": {}}), "/none"),
    ] {
        let patched = api.send(api.request("PATCH", &path).json(&body));
        assert_eq!(told(&patched, &body).as_deref(), Ok(expected), "{body}");
    }
    let body = json!({"variables": {"A/B=C": "2"}});
    let inherited = api.send(api.request("PUT", &format!("{PATH}/inherited-env")).json(&body));
    assert_eq!(told(&inherited, &body).as_deref(), Ok("/variables/A~1B=C"));
}
