//! Which processes a text means.

use crate::support::{Home, fixture};

/// `web` (ids 0, 1), `api` (2), and `blue:web` (3).
fn some() -> Home {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web", "-i", "2"]);
    home.ok(&["start", &fixture("chatter.py"), "--name", "api"]);
    home.ok(&["start", &fixture("loop.sh"), "--name", "web", "--namespace", "blue"]);
    home
}

/// The ids that are stopped by that command; all are started again.
#[track_caller]
fn stopped_by(home: &Home, refs: &[&str]) -> Vec<i64> {
    let ran = home.run(&[&["stop"], refs].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let stopped = home
        .processes()
        .iter()
        .filter(|p| p["status"] == "stopped")
        .map(|p| p["id"].as_i64().unwrap())
        .collect();
    home.ok(&["start", "all"]);
    stopped
}

#[test]
fn j8_patterns_namespaces_scripts_and_exact_forms_select() {
    let home = some();
    let chatter = fixture("chatter.py");
    for (refs, ids) in [
        (vec!["/^web/"], vec![0, 1, 3]),
        (vec!["/-1$/", "api"], vec![1, 2]),
        (vec!["blue"], vec![3]),
        (vec!["ns:default"], vec![0, 1, 2]),
        (vec!["blue:web", "web-0"], vec![0, 3]),
        (vec!["id:2", "name:api"], vec![2]),
        (vec![chatter.as_str()], vec![2]),
        (vec!["all"], vec![0, 1, 2, 3]),
    ] {
        assert_eq!(stopped_by(&home, &refs), ids, "{refs:?}");
    }
    home.run(&["stop", "web"]).refused(1, &["several apps", "blue:web", "default:web"]);
    home.run(&["stop", "/nope/"]).refused(1, &["no name matches /nope/"]);
    home.run(&["stop", "/(/"]).refused(1, &["not a pattern"]);
    home.run(&["restart", "ns:red"]).refused(1, &["namespace \"red\""]);
}

#[test]
fn d16_the_others_are_done_when_one_fails() {
    let home = some();
    let ran = home.run(&["stop", "nope", "api", "99"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, "Stopped api (id 2).\n"), "{ran:?}");
    assert_eq!(ran.err.lines().count(), 2, "{ran:?}");
    let ran = home.run(&["delete", "api", "nope", "ns:blue"]);
    assert_eq!((ran.code, home.processes().len()), (1, 2), "{ran:?}");
}

#[test]
fn j8_all_with_nothing_there_is_no_failure_and_anything_else_is() {
    let home = Home::new();
    for verb in ["stop", "restart", "reload", "reset", "delete", "info", "why"] {
        let ran = home.run(&[verb, "all"]);
        assert_eq!(ran.code, 0, "{verb}: {ran:?}");
        assert!(ran.out.contains("here are no processes"), "{verb}: {ran:?}");
        home.run(&[verb, "web"]).refused(1, &["there is no app named \"web\""]);
    }
    assert_eq!(home.run(&["signal", "HUP", "all"]).code, 0);
}

#[test]
fn j9_the_namespace_is_shown_when_there_are_several() {
    let home = some();
    assert!(home.ok(&["list"]).lines().next().unwrap().contains("namespace"));
    assert_eq!(home.json(&["info", "/^web/", "--json"]).as_array().map(Vec::len), Some(2));
    home.ok(&["delete", "ns:blue"]);
    assert!(!home.ok(&["list"]).contains("namespace"));
}

#[test]
fn d22_counts_of_stop_and_delete_are_true() {
    let home = some();
    home.ok(&["stop", "api"]);
    assert!(home.ok(&["stop", "all"]).ends_with("Stopped 3.\n"));
    home.ok(&["start", "api"]);
    let out = home.ok(&["delete", "all", "--force"]);
    assert!(out.ends_with("Stopped 1, deleted 4.\n"), "{out}");
    assert_eq!(home.run(&["delete", "all"]).code, 0);
}
