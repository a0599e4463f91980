//! The routes in PM2's shape.

use serde_json::{Value, json};

use crate::support::{Home, fixture, wait_for};

#[test]
fn an_app_lives_its_life_over_the_compatible_routes() {
    let home = Home::new();
    let api = home.api();
    let started = api.post(
        "/api/processes",
        &json!({"name": "api-server", "script": "node", "args": [fixture("server.js")], "env": {"SECRET": "s3cr3t"}}),
    );
    assert_eq!(started.status, 201, "{started:?}");
    let pid = home.pid("api-server");

    let check = |list: Value| {
        let [element] = list.as_array().expect("a bare array").as_slice() else { panic!("{list}") };
        assert_eq!(element["name"], "api-server");
        assert_eq!((&element["pid"], &element["pm_id"]), (&json!(pid), &json!(0)), "{element}");
        assert!(element["monit"]["memory"].is_number() && element["monit"]["cpu"].is_number(), "{element}");
        let env = &element["pm2_env"];
        assert_eq!((&env["status"], &env["restart_time"]), (&json!("online"), &json!(0)), "{env}");
        assert_eq!(env["exec_mode"], "fork_mode");
        assert_eq!(env["env"], json!({"SECRET": "***"}), "values are not shown");
        let now = jiff::Timestamp::now().as_millisecond();
        let since = env["pm_uptime"].as_i64().unwrap();
        assert!(now - since < 60_000 && since <= now + 1_000, "ms since 1970: {env}");
        let path = |name: &str| std::path::Path::new(env[name].as_str().unwrap());
        assert!(path("pm_exec_path").exists() && path("pm_cwd").exists(), "{env}");
        // The file of an output comes with the first byte of it.
        for log in ["pm_out_log_path", "pm_err_log_path"] {
            assert_eq!(path(log).parent(), Some(&*home.path().join("logs")), "{log}: {env}");
        }
        assert!(!list.to_string().contains("s3cr3t"));
    };
    check(started.json());
    check(api.get("/api/processes"));
    check(api.get("/api/processes/api-server"));
    check(api.get("/api/processes/0"));

    wait_for("its first line", crate::support::SOON, || {
        let records = api.get("/api/logs/api-server?lines=5&stream=out");
        let line = records[0]["text"].as_str()?.to_owned();
        line.starts_with("listening on").then_some(())
    });
    let text = api.send(api.request("GET", "/api/logs/0").header("Accept", "text/plain"));
    assert!(text.header("content-type").starts_with("text/plain"), "{text:?}");
    assert_eq!(text.text, home.ok(&["logs", "api-server", "--raw"]), "the same text as the command's");

    let again = json!({"name": "api-server", "script": "node"});
    api.post("/api/processes", &again).is_problem(409, "name_taken");
    let bad = api.post("/api/processes", &json!({"name": "x", "script": "/no/such/file"}));
    assert_eq!(bad.status, 422, "{bad:?}");

    let deleted = api.send(api.request("DELETE", "/api/processes/api-server"));
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""), "{deleted:?}");
    assert!(!crate::support::proc::lives(pid));
    assert_eq!(api.send(api.request("DELETE", "/api/processes/api-server")).status, 404);
    assert_eq!(api.get("/api/processes"), json!([]));
}

#[test]
fn the_system_is_told_in_percent_and_seconds() {
    let home = Home::new();
    let system = home.api().get("/api/system");
    let number = |pointer: &str| system.pointer(pointer).and_then(Value::as_f64).expect(pointer);
    assert!((0.0..=100.0).contains(&number("/cpu")), "{system}");
    assert!((0.0..=100.0).contains(&number("/memory/percentage")), "{system}");
    let info = std::fs::read_to_string("/proc/meminfo").unwrap();
    let total: f64 = info.lines().next().unwrap().split_whitespace().nth(1).unwrap().parse().unwrap();
    assert_eq!(number("/memory/total"), total * 1024.0);
    assert!(number("/memory/used") < number("/memory/total"), "{system}");
    assert_eq!(system["load_average"].as_array().unwrap().len(), 3);
    let uptime: f64 =
        std::fs::read_to_string("/proc/uptime").unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((number("/uptime") - uptime).abs() < 10.0, "{system}");
}
