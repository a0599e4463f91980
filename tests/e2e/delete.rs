//! `delete`.

use crate::support::{Home, fixture, proc, wait_until};

#[test]
fn delete_all_asks_and_without_a_terminal_refuses() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--instances", "2"]);
    let ran = home.run(&["delete", "all"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{ran:?}");
    assert!(ran.err.contains("--force"), "{ran:?}");
    assert_eq!(home.processes().len(), 2);
    let out = home.ok(&["delete", "all", "--force"]);
    assert!(out.contains("Stopped 2, deleted 2."), "{out}");
    assert_eq!(home.ok(&["list"]), "no processes\n");
    assert_eq!(home.living_as("loop.sh"), [0i64; 0]);
}

#[test]
fn delete_by_status_takes_only_those() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "on"]);
    home.ok(&["start", &fixture("loop.sh"), "--name", "off"]);
    home.ok(&["stop", "off"]);
    let pid = home.pid("on");
    let out = home.ok(&["delete", "stopped", "--status", "--force"]);
    assert!(out.contains("Stopped 0, deleted 1."), "{out}");
    assert_eq!(home.processes().len(), 1);
    assert_eq!(home.pid("on"), pid);
    assert_eq!(
        home.ok(&["delete", "stopped", "--status", "--force"]),
        "No process is stopped: nothing deleted.\n"
    );
    home.run(&["delete", "dead", "--status", "--force"]).refused(1, &["dead", "errored"]);
}

#[test]
fn a_deleted_app_takes_its_logs_along_and_its_name_is_free() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    home.wait_for_line("web", "loop started");
    let log = home.process("web")["out_log"].as_str().unwrap().to_owned();
    assert!(std::path::Path::new(&log).is_file());
    let pid = home.pid("web");
    home.ok(&["delete", "web"]);
    assert!(!proc::lives(pid));
    wait_until("the end of its log", crate::support::SOON, || !std::path::Path::new(&log).exists());
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    assert_eq!(home.process("web")["id"], 1, "ids are not reused");
}
