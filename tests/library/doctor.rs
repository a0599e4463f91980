//! `doctor`: what it finds, and that it leaves everything as it is.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::Home;

#[test]
fn a_healthy_installation_has_nothing_serious_and_nothing_is_started() {
    let home = Home::new();
    let before = home.json(&["doctor", "--json"]);
    assert_eq!(before["serious"], 0, "{before}");
    assert!(!home.path().exists() && home.living().is_empty(), "it only looks");
    home.ok(&["list"]);
    let after = home.json(&["doctor", "--json"]);
    assert_eq!(after["serious"], 0, "{after}");
    let checks: Vec<&str> =
        after["findings"].as_array().unwrap().iter().map(|f| f["check"].as_str().unwrap()).collect();
    for check in [
        "kernel",
        "pidfd",
        "cgroup",
        "open files",
        "clock",
        "home",
        "socket",
        "disk",
        "service",
        "daemon",
        "keeper",
        "address",
    ] {
        assert!(checks.contains(&check), "{check} is missing: {checks:?}");
    }
    assert!(home.ok(&["doctor"]).contains("daemon"));
    let service = finding(&after, "service");
    let told = service["finding"].as_str().unwrap();
    assert_eq!(service["level"], "ok", "{service}");
    assert!(told.contains("was started in") && told.contains("another session was killed"), "{told}");
    // With the keeper of this home there is nobody else, and no directory of the service.
    assert_eq!(home.living().len(), 2, "{:?}", home.living());
    let names = std::fs::read_dir(home.path()).unwrap().flatten().map(|entry| entry.file_name());
    assert!(names.filter(|name| name.to_string_lossy().starts_with("doctor")).count() == 0);
}

fn finding(findings: &Value, check: &str) -> Value {
    let all = findings["findings"].as_array().unwrap();
    all.iter().find(|finding| finding["check"] == check).unwrap_or_else(|| panic!("{findings}")).clone()
}

#[test]
fn k23_the_service_that_is_tried_is_killed_by_its_cgroup_or_by_a_look_through_proc() {
    let by_proc = Home::without_cgroups().json(&["doctor", "--json"]);
    let told = finding(&by_proc, "service");
    assert!(told["finding"].as_str().unwrap().contains("by a look through /proc in"), "{told}");
    let usual = Home::new().json(&["doctor", "--json"]);
    let has_cgroups = finding(&usual, "cgroup")["level"] == "ok";
    let told = finding(&usual, "service");
    assert_eq!(told["finding"].as_str().unwrap().contains("by its cgroup in"), has_cgroups, "{told}");
}

#[test]
fn k23_a_service_that_cannot_write_its_log_is_serious() {
    let home = Home::new();
    home.ok(&["list"]);
    // A user who may not start another process has no service either.
    let ran = home.command(&["doctor", "--json"]).env("PATH", "/no/such/dir").output().unwrap();
    let findings: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let told = finding(&findings, "service");
    assert_eq!((ran.status.code(), &told["level"]), (Some(1), &"serious".into()), "{told}");
    assert!(told["remedy"].as_str().unwrap().contains("setsid"), "{told}");
    assert_eq!(home.living().len(), 2, "nothing of it stays: {:?}", home.living());
}

#[test]
fn a_secret_that_is_open_to_others_is_serious_until_its_remedy_is_applied() {
    let home = Home::new();
    home.ok(&["list"]);
    let key = home.path().join("jwt.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ran = home.run(&["doctor"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let remedy = format!("chmod 600 {}", key.display());
    assert!(ran.out.contains(&remedy) && ran.err.is_empty(), "{ran:?}");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(home.run(&["doctor"]).code, 0);
}

#[test]
fn keepers_of_other_homes_are_named() {
    let (home, other) = (Home::new(), Home::new());
    other.ok(&["list"]);
    let told = home.ok(&["doctor"]);
    assert!(told.contains(&format!("holds {}", other.path().display())), "{told}");
}
