//! `doctor`: what it finds, and that it leaves everything as it is.

use std::os::unix::fs::PermissionsExt;

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
        "daemon",
        "keeper",
        "address",
    ] {
        assert!(checks.contains(&check), "{check} is missing: {checks:?}");
    }
    assert!(home.ok(&["doctor"]).contains("daemon"));
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
