//! `--before-start`, `--hook-timeout`: acceptance row K19. Real programs, and a daemon that is killed in
//! the middle of a hook.

use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::support::home::wait_until_gone;
use crate::support::{Home, SOON, proc, wait_until};

const IDLE: &str = "echo \"I run\"\nwhile true; do sleep 0.2; done\n";

/// Notes that it has begun, then waits until the file `go` is there.
const WAITS: &str = "echo begun >> begun\nwhile [ ! -e go ]; do sleep 0.05; done\n";

/// How many lines the file has.
fn lines(home: &Home, name: &str) -> usize {
    std::fs::read_to_string(home.work().join(name)).unwrap_or_default().lines().count()
}

fn status(home: &Home, name: &str) -> String {
    home.process(name)["status"].as_str().expect("a status").to_owned()
}

/// A command that goes on meanwhile.
struct Begun(Child);

impl Drop for Begun {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts `app.sh`, whose hook waits for the file `go`, and waits until the hook has begun.
fn start_waiting(home: &Home) -> Begun {
    home.file("app.sh", IDLE);
    home.file("waits.sh", WAITS);
    let mut start = home.command(&["start", "app.sh", "--name", "app", "--before-start", "waits.sh"]);
    let begun = Begun(start.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait_until("the hook runs", SOON, || lines(home, "begun") == 1);
    assert_eq!(status(home, "app"), "starting");
    begun
}

#[test]
fn k19_a_hook_runs_before_each_start_with_what_the_app_has() {
    let home = Home::new();
    home.file("app.sh", "echo \"I run\"\nwhile [ ! -e crash ]; do sleep 0.05; done\nrm crash\nexit 1\n");
    let said = "printf '%s ' \"$PMDAEMON_HOOK\" \"$name\" \"$pm_id\" \"$NODE_APP_INSTANCE\" \"$A\" \"$PWD\" >> ran\necho >> ran\n";
    home.file("before.sh", said);
    home.ok(&["start", "app.sh", "--name", "app", "--env", "A=b", "--before-start", "before.sh"]);
    let expected = format!("before_start app 0 0 b {} \n", home.work().display());
    assert_eq!(std::fs::read_to_string(home.work().join("ran")).unwrap(), expected);
    home.wait_for_line("app", "I run");
    home.ok(&["restart", "app"]);
    assert_eq!(lines(&home, "ran"), 2);
    home.file("crash", "");
    wait_until("it has crashed and runs again", SOON, || {
        lines(&home, "ran") == 3 && status(&home, "app") == "online"
    });
    assert!(home.ok(&["info", "app"]).contains("before start before.sh, each within 1m"));
    assert_eq!(std::fs::read_dir(home.path().join("hooks")).unwrap().count(), 0, "a mark is left");
}

#[test]
fn k19_a_hook_that_fails_is_a_failed_start_with_its_reason() {
    let home = Home::new();
    home.file("app.sh", "echo ran >> ran\nsleep 1000\n");
    home.file("before.sh", "echo the database\necho does not answer >&2\nexit 3\n");
    let start = ["start", "app.sh", "--name", "app", "--before-start", "before.sh"];
    let why = "the hook before_start failed with exit code 3; it said: the database / does not answer";
    // Where nothing is tried again, nothing is left.
    home.run(&[&start[..], &["--no-autorestart"]].concat()).refused(1, &[why]);
    assert_eq!(home.processes(), [serde_json::Value::Null; 0]);
    // Otherwise it is tried again, which is no start either.
    home.run(&start).refused(1, &["was not started", why]);
    wait_until("it is tried again", SOON, || {
        let app = home.process("app");
        app["status"] == "restarting" && app["reason"].as_str().is_some_and(|text| text.contains(why))
    });
    assert!(home.ok(&["events", "--lines", "50"]).contains(why));
    assert_eq!(lines(&home, "ran"), 0, "the app was started");
    // Repaired, it starts by itself.
    home.file("before.sh", "exit 0\n");
    wait_until("it runs", SOON, || lines(&home, "ran") == 1);
}

#[test]
fn k19_a_hook_that_always_fails_is_given_up_and_a_reload_keeps_the_old_run() {
    let home = Home::new();
    home.file("app.sh", IDLE);
    home.file("before.sh", "exit 0\n");
    home.ok(&["start", "app.sh", "--name", "app", "--max-restarts", "3", "--before-start", "before.sh"]);
    let pid = home.pid("app");
    home.file("before.sh", "exit 4\n");
    let why = "the hook before_start failed with exit code 4; it said nothing";
    home.run(&["reload", "app"]).refused(1, &[why]);
    assert_eq!((home.pid("app"), status(&home, "app").as_str()), (pid, "online"));
    home.run(&["restart", "app"]);
    wait_until("it is given up", SOON, || status(&home, "app") == "errored");
    let reason = home.process("app")["reason"].to_string();
    assert!(reason.contains(why) && reason.contains("3 unstable runs"), "{reason}");
}

#[test]
fn k19_a_hook_that_takes_too_long_is_killed_with_all_that_it_started() {
    let home = Home::new();
    home.file("app.sh", IDLE);
    home.file("before.sh", "sleep 1000 & echo $! > child\necho migrating\nwait\n");
    // Long enough for the shell on any machine to get so far.
    let start = ["start", "app.sh", "--name", "app", "--no-autorestart", "--hook-timeout", "3s"];
    let ran = home.run(&[&start[..], &["--before-start", "before.sh"]].concat());
    let why = "the hook before_start did not end within 3000 ms and was killed; it said: migrating";
    ran.refused(1, &[why]);
    let child = std::fs::read_to_string(home.work().join("child")).unwrap();
    wait_until_gone(&[child.trim().parse().unwrap()]);
}

#[test]
fn k19_a_stop_ends_the_hook_and_other_apps_do_not_wait_for_it() {
    let home = Home::new();
    let _start = start_waiting(&home);
    home.file("other.sh", IDLE);
    home.ok(&["start", "other.sh", "--name", "other"]);
    assert_eq!((status(&home, "other").as_str(), status(&home, "app").as_str()), ("online", "starting"));
    let hook = home.living_as("/waits.sh");
    let ran = home.run(&["stop", "app"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.took < Duration::from_secs(9), "it waited for the kill timeout: {ran:?}");
    assert_eq!(status(&home, "app"), "stopped");
    wait_until_gone(&hook);
    assert!(!home.ok(&["events", "--lines", "50"]).contains("hook"), "a hook that was ended has not failed");
}

#[test]
fn k19_a_daemon_that_dies_in_the_middle_of_a_hook_runs_it_again() {
    let home = Home::new();
    let _start = start_waiting(&home);
    let hook = home.living_as("/waits.sh");
    assert_eq!(hook.len(), 1);
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("the next daemon runs the hook again", SOON, || lines(&home, "begun") == 2);
    wait_until_gone(&hook);
    assert_eq!(home.living_as("/waits.sh").len(), 1, "two hooks at once");
    home.file("go", "");
    wait_until("it runs", SOON, || status(&home, "app") == "online");
    assert_eq!(lines(&home, "begun"), 2);
}

#[test]
fn k19_hooks_are_declared_in_files_and_a_mistake_is_one_sentence() {
    let home = Home::new();
    home.file("app.sh", IDLE);
    home.file("before.sh", "echo ran >> ran\n");
    let file = |hooks: serde_json::Value| {
        let app = json!({"name": "app", "script": "app.sh", "hooks": hooks});
        home.file("apps.json", &json!({"apps": [app]}).to_string());
    };
    file(json!({"before_strat": "before.sh"}));
    home.run(&["start", "apps.json"]).refused(1, &["hooks", "before_strat", "before_start"]);
    file(json!({"before_start": "no-such.sh"}));
    home.run(&["start", "apps.json"]).refused(1, &["before_start", "no-such.sh"]);
    file(json!({"before_start": "before.sh", "timeout": "5s"}));
    home.ok(&["start", "apps.json"]);
    assert_eq!(lines(&home, "ran"), 1);
    let app = home.json(&["info", "app", "--json"]);
    assert!(app.to_string().contains(r#""hooks":{"before_start":"before.sh","timeout_ms":5000}"#), "{app}");
    home.run(&["start", "app.sh", "--name", "b", "--hook-timeout", "5s"]).refused(1, &["no hook"]);
    // Another hook does not touch what runs.
    let pid = home.pid("app");
    file(json!({"before_start": "true"}));
    home.ok(&["start", "apps.json"]);
    assert_eq!(home.pid("app"), pid);
}
