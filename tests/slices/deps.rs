//! Dependencies (acceptance row K15): who waits for whom, who goes first.

use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Home, SOON, home::ran, proc, wait_for, wait_until};

/// Writes down when it is up, when it is asked to end, and when it does, which takes a while.
const SERVICE: &str = "trap 'echo \"$name asked\" >> order; sleep 0.3; echo \"$name gone\" >> order; exit 0' TERM\n\
                       echo \"$name up\" >> order\necho up\nwhile :; do sleep 0.02; done\n";

/// A service of that name, with these options.
fn start(home: &Home, name: &str, options: &[&str]) -> String {
    let script = home.file("service.sh", SERVICE);
    home.ok(&[&["start", &script, "--name", name], options].concat())
}

/// `db`, `cache` that depends on it, `web` that depends on that.
fn three(home: &Home) {
    start(home, "db", &[]);
    start(home, "cache", &["--depends-on", "db"]);
    start(home, "web", &["--depends-on", "cache"]);
    for name in ["db", "cache", "web"] {
        home.wait_for_line(name, "up");
    }
}

/// What was written down so far, and forgets it.
fn order(home: &Home) -> Vec<String> {
    let path = home.work().join("order");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let _ = std::fs::remove_file(path);
    text.lines().map(str::to_owned).collect()
}

/// Waits until all three are up, and looks in which order they were executed: what they write comes
/// in any.
fn all_up_again(home: &Home) {
    wait_until("all are up", SOON, || {
        let text = std::fs::read_to_string(home.work().join("order")).unwrap_or_default();
        text.lines().filter(|line| line.ends_with(" up")).count() == 3
    });
    order(home);
    let all = home.api().get("/api/v1/events?limit=1000");
    let started = all["items"].as_array().unwrap().iter().filter(|event| event["type"] == "process.started");
    let names: Vec<&str> = started.map(|event| event["name"].as_str().unwrap()).collect();
    assert_eq!(names[names.len() - 3..], ["db", "cache", "web"], "{names:?}");
}

const DOWN: [&str; 6] = ["web asked", "web gone", "cache asked", "cache gone", "db asked", "db gone"];

/// A command that may take long; its end is waited for.
struct Running(Option<Child>);

impl Running {
    fn begin(home: &Home, args: &[&str]) -> Running {
        let mut command = home.command(args);
        Running(Some(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()))
    }

    /// Its exit code, and both of its outputs.
    fn end(mut self) -> (i32, String) {
        let output = self.0.take().expect("once").wait_with_output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8(text).unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn waits(home: &Home, name: &str, reason: &str) -> Value {
    wait_for(&format!("{name}: {reason}"), SOON, || {
        Some(home.process(name)).filter(|p| p["status"] == "starting" && p["reason"] == reason)
    })
}

#[test]
fn k15_a_start_waits_until_what_it_depends_on_is_healthy() {
    let home = Home::new();
    let check = home.file("check.sh", "#!/bin/sh\ntest -e healthy\n");
    std::fs::set_permissions(&check, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    start(&home, "db", &["--health-check-script", &check, "--health-check-interval", "1s"]);
    home.file("web.sh", SERVICE);
    let web = Running::begin(&home, &["start", "web.sh", "--depends-on", "db:healthy"]);
    wait_until("it is listed", SOON, || home.processes().len() == 2);
    let process = waits(&home, "web", "waits for db (healthy)");
    assert_eq!(process["pid"], Value::Null, "{process}");
    for command in [["list"].as_slice(), &["info", "web"], &["why", "web"]] {
        let out = home.ok(command);
        assert!(out.contains("waits for db (healthy)"), "{command:?}: {out}");
    }
    let why = home.ok(&["why", "web"]);
    assert!(why.contains("next attempt  it waits for db (healthy)"), "{why}");
    home.file("healthy", "");
    let (code, told) = web.end();
    assert!(code == 0 && told.contains("Started web (id 1, pid "), "{told}");
    let info = home.ok(&["info", "web"]);
    assert!(info.lines().any(|line| line == "depends on     db (healthy)"), "{info}");
    let app = home.json(&["info", "web", "--json"]);
    assert_eq!(app["depends_on"], json!([{"app": "db", "condition": "healthy"}]), "{app}");
    // Only the first start waits.
    std::fs::remove_file(home.work().join("healthy")).unwrap();
    home.ok(&["restart", "web"]);
    let pid = home.pid("web");
    proc::kill_hard(home.pid("db"));
    wait_until("db is restarted", SOON, || home.process("db")["restarts"] == 1);
    assert_eq!(home.pid("web"), pid);
}

#[test]
fn k15_a_job_that_ends_with_code_0_lets_the_next_one_start() {
    let home = Home::new();
    let job = home.file("job.sh", "while [ ! -e go ]; do sleep 0.02; done\n[ ! -e bad ]\n");
    home.ok(&["start", &job, "--name", "migrate", "--no-autorestart"]);
    home.file("bad", "");
    let script = home.file("service.sh", SERVICE);
    let api = home.api();
    // Who does not want to wait has the answer at once.
    let app = json!({"script": script, "name": "web", "cwd": home.work(), "depends_on":
        [{"app": "migrate", "condition": "completed"}]});
    let answer = api.post("/api/v1/apps", &app);
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.json()["processes"][0]["reason"], "waits for migrate (completed)");
    home.file("go", "");
    let reason = "waits for migrate (completed), which is errored: ended with exit code 1 and is not restarted \
                  automatically";
    waits(&home, "web", reason);
    // Nothing comes of waiting for that, so nobody does; what is needed is tried again.
    let ran = home.run(&["start", "web"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("web (id 1) is not started yet: waits for migrate"), "{ran:?}");
    std::fs::remove_file(home.work().join("bad")).unwrap();
    let ran = home.run(&["start", "web"]);
    assert!(ran.code == 0 && ran.out.contains("Started web (id 1, pid "), "{ran:?}");
    assert!(ran.err.contains("migrate (id 0) is started too: web depends on it"), "{ran:?}");
    assert_eq!(home.process("migrate")["status"], "stopped");
}

#[test]
fn k15_stop_all_ends_level_by_level_and_a_start_brings_back_what_is_needed() {
    let home = Home::new();
    three(&home);
    order(&home);
    home.ok(&["stop", "all"]);
    assert_eq!(order(&home), DOWN);
    let ran = home.run(&["start", "web"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for words in
        ["db (id 0) is started too: cache depends on it", "cache (id 1) is started too: web depends on it"]
    {
        assert!(ran.err.contains(words), "{words}: {ran:?}");
    }
    all_up_again(&home);
    let events = home.api().events("db", "process.needed");
    assert_eq!(events[0]["detail"], "db is started, because web depends on it");
    home.ok(&["delete", "all", "--force"]);
    assert_eq!(order(&home), DOWN);
    assert_eq!(home.processes(), Vec::<Value>::new());
}

#[test]
fn k15_the_end_of_everything_is_in_order_and_so_is_the_next_boot() {
    let home = Home::new();
    three(&home);
    order(&home);
    let (keeper, _) = home.keeper_and_daemon();
    proc::send(keeper, nix::sys::signal::Signal::SIGTERM);
    wait_until("everything ends", SOON, || home.living().is_empty());
    assert_eq!(order(&home), DOWN);
    home.ok(&["list"]);
    all_up_again(&home);
    home.ok(&["kill"]);
    assert_eq!(order(&home), DOWN);
}

#[test]
fn k15_one_that_others_depend_on_stops_alone_with_a_notice() {
    let home = Home::new();
    three(&home);
    order(&home);
    let ran = home.run(&["stop", "db"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "Stopped db (id 0).\n"), "{ran:?}");
    assert!(ran.err.contains("cache (id 1) is online and depends on db, which is stopped"), "{ran:?}");
    assert!(!ran.err.contains("web"), "{ran:?}");
    assert_eq!(order(&home), ["db asked", "db gone"]);
    let outcome = home.api().post("/api/v1/apps/cache/stop?wait=20s", &json!({}));
    let notices = outcome.json()["notices"].clone();
    assert_eq!(notices, json!(["web (id 2) is online and depends on cache, which is stopped"]));
    let ran = home.run(&["delete", "db"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = home.run(&["start", "cache"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.err.contains("cache (id 1) is not started yet: waits for db, which does not exist"),
        "{ran:?}"
    );
    start(&home, "db", &[]);
    wait_until("cache is there", SOON, || home.process("cache")["status"] == "online");
}

#[test]
fn k15_what_cannot_be_depended_on_is_refused_and_nothing_is_there() {
    let home = Home::new();
    let script = home.file("service.sh", SERVICE);
    let check = |name: &str, on: &str, words: &[&str]| {
        home.run(&["start", &script, "--name", name, "--depends-on", on]).refused(1, words);
    };
    check("web", "db", &["web is to depend on db", "no such app", "start db first"]);
    check("web", "web", &["cycle: web -> web"]);
    check("web", "9db", &["not a valid name"]);
    check("web", "blue:db:ready", &["blue:db"]);
    assert_eq!(home.processes(), Vec::<Value>::new());
    start(&home, "a", &[]);
    check("b", "a:healthy", &["a has no health check"]);
    check("b", "a:completed", &["a is started again whenever it ends", "--no-autorestart"]);
    start(&home, "b", &["--depends-on", "a:started"]);
    let pid = home.pid("a");
    let cycle = home.run(&["start", &script, "--name", "a", "--depends-on", "b", "--force"]);
    cycle.refused(1, &["a -> b -> a"]);
    assert_eq!((home.pid("a"), home.processes().len()), (pid, 2));
    let app = json!({"script": script, "name": "c", "depends_on": [{"app": "a", "condition": "happy"}]});
    let api = home.api();
    let problem = api.post("/api/v1/apps", &app).is_problem(422, "invalid_value");
    assert_eq!(problem["errors"][0]["pointer"], "/depends_on/0/condition", "{problem}");
    let app = json!({"script": script, "name": "c", "depends_on": [{"app": "nobody"}]});
    let problem = api.post("/api/v1/apps", &app).is_problem(422, "invalid_value");
    assert_eq!(problem["errors"][0]["pointer"], "/depends_on", "{problem}");
}

#[test]
fn k7_the_hosts_budget_for_restarts_is_set_by_the_environment() {
    let home = Home::new();
    let bad = ran(home.command(&["list"]).env("PMDAEMON_RESTART_BURST", "many"));
    bad.refused(1, &["PMDAEMON_RESTART_BURST is \"many\"", "such as 20"]);
    let mut first = home.command(&["start", "sleep", "--name", "s", "--instances", "4", "--", "1000"]);
    let first = ran(first.env("PMDAEMON_RESTART_BURST", "1").env("PMDAEMON_RESTART_RATE", "0.1"));
    assert_eq!(first.code, 0, "{first:?}");
    // A new daemon has it, too.
    proc::kill_hard(home.keeper_and_daemon().1);
    let pids: Vec<i64> = wait_for("a new daemon", SOON, || {
        let list: Value = serde_json::from_str(&home.run(&["list", "--json"]).out).ok()?;
        list.as_array()?.iter().map(|process| process["pid"].as_i64()).collect()
    });
    pids.into_iter().for_each(proc::kill_hard);
    wait_until("one is back and three wait", Duration::from_secs(8), || {
        let waiting = |p: &Value| {
            p["status"] == "restarting"
                && p["reason"].as_str().is_some_and(|reason| reason.starts_with("waits for its turn"))
        };
        home.processes().iter().filter(|process| waiting(process)).count() == 3
    });
}
