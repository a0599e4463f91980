//! Settings of pmdaemon itself.

use serde_json::{Value, json};

use crate::support::home::ran;
use crate::support::{Home, SOON, fixture, proc, wait_until};

const PATH: &str = "/api/v1/system/config";

fn item<'a>(config: &'a Value, name: &str) -> &'a Value {
    config["items"].as_array().unwrap().iter().find(|item| item["name"] == name).unwrap()
}

#[test]
fn what_is_set_counts_at_once_and_with_the_next_daemon() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let api = home.api();
    let get = api.send(api.request("GET", PATH));
    let tag = get.header("etag").to_owned();
    assert_eq!(get.json()["set"], json!({}), "{get:?}");
    assert_eq!(item(&get.json(), "log_level")["source"], "default");
    let wanted = json!({"log_budget_bytes": 5 << 20, "log_level": "debug", "restart_burst": 3});
    api.send(api.request("PUT", PATH).json(&wanted)).is_problem(428, "if_match_required");
    let put = api.send(api.request("PUT", PATH).header("if-match", &tag).json(&wanted));
    assert_eq!(put.status, 200, "{put:?}");
    assert_eq!(put.json()["set"], wanted);
    for (name, value) in [("log_budget_bytes", "5242880"), ("log_level", "debug"), ("restart_burst", "3")] {
        let put = put.json();
        assert_eq!((&item(&put, name)["value"], &item(&put, name)["source"]), (&json!(value), &json!("set")));
    }
    api.send(api.request("PUT", PATH).header("if-match", &tag).json(&json!({})))
        .is_problem(412, "changed_meanwhile");
    let budget = || api.get("/api/v1/system")["logs"]["budget_bytes"] == 5 << 20;
    wait_until("logs have that budget", SOON, budget);
    wait_until("more is told", SOON, || home.daemon_log().contains("DEBUG"));
    let told = api.events("pmdaemon", "config.changed");
    let detail = told.last().unwrap()["detail"].as_str().unwrap();
    assert!(detail.contains("log_budget_bytes, log_level, restart_burst"), "{detail}");
    let audit = api.get("/api/v1/audit?limit=1000");
    let of_it =
        |record: &Value| record["action"] == "system.config.update" || record["action"] == "system.config";
    assert!(audit["items"].as_array().unwrap().iter().any(of_it), "{audit}");

    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("another daemon", SOON, || {
        home.run(&["list"]).code == 0 && home.keeper_and_daemon().1 != daemon
    });
    let api = home.api();
    assert_eq!(api.get(PATH)["set"], wanted);
    wait_until("logs have that budget", SOON, || {
        api.get("/api/v1/system")["logs"]["budget_bytes"] == 5 << 20
    });
    home.ok(&["settings", "unset", "log-budget"]);
    assert!(home.api().get(PATH)["set"].get("log_budget_bytes").is_none());
    let shown = home.ok(&["settings"]);
    assert!(
        shown.contains("log_level") && shown.contains("debug") && shown.contains("PMDAEMON_LOG"),
        "{shown}"
    );
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let home = Home::new();
    let mut start = home.command(&["start", &fixture("loop.sh"), "--name", "web"]);
    let begun = ran(start.env("PMDAEMON_LOG_BUDGET", "3G").env("PMDAEMON_LOG_ROOTS", "/srv/logs"));
    assert_eq!(begun.code, 0, "{begun:?}");
    let api = home.api();
    let put = |body: Value| api.send(api.request("PUT", PATH).header("if-match", "*").json(&body));
    for (body, pointer) in [
        (json!({"log_budget_bytes": 1}), "/log_budget_bytes"),
        (json!({"log_level": "loud"}), "/log_level"),
        (json!({"log_roots": ["/ok", "not/ok"]}), "/log_roots/1"),
        (json!({"log_roots": ["/a/../b"]}), "/log_roots/0"),
        (json!({"restart_burst": 0}), "/restart_burst"),
        (json!({"restart_rate": 0.0}), "/restart_rate"),
    ] {
        let problem = put(body).is_problem(422, "invalid_value");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    assert_eq!(put(json!({"colour": "red"})).status, 422);
    let counts = put(json!({"log_budget_bytes": 5 << 20})).is_problem(409, "set_by_environment");
    assert!(counts["detail"].as_str().unwrap().contains("PMDAEMON_LOG_BUDGET"), "{counts}");
    let config = api.get(PATH);
    assert_eq!(config["set"], json!({}));
    let budget = item(&config, "log_budget_bytes");
    assert_eq!(
        (&budget["value"], &budget["source"]),
        (&json!((3_i64 << 30).to_string()), &json!("environment"))
    );
    assert_eq!(item(&config, "log_roots")["value"], "/srv/logs");
    home.run(&["settings", "set", "log_budget", "1G"]).refused(1, &["PMDAEMON_LOG_BUDGET"]);
    home.run(&["settings", "set", "colour", "red"]).refused(1, &["log_budget, log_level"]);
}

#[test]
fn log_places_that_are_set_are_those_of_deployers() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let place = home.work().join("theirs");
    std::fs::create_dir(&place).unwrap();
    let token = home.ok(&["token", "create", "ci", "--role", "deployer"]);
    let api = home.api();
    let app =
        json!({"name": "own", "script": fixture("loop.sh"), "logs": {"out_file": place.join("own.log")}});
    let define = || api.send(api.bare("POST", "/api/v1/apps").bearer_auth(token.trim()).json(&app));
    define().is_problem(403, "forbidden_log_place");
    home.ok(&["settings", "set", "log_roots", place.to_str().unwrap()]);
    let defined = define();
    assert_eq!(defined.status, 201, "{defined:?}");
}
