//! `save`, `resurrect` and `cleardump` (acceptance rows A14, J26).

use crate::support::{Home, SOON, fixture, proc, wait_until};

fn names(home: &Home) -> Vec<(String, String)> {
    let of = |process: &serde_json::Value, key: &str| process[key].as_str().unwrap().to_owned();
    let mut names: Vec<_> = home.processes().iter().map(|p| (of(p, "name"), of(p, "status"))).collect();
    names.sort();
    names
}

fn three_apps() -> Home {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web", "-i", "2", "--env", "LEVEL=7"]);
    home.ok(&["start", &fixture("loop.sh"), "--name", "api", "--namespace", "shop"]);
    home.ok(&["start", &fixture("loop.sh"), "--name", "idle"]);
    home.ok(&["stop", "idle"]);
    home
}

#[test]
fn j26_what_is_missing_is_completed_and_nothing_doubled() {
    let home = three_apps();
    let before = names(&home);
    let api = home.pid("api");
    assert_eq!(home.ok(&["save"]), "Saved 3 apps with 4 processes, 3 to run, as default.\n");
    home.ok(&["delete", "web-1", "idle", "--force"]);
    home.ok(&["stop", "web-0"]);
    let out = home.ok(&["resurrect"]);
    assert!(out.contains("Brought back web: 2 processes, 2 running.\n"), "{out}");
    assert!(out.contains("Brought back idle: 1 process, 0 running.\n") && !out.contains("api"), "{out}");
    assert_eq!(names(&home), before);
    assert_eq!((home.pid("api"), home.living_as("loop.sh").len()), (api, 3), "what runs is left alone");
    assert_eq!(home.ok(&["resurrect", "default"]), "Everything of default is there already.\n");
    // With everything that it was defined with.
    home.ok(&["delete", "all", "--force"]);
    home.ok(&["resurrect"]);
    assert_eq!(names(&home), before);
    let environment = std::fs::read(format!("/proc/{}/environ", home.pid("web-0"))).unwrap();
    assert!(environment.split(|b| *b == 0).any(|pair| pair == b"LEVEL=7"));
}

#[test]
fn a14_after_kill_resurrect_brings_back_those_that_ran() {
    let home = three_apps();
    let before = names(&home);
    home.ok(&["kill"]);
    assert_eq!(home.living_as("loop.sh"), [0i64; 0]);
    assert!(names(&home).iter().all(|(_, status)| status == "stopped"), "kill is for good");
    // A second one, of nothing, does not hide what the first one ended.
    home.ok(&["kill"]);
    home.ok(&["resurrect"]);
    assert_eq!(names(&home), before);
    let pids = home.living_as("loop.sh");
    home.ok(&["resurrect"]);
    assert_eq!(home.living_as("loop.sh"), pids);
}

#[test]
fn j26_an_empty_list_takes_no_points_place_without_force() {
    let home = three_apps();
    home.ok(&["save", "friday"]);
    home.ok(&["delete", "all", "--force"]);
    home.run(&["save", "friday"]).refused(1, &["there are no apps", "friday", "--force"]);
    home.ok(&["resurrect", "friday"]);
    assert_eq!(home.processes().len(), 4);
    home.ok(&["delete", "all", "--force"]);
    home.ok(&["save", "friday", "--force"]);
    home.ok(&["resurrect", "friday"]);
    assert!(home.processes().is_empty());
}

#[test]
fn j26_points_have_names_and_can_be_forgotten() {
    let home = Home::new();
    home.run(&["resurrect"]).refused(1, &["there is no restore point", "pmdaemon save"]);
    home.run(&["resurrect", "friday"]).refused(1, &["no restore point friday"]);
    home.run(&["cleardump"]).refused(1, &["no restore point default"]);
    home.run(&["save", "../x"]).refused(1, &["\"../x\" is not a valid name"]);
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    home.ok(&["dump"]);
    let list = home.api().get("/api/v1/restore-points");
    assert_eq!(
        (list["items"][0]["name"].as_str(), list["items"][0]["running"].as_i64()),
        (Some("default"), Some(1))
    );
    assert_eq!(home.ok(&["cleardump"]), "Forgot the restore point default.\n");
    home.run(&["resurrect"]).refused(1, &["there is no restore point"]);
}

#[test]
fn j26_an_app_that_cannot_come_back_keeps_no_other_from_it() {
    let home = Home::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    home.ok(&["start", &fixture("server.js"), "--name", "web", "--port", &free]);
    home.ok(&["start", &fixture("loop.sh"), "--name", "job"]);
    home.ok(&["save"]);
    home.ok(&["delete", "all", "--force"]);
    home.ok(&["start", &fixture("server.js"), "--name", "other", "--port", &free]);
    let ran = home.run(&["resurrect"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("web is not brought back") && ran.err.contains(&free), "{ran:?}");
    assert!(ran.out.contains("Brought back job"), "{ran:?}");
    assert_eq!(home.processes().len(), 2);
}

#[test]
fn a_point_outlives_a_store_that_is_lost() {
    let home = three_apps();
    let before = names(&home);
    home.ok(&["save"]);
    home.ok(&["kill"]);
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        let _ = std::fs::remove_file(home.path().join(name));
    }
    let _ = std::fs::remove_dir_all(home.path().join("backup"));
    home.ok(&["resurrect"]);
    wait_until("everything is back", SOON, || names(&home) == before);
    assert!(home.living_as("loop.sh").into_iter().all(proc::lives));
}
