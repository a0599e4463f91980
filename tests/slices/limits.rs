//! Memory limits, limits of the kernel, users, the host's budget for restarts.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Home, SOON, proc, wait_for, wait_until};

/// The first run has a child that takes 80 MiB when it may; later runs are modest.
const HOG: &str = r#"
import os, subprocess, sys, time
with open("starts", "a") as starts: starts.write("x")
if os.path.getsize("starts") == 1:
    child = """
import os, time
open('ready', 'w')
while not os.path.exists('go'): time.sleep(0.01)
x = bytearray(b'1') * (80 << 20)
time.sleep(1000)"""
    subprocess.Popen([sys.executable, "-c", child])
time.sleep(1000)
"#;

#[test]
fn a_tree_above_its_memory_limit_is_restarted_within_3_s_and_says_why_with_nobody_looking() {
    let home = Home::new();
    let script = home.file("hog.py", HOG);
    // Its reason is shown until the new run is stable.
    home.ok(&["start", &script, "--name", "hog", "--max-memory", "50M", "--min-uptime", "60s"]);
    let starts = || std::fs::metadata(home.work().join("starts")).map_or(0, |meta| meta.len());
    wait_until("its child is there", SOON, || home.work().join("ready").exists());
    // From here on only files are looked at.
    home.file("go", "");
    let begun = Instant::now();
    wait_until("it runs anew", Duration::from_secs(3), || starts() == 2);
    println!("restarted within {:?}", begun.elapsed());

    let process = wait_for("it is listed as online", SOON, || {
        Some(home.process("hog")).filter(|process| process["status"] == "online")
    });
    let reason = process["reason"].as_str().unwrap_or_default().to_owned();
    assert!(reason.starts_with("memory limit: ") && reason.ends_with(" MiB > 50 MiB"), "{process}");
    assert_eq!((&process["restarts"], &process["max_memory_bytes"]), (&json!(1), &json!(50 << 20)));
    // It had not run for as long as makes it stable.
    assert_eq!((&process["last_exit"]["reason"], &process["unstable_restarts"]), (&json!(reason), &json!(1)));
    for (command, text) in [("list", &reason), ("info", &reason), ("info", &"of 50.0 MiB".to_owned())] {
        let args = if command == "list" { vec![command] } else { vec![command, "hog"] };
        let out = home.ok(&args);
        assert!(out.contains(text.as_str()), "{text} is missing in {out}");
    }
    let events = home.api().events("hog", "process.over_memory");
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(events[0]["detail"].as_str().unwrap().contains(&reason), "{events:?}");
    // A new daemon knows it still.
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("a new daemon says the same", SOON, || {
        let ran = home.run(&["list", "--json"]);
        let list: Value = serde_json::from_str(&ran.out).unwrap_or_default();
        list[0]["last_exit"]["reason"] == json!(reason) && list[0]["restarts"] == 1
    });
}

#[test]
fn limits_of_the_kernel_reach_the_program_and_survive_a_restart() {
    let home = Home::new();
    let script = home.file(
        "limits.sh",
        "echo \"nice $(nice), $(ulimit -Sn) of $(ulimit -Hn) files, core $(ulimit -c), umask $(umask).\"\nexec sleep 1000\n",
    );
    let options = ["--nice", "3", "--max-open-files", "300", "--core-size", "0", "--umask", "027"];
    home.ok(&[&["start", &script, "--name", "job"], options.as_slice()].concat());
    let expected = "nice 3, 300 of 300 files, core 0, umask 0027.";
    home.wait_for_line("job", expected);
    // What is stored counts from here on.
    proc::kill_hard(home.keeper_and_daemon().1);
    wait_until("a new daemon", SOON, || home.run(&["restart", "job"]).code == 0);
    wait_until("the same limits again", SOON, || {
        home.ok(&["logs", "job", "--raw"]).matches(expected).count() == 2
    });
    let info = home.ok(&["info", "job"]);
    for line in ["nice            3", "max open files  300", "core size       0 B", "umask           027"] {
        assert!(info.lines().any(|l| l == line), "{line}\n{info}");
    }
}

#[test]
fn limits_that_cannot_be_are_refused_with_an_example_and_leave_nothing() {
    let home = Home::new();
    let check = |option: &[&str], word: &str| {
        let ran = home.run(&[&["start", "sleep", "--name", "bad"], option, &["--", "9"]].concat());
        assert!(ran.code != 0 && ran.err.contains(word), "{option:?}: {ran:?}");
    };
    check(&["--max-memory", "0"], "100M");
    check(&["--max-memory", "-5M"], "100M");
    check(&["--max-memory", "512"], "512M");
    check(&["--umask", "9"], "027");
    check(&["--nice", "20"], "-20..=19");
    check(&["--max-open-files", "999999999999"], "too many");
    let unknown = if is_root() { "there is no user" } else { "only root" };
    check(&["--uid", "no-such-user"], unknown);
    check(&["--gid", "no-such-group"], if is_root() { "there is no group" } else { "only root" });
    assert_eq!(home.processes(), Vec::<Value>::new());
    let api = home.api();
    let answer = api.post("/api/v1/apps", &json!({"script": "sleep", "args": ["9"], "max_memory_bytes": 0}));
    let problem = answer.is_problem(422, "invalid_value");
    assert_eq!(problem["errors"][0]["pointer"], "/max_memory_bytes");
}

/// Row 32 of the security checklist.
#[test]
fn an_app_runs_as_another_user_with_its_groups_home_and_outputs() {
    if !is_root() {
        // Nobody else may change its user; that this is refused, another test says.
        return;
    }
    let home = Home::new();
    let line = "echo \"$(id -u):$(id -g):$(id -G), $HOME $USER $LOGNAME\"; echo opened anew > /dev/stdout; \
                exec sleep 1000";
    home.ok(&["start", line, "--name", "web", "--cwd", "/", "--uid", "nobody"]);
    let user = nix::unistd::User::from_name("nobody").unwrap().expect("nobody");
    let groups = std::process::Command::new("id").args(["-G", "nobody"]).output().unwrap();
    let groups = String::from_utf8(groups.stdout).unwrap();
    let (uid, gid, dir) = (user.uid, user.gid, user.dir.display());
    home.wait_for_line("web", &format!("{uid}:{gid}:{}, {dir} nobody nobody", groups.trim()));
    home.wait_for_line("web", "opened anew");
    assert!(
        home.ok(&["info", "web"]).lines().any(|line| line.starts_with("user") && line.ends_with("nobody"))
    );
    // A directory that is closed to it is no place to work; that is said.
    std::fs::set_permissions(home.work(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let refused = home.run(&["start", "sleep", "--name", "shut", "--uid", "nobody", "--", "9"]);
    refused.refused(1, &["cannot change to directory", "permission denied"]);
}

#[test]
fn row_34_who_gave_rights_up_gets_none_back() {
    if !is_root() {
        // Only root makes a program that gives rights, and only root gives rights up.
        return;
    }
    let home = Home::new();
    let place = tempfile::tempdir().unwrap();
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let id = place.path().join("id");
    std::fs::copy("/usr/bin/id", &id).unwrap();
    std::fs::set_permissions(&id, std::fs::Permissions::from_mode(0o4755)).unwrap();
    let line = format!(
        "echo \"I am $({} -u), $(grep NoNewPrivs /proc/self/status | tr '\t' ' ').\"; exec sleep 1000",
        id.display()
    );
    let nobody = nix::unistd::User::from_name("nobody").unwrap().expect("nobody").uid;
    for (name, options, expected) in [
        ("usual", &["--uid", "nobody"][..], format!("I am {nobody}, NoNewPrivs: 1.")),
        ("told", &["--uid", "nobody", "--no-new-privileges=false"], "I am 0, NoNewPrivs: 0.".to_owned()),
        ("root", &[], "I am 0, NoNewPrivs: 0.".to_owned()),
        ("closed", &["--no-new-privileges"], "I am 0, NoNewPrivs: 1.".to_owned()),
    ] {
        home.ok(&[&["start", &line, "--name", name, "--cwd", "/"], options].concat());
        home.wait_for_line(name, &expected);
        let told = home.ok(&["info", name]).lines().any(|line| line == "new privileges  never");
        assert_eq!(told, expected.ends_with("1."), "{name}");
    }
    // What is stored counts from here on.
    proc::kill_hard(home.keeper_and_daemon().1);
    wait_until("a new daemon", SOON, || home.run(&["restart", "closed"]).code == 0);
    wait_until("the same again", SOON, || {
        home.ok(&["logs", "closed", "--raw"]).matches("NoNewPrivs: 1.").count() == 2
    });
}

#[test]
fn a_common_cause_is_no_storm_and_commands_go_before() {
    let home = Home::new();
    home.ok(&["start", "sleep", "--name", "s", "--instances", "60", "--", "1000"]);
    for process in home.processes() {
        proc::kill_hard(process["pid"].as_i64().expect("it runs"));
    }
    let waits = |process: &Value| {
        process["status"] == "restarting"
            && process["reason"].as_str().is_some_and(|reason| reason.starts_with("waits for its turn"))
    };
    let last = wait_for("somebody waits for the host's budget", SOON, || {
        home.processes().iter().rev().find(|process| waits(process)).cloned()
    });
    let name = last["name"].as_str().unwrap();
    let ran = home.run(&["start", name]);
    assert!(ran.code == 0 && home.process(name)["status"] == "online", "{ran:?}");
    wait_until("all are back, each restarted once", Duration::from_secs(60), || {
        home.processes().iter().all(|process| process["status"] == "online" && process["restarts"] == 1)
    });
    assert!(!home.api().events(name, "process.host_budget").is_empty());
}

#[test]
fn a_restart_is_finished_by_the_next_daemon() {
    let home = Home::new();
    let script = home.file(
        "slow.sh",
        "trap 'echo asked; while [ ! -e go ]; do sleep 0.05; done; exit 0' TERM\necho up\nwhile :; do sleep 0.05; done\n",
    );
    home.ok(&["start", &script, "--name", "slow", "--kill-timeout", "60s"]);
    home.wait_for_line("slow", "up");
    let before = home.pid("slow");
    let mut restart = home.command(&["restart", "slow"]);
    let mut restart =
        restart.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    home.wait_for_line("slow", "asked");
    proc::kill_hard(home.keeper_and_daemon().1);
    std::fs::write(home.work().join("go"), "").unwrap();
    wait_until("it was restarted, once", SOON, || {
        let ran = home.run(&["list", "--json"]);
        let list: Value = serde_json::from_str(&ran.out).unwrap_or_default();
        let process = &list[0];
        process["status"] == "online" && process["restarts"] == 1 && process["pid"].as_i64() != Some(before)
    });
    let _ = restart.kill();
    restart.wait().unwrap();
    assert!(!proc::lives(before));
}

#[test]
fn pm2s_words_for_limits_are_understood() {
    let home = Home::new();
    home.ok(&["list"]);
    let api = home.api();
    for (name, limit, bytes) in [("text", json!("100M"), 100 << 20), ("number", json!(5_000_000), 5_000_000)]
    {
        let app = json!({"script": "sleep", "args": ["1000"], "name": name, "max_memory_restart": limit});
        let answer = api.post("/api/processes", &app);
        assert_eq!(answer.json()[0]["pm2_env"]["max_memory_restart"], json!(bytes), "{name}");
        assert_eq!(home.process(name)["max_memory_bytes"], json!(bytes), "{name}");
    }
    for bad in [json!("lots"), json!(0), json!(-1)] {
        let app = json!({"script": "sleep", "name": "bad", "max_memory_restart": bad});
        let problem = api.post("/api/processes", &app).is_problem(422, "invalid_value");
        assert_eq!(problem["errors"][0]["pointer"], "/max_memory_restart", "{problem}");
    }
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

#[test]
fn a_limit_with_which_a_program_cannot_begin_is_given_up_with_what_it_used() {
    let home = Home::new();
    let script = home.file("big.py", "import time\nx = bytearray(b'1') * (60 << 20)\ntime.sleep(1000)\n");
    let more = ["--max-memory", "20M", "--min-uptime", "10s", "--max-restarts", "3"];
    home.ok(&[&["start", &script, "--name", "big"], &more[..]].concat());
    let process = wait_for("it is given up", SOON, || {
        Some(home.process("big")).filter(|process| process["status"] == "errored")
    });
    let reason = process["reason"].as_str().unwrap();
    let begins = "given up after 3 unstable runs in a row; the last went over its memory limit: ";
    assert!(reason.starts_with(begins) && reason.ends_with(" MiB > 20 MiB"), "{reason}");
    assert_eq!(process["restarts"], 2, "{process}");
}
