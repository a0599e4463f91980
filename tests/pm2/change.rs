//! Options of `restart` and `reload` change the definition, and stay (row J2).

use serde_json::{Value, json};

use crate::support::{Home, SOON, wait_until};

fn app(home: &Home) -> Value {
    home.json(&["info", "web", "--json"])
}

fn pids(home: &Home) -> Vec<Value> {
    home.processes().iter().map(|process| process["pid"].clone()).collect()
}

#[test]
fn j2_options_of_restart_and_reload_change_what_they_name_and_leave_the_rest() {
    let home = Home::new();
    let script = home.file("app.sh", "echo \"args $* keep $KEEP\"\nexec sleep 1000\n");
    home.ok(&["start", &script, "--name", "web", "--max-restarts", "7", "--env", "KEEP=k", "--", "--slow"]);
    home.wait_for_line("web", "args --slow keep k");
    let before = pids(&home);

    let line = ["restart", "web", "--max-memory-restart", "200M", "-i", "2", "--cron", "0 3 * * *"];
    let told = home.ok(&[&line[..], &["--", "--fast"]].concat());
    assert!(told.contains("Restarted web (id 0"), "{told}");
    wait_until("both by the new definition", SOON, || {
        home.ok(&["logs", "web", "--raw"]).matches("args --fast keep k").count() == 2
    });
    let after = app(&home);
    assert_eq!((&after["max_memory_bytes"], &after["instances"]), (&json!(209_715_200), &json!(2)));
    assert_eq!((&after["max_restarts"], &after["args"]), (&json!(7), &json!([script, "--fast"])));
    assert_eq!(after["schedule"]["cron"], "0 3 * * *");
    let now = pids(&home);
    assert!(now.len() == 2 && !now.contains(&before[0]), "{now:?}");
    assert_eq!(home.process("web-1")["restarts"], 0, "the new one was started once");

    home.ok(&["reload", "web", "--kill-timeout", "3s", "--cron-restart", "0"]);
    let after = app(&home);
    assert_eq!((&after["kill_timeout_ms"], &after["schedule"]), (&json!(3000), &Value::Null));
    assert!(pids(&home).iter().all(|pid| !now.contains(pid)), "both are new");

    // With what is said for one restart alone.
    home.ok(&["restart", "0", "--restart-delay", "200", "--wait-ready"]);
    assert_eq!(app(&home)["restart_delay_ms"], 200);
}

#[test]
fn j2_what_cannot_be_changed_is_refused_before_anything_ends() {
    let home = Home::new();
    let script = home.file("app.sh", "exec sleep 1000\n");
    home.ok(&["start", &script, "--name", "web"]);
    home.file("apps.json", &json!({"apps": [{"name": "web", "script": script}]}).to_string());
    let before = (pids(&home), app(&home)["revision"].clone());
    home.run(&["restart", "web", "--name", "other"]).refused(1, &["name cannot be changed from web"]);
    home.run(&["restart", "web", "--interpreter", "nosuch-program"]).refused(1, &["nosuch-program"]);
    home.run(&["restart", "nosuch", "-i", "2"]).refused(1, &["nosuch"]);
    home.run(&["reload", "apps.json", "-i", "2"]).refused(1, &["apps.json says how its apps are"]);
    home.run(&["reload", "web", "--health-check-retries", "2"]).refused(1, &["no health check"]);
    assert_eq!(home.run(&["restart", "web", "-i", "none"]).code, 2);
    assert_eq!((pids(&home), app(&home)["revision"].clone()), before);
    // What has no meaning here changes nothing, and is said.
    let told = home.run(&["restart", "web", "--no-vizion"]);
    assert!(told.code == 0 && told.err.contains("Without effect in pmdaemon: --no-vizion."), "{told:?}");
}
