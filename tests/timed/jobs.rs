//! Schedules and jobs (rows J12, K18). What depends on the time of day is told with a clock of its
//! own in the stories of the supervisor; here are the parts that a user touches.

use serde_json::{Value, json};

use crate::support::{Home, SOON, proc, wait_for, wait_until};

fn history(home: &Home, name: &str) -> Vec<Value> {
    home.json(&["job", "history", name, "--json"]).as_array().unwrap().clone()
}

fn ended(home: &Home, name: &str) -> Vec<Value> {
    let mut runs = history(home, name);
    runs.retain(|run| run["ended_at"].is_string());
    runs
}

#[test]
fn k18_a_job_is_run_at_its_times_with_its_exit_code_and_its_log_and_rests_in_between() {
    let home = Home::new();
    let script = home.file("backup.sh", "echo backed up $1; exit 3\n");
    let told = home.ok(&[
        "job",
        "add",
        "backup",
        "--cron",
        "*/2 * * * * *",
        "--timezone",
        "Europe/Berlin",
        "--",
        &script,
        "all",
    ]);
    assert!(told.contains("Added backup, to be run next at "), "{told}");
    let runs = wait_for("two runs", SOON, || Some(ended(&home, "backup")).filter(|runs| runs.len() >= 2));
    for run in &runs {
        assert_eq!((&run["trigger"], &run["outcome"]), (&json!("schedule"), &json!("failed")), "{run}");
        assert_eq!(run["exit"]["code"], 3);
    }
    let shown = home.ok(&["job", "history", "backup"]);
    assert!(shown.contains("failed") && shown.contains("code 3"), "{shown}");
    let number = runs[0]["run"].to_string();
    // The last bytes may come a moment after the end; nothing of another run is ever among them.
    let log = || home.ok(&["job", "logs", "backup", &number]);
    wait_until("the log of the first run", SOON, || log() == "backed up all\n");
    let listed = home.ok(&["job", "list"]);
    assert!(listed.contains("*/2 * * * * *") && listed.contains("Europe/Berlin"), "{listed}");
    let info = home.ok(&["info", "backup"]);
    assert!(info.contains("next run") && info.contains("*/2 * * * * * (Europe/Berlin)"), "{info}");

    // Stopped by hand it is not run, also by the next daemon.
    home.ok(&["stop", "backup"]);
    assert_eq!(home.json(&["info", "backup", "--json"])["next_run_at"], Value::Null);
    wait_until("its end", SOON, || history(&home, "backup").iter().all(|run| run["outcome"] != "running"));
    let before = history(&home, "backup").len();
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("another daemon", SOON, || {
        home.run(&["list"]).code == 0 && home.keeper_and_daemon().1 != daemon
    });
    // Times of its schedule pass, by which another one with the same times is run.
    home.ok(&["job", "add", "other", "--cron", "*/2 * * * * *", "--", &script, "all"]);
    wait_until("two runs of another", SOON, || history(&home, "other").len() >= 2);
    home.ok(&["job", "rm", "other"]);
    assert_eq!(history(&home, "backup").len(), before);
    // Run by hand it is armed again.
    home.run(&["job", "run", "backup"]);
    wait_until("a run by hand and one by itself", SOON, || {
        let triggers: Vec<Value> =
            ended(&home, "backup")[before..].iter().map(|run| run["trigger"].clone()).collect();
        triggers.contains(&json!("command")) && triggers.contains(&json!("schedule"))
    });
    home.ok(&["job", "rm", "backup"]);
    assert_eq!(home.json(&["job", "list", "--json"]), json!([]));
}

#[test]
fn k18_a_job_goes_on_with_another_daemon_and_is_not_run_by_its_start() {
    let home = Home::new();
    let script = home.file("job.sh", "echo ran\n");
    home.ok(&["job", "add", "often", "--cron", "*/2 * * * * *", "--", &script]);
    home.ok(&["job", "add", "yearly", "--cron", "0 0 1 1 *", "--", &script]);
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("another daemon", SOON, || {
        home.run(&["list"]).code == 0 && home.keeper_and_daemon().1 != daemon
    });
    let before = history(&home, "often").len();
    wait_until("it is run by the new one", SOON, || history(&home, "often").len() > before);
    assert_eq!(history(&home, "yearly"), Vec::<Value>::new());
    assert_eq!(home.process("yearly")["status"], "stopped");
    home.run(&["job", "history", "nosuch"]).refused(1, &["nosuch"]);
}

#[test]
fn k18_what_is_due_while_it_runs_goes_by_the_policy() {
    let home = Home::new();
    let script = home.file("long.sh", "exec sleep 1000\n");
    for policy in ["skip", "replace"] {
        home.ok(&["job", "add", policy, "--cron", "* * * * * *", "--overlap", policy, "--", &script]);
    }
    wait_until("a skipped one", SOON, || {
        history(&home, "skip").iter().any(|run| run["outcome"] == "skipped")
    });
    let begun = history(&home, "skip").iter().filter(|run| run["run"].is_number()).count();
    assert_eq!(begun, 1);
    wait_until("two runs", SOON, || {
        history(&home, "replace").iter().filter(|run| run["run"].is_number()).count() >= 2
    });
}

#[test]
fn j12_a_service_is_restarted_at_its_times_and_not_once_it_is_stopped() {
    let home = Home::new();
    let script = home.file("app.sh", "exec sleep 1000\n");
    home.ok(&["start", &script, "--name", "web", "--cron-restart", "*/2 * * * * *"]);
    let restarts = || home.process("web")["restarts"].as_i64().unwrap();
    wait_until("a restart", SOON, || restarts() >= 1);
    let why = home.ok(&["why", "web"]);
    assert!(why.contains("by its schedule"), "{why}");
    home.ok(&["stop", "web"]);
    let before = restarts();
    // Times of its schedule pass, at which another one is restarted.
    home.ok(&["start", &script, "--name", "other", "--cron-restart", "*/2 * * * * *"]);
    wait_until("restarts of another", SOON, || home.process("other")["restarts"].as_i64() >= Some(2));
    assert_eq!((restarts(), home.process("web")["status"].clone()), (before, json!("stopped")));
    // `0` removes it.
    home.ok(&["start", &script, "--name", "web", "--force", "--cron", "0"]);
    assert_eq!(home.json(&["info", "web", "--json"])["schedule"], Value::Null);
}

#[test]
fn j12_what_is_no_schedule_is_refused_with_the_position_and_leaves_nothing() {
    let home = Home::new();
    let script = home.file("app.sh", "exec sleep 1000\n");
    let start = |options: &[&str]| home.run(&[&["start", &script, "--name", "web"], options].concat());
    start(&["--cron", "0 25 * * *"]).refused(1, &["field 2 (hour)", "25"]);
    start(&["--cron", "0 3 * *"]).refused(1, &["4 fields"]);
    start(&["--cron", "0 3 * * *", "--timezone", "Europe/Berlim"]).refused(1, &["Europe/Berlim"]);
    start(&["--cron", "0 3 * * *", "--overlap", "both"]).refused(1, &["skip, queue or replace"]);
    start(&["--cron", "0 0 30 2 *"]).refused(1, &["never comes"]);
    home.run(&["job", "add", "x", "--", "true"]).refused(2, &["--cron"]);
    assert_eq!(home.processes(), Vec::<Value>::new());
    let file = home.file(
        "eco.json",
        r#"[{"name": "web", "script": "app.sh", "cron_restart": "0 3 * * *", "timezone": "UTC"}]"#,
    );
    home.ok(&["start", &file]);
    let schedule = home.json(&["info", "web", "--json"])["schedule"].clone();
    assert_eq!((&schedule["cron"], &schedule["timezone"]), (&json!("0 3 * * *"), &json!("UTC")));
    assert_eq!(home.run(&["plan", &file, "--exit-code"]).code, 0);
    let page = home.api().send(home.api().request("GET", "/apps/web"));
    assert!(page.text.contains("Next run"), "{}", page.status);
}

#[test]
fn what_rests_until_its_time_is_listed_as_waiting_with_that_time() {
    let home = Home::new();
    let script = home.file("report.sh", "exit 0\n");
    home.ok(&["job", "add", "yearly", "--cron", "0 3 1 1 *", "--timezone", "UTC", "--", &script]);
    let list = home.ok(&["list"]);
    assert!(list.contains("waiting") && list.contains("next run 2") && !list.contains("stopped"), "{list}");
    assert_eq!(home.process("yearly")["status"], "stopped", "documents keep their words");
    home.ok(&["stop", "yearly"]);
    let list = home.ok(&["list"]);
    assert!(list.contains("stopped") && !list.contains("next run"), "{list}");
    // Of several each says it for itself.
    home.ok(&["start", &script, "--name", "many", "-i", "2", "--no-autorestart", "--cron", "0 3 1 1 *"]);
    let rests = |name: &str| home.process(name)["status"] == "stopped";
    wait_until("both rest", SOON, || rests("many-0") && rests("many-1"));
    home.ok(&["stop", "many-1"]);
    let next = |name: &str| home.process(name)["next_run_at"].clone();
    assert!(next("many-0").is_string() && next("many-1").is_null(), "{} {}", next("many-0"), next("many-1"));
    assert_eq!(home.ok(&["list"]).matches("next run").count(), 1);
}
