//! Why something ended (acceptance row K9), and memory restarts of several (B9).

use serde_json::{Value, json};

use crate::support::{Home, SOON, fixture, wait_until};

/// Each first run takes 80 MiB when it may; later runs are modest.
const HOG: &str = r#"
import os, sys, time
mark = "ran-" + os.environ["NODE_APP_INSTANCE"]
first = not os.path.exists(mark)
open(mark, "a").write("x")
if first:
    while not os.path.exists("go"): time.sleep(0.01)
    x = bytearray(b"1") * (80 << 20)
time.sleep(1000)
"#;

#[test]
fn b9_several_that_use_too_much_memory_are_restarted_one_after_the_other() {
    let home = Home::new();
    let script = home.file("hog.py", HOG);
    let options = ["--instances", "3", "--max-memory", "50M"];
    home.ok(&[&["start", &script, "--name", "hog"], options.as_slice()].concat());
    wait_until("all are there", SOON, || (0..3).all(|i| home.work().join(format!("ran-{i}")).exists()));
    home.file("go", "");
    wait_until("each was restarted", SOON * 2, || {
        home.processes().iter().all(|p| p["status"] == "online" && p["restarts"] == 1)
    });
    let all = home.api().get("/api/v1/events?limit=1000");
    let kinds = ["process.over_memory", "process.exited", "process.started"];
    let story: Vec<(&Value, &str)> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .skip_while(|event| event["type"] != "process.over_memory")
        .filter(|event| kinds.contains(&event["type"].as_str().unwrap()))
        .map(|event| (&event["id"], event["type"].as_str().unwrap()))
        .collect();
    assert_eq!(story.len(), 9, "{story:?}");
    for turn in story.chunks(3) {
        assert!(turn.iter().all(|(id, _)| *id == turn[0].0), "two at once: {story:?}");
        assert_eq!(turn.iter().map(|(_, kind)| *kind).collect::<Vec<_>>(), kinds, "{story:?}");
    }
    let exits = home.api().events("hog-0", "process.exited");
    let detail = exits[0]["detail"].as_str().unwrap();
    assert!(detail.contains(", memory limit: ") && !detail.contains("as asked"), "{detail}");
    let why = home.ok(&["why", "hog-0"]);
    assert!(why.contains("because       hog-0 is restarted, memory limit: "), "{why}");
    assert!(!why.contains("nobody asked for it"), "{why}");
    wait_until("the reason goes when the new runs are stable", SOON, || {
        home.processes().iter().all(|p| p["status"] == "online" && p["reason"].is_null())
    });
    let exit = home.process("hog-0")["last_exit"].clone();
    assert!(exit["reason"].as_str().unwrap().starts_with("memory limit: "), "{exit}");
}

#[test]
fn the_lines_before_an_end_are_those_of_the_run_that_ended() {
    let home = Home::new();
    let script = home.file("once.sh", "#!/bin/sh\necho run $1\nexit 3\n");
    for run in ["one", "two"] {
        let options = ["--name", "job", "--no-autorestart", "--force", "--", run];
        home.run(&[&["start", &script], options.as_slice()].concat());
        wait_until("it ended", SOON, || home.process("job")["status"] == "errored");
        home.wait_for_line("job", &format!("run {run}"));
    }
    let why = home.ok(&["why", "job"]);
    assert!(why.contains("run two") && !why.contains("run one"), "{why}");
}

#[test]
fn k9_every_end_is_told_with_its_cause() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    home.ok(&["restart", "web"]);
    home.ok(&["reload", "web"]);
    home.ok(&["stop", "web"]);
    let check = home.file("check.sh", "#!/bin/sh\n[ ! -e sick ] || { echo not well; exit 1; }\n");
    std::fs::set_permissions(&check, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let options =
        ["--health-check-script", &check, "--health-check-interval", "100ms", "--health-check-retries", "1"];
    home.ok(&[&["start", &fixture("loop.sh"), "--name", "ill", "--wait-ready"], options.as_slice()].concat());
    home.file("sick", "");
    wait_until("it is restarted", SOON, || home.process("ill")["restarts"].as_i64() > Some(0));
    let api = home.api();
    let told = |name: &str| -> Vec<String> {
        let exits = api.events(name, "process.exited");
        exits.iter().map(|event| event["detail"].as_str().unwrap().to_owned()).collect()
    };
    let web = told("web");
    for (exit, cause) in web.iter().zip(["to be restarted", "to be reloaded", "to stop"]) {
        let told = format!(", as asked: {cause}; its memory was at most ");
        assert!(exit.contains(&told), "{cause}: {web:?}");
    }
    assert_eq!(web.len(), 3, "{web:?}");
    assert!(
        told("ill")[0].contains(", unhealthy: ") && told("ill")[0].contains("not well"),
        "{:?}",
        told("ill")
    );
}

#[test]
fn k9_why_tells_older_ends_and_which_step_failed_of_what_never_ran() {
    let home = Home::new();
    let script = home.file("job.sh", "exit $(cat code)\n");
    home.file("code", "3");
    home.ok(&["start", &script, "--name", "job", "--no-autostart", "--max-restarts", "1"]);
    home.run(&["start", "job"]);
    for code in ["4", "5"] {
        wait_until("it gave up", SOON, || home.process("job")["status"] == "errored");
        home.file("code", code);
        home.run(&["start", "job"]);
        wait_until("it gave up again", SOON, || home.process("job")["status"] == "errored");
    }
    let why = home.ok(&["why", "job"]);
    assert!(why.contains("code 5") && !why.contains("before that"), "{why}");
    let all = home.ok(&["why", "job", "--all"]);
    let (newer, older) = (all.find("before that").unwrap(), all.rfind("before that").unwrap());
    assert!(newer < older && all[older..].contains("code 3"), "{all}");
    let json = home.json(&["why", "job", "--all", "--json"]);
    assert_eq!(json[0]["older"][0]["end"]["exit"]["code"], json!(4), "{json}");

    let gone = home.file("gone.sh", "#!/bin/sh\nsleep 1000\n");
    std::fs::set_permissions(&gone, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    home.ok(&["start", &gone, "--name", "gone", "--no-autostart"]);
    std::fs::remove_file(&gone).unwrap();
    home.run(&["start", "gone"]);
    let why = home.ok(&["why", "gone"]);
    for words in ["gone could not be started: cannot execute", "no such file", "none: it was given up"] {
        assert!(why.to_lowercase().contains(words), "{words}: {why}");
    }
}
