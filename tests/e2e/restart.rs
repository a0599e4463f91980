//! `restart`.

use crate::support::{Home, fixture, proc};

#[test]
fn restart_is_a_new_process_under_the_same_id() {
    let home = Home::new();
    home.ok(&["start", &fixture("server.js"), "--name", "web"]);
    let old = home.pid("web");
    let out = home.ok(&["restart", "web"]);
    let web = home.process("web");
    assert_ne!(web["pid"], old);
    assert_eq!((web["id"].as_i64(), web["restarts"].as_i64()), (Some(0), Some(1)), "{web}");
    assert_eq!(out, format!("Restarted web (id 0, pid {}).\n", web["pid"]));
    assert!(!proc::lives(old));
    assert_eq!(home.living_as("server.js").len(), 1);
}

#[test]
fn restart_starts_what_is_stopped() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--no-autostart"]);
    assert_eq!(home.process("loop")["status"], "stopped");
    home.ok(&["restart", "loop"]);
    assert_eq!(home.process("loop")["status"], "online");
}

#[test]
fn restart_of_all_touches_every_one() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--instances", "3"]);
    let before: Vec<_> = home.processes().iter().map(|p| p["pid"].clone()).collect();
    home.ok(&["restart", "all"]);
    for process in home.processes() {
        assert!(!before.contains(&process["pid"]) && process["status"] == "online", "{process}");
    }
    assert_eq!(home.living_as("loop.sh").len(), 3);
}
