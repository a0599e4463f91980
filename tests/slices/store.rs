//! A damaged store never takes the running services along.

use std::fs;
use std::path::Path;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::home::wait_until_gone;
use crate::support::{Home, SOON, fixture, proc, wait_until};

/// Services of several kinds: of the copy, younger than the copy, stopped ones.
struct Services {
    home: Home,
    before: Vec<(String, i64)>,
}

impl Services {
    fn start() -> Services {
        let home = Home::new();
        home.ok(&["start", &fixture("loop.sh"), "--name", "idle"]);
        home.ok(&["stop", "idle"]);
        home.ok(&["start", &fixture("loop.sh"), "--name", "web", "-i", "2", "--env", "SECRET=s3cr3t"]);
        wait_until("a copy of the store", SOON, || {
            let copies = fs::read_dir(home.path().join("backup")).into_iter().flatten().flatten();
            let mut copies = copies.filter(|copy| copy.file_name().to_str().unwrap().ends_with(".db"));
            copies.any(|copy| {
                let bytes = fs::read(copy.path()).unwrap_or_default();
                bytes.windows(6).any(|part| part == b"s3cr3t")
            })
        });
        home.ok(&["start", &fixture("loop.sh"), "--name", "late", "--namespace", "shop", "--env", "A=b"]);
        let before = Services::running(&home);
        assert_eq!(before.len(), 3);
        Services { home, before }
    }

    fn running(home: &Home) -> Vec<(String, i64)> {
        let known = |process: &Value| Some((process["name"].as_str()?.to_owned(), process["pid"].as_i64()?));
        let mut running: Vec<_> = home.processes().iter().filter_map(known).collect();
        running.sort();
        running
    }

    /// Does it to the home while there is no daemon; then waits for the next one.
    fn without_daemon(&self, damage: impl FnOnce(&Path)) {
        let (keeper, daemon) = self.home.keeper_and_daemon();
        proc::send(keeper, Signal::SIGSTOP);
        proc::kill_hard(daemon);
        wait_until_gone(&[daemon]);
        damage(&self.home.path());
        proc::send(keeper, Signal::SIGCONT);
        wait_until("another daemon", SOON, || self.home.keeper_and_daemon().1 != daemon);
    }

    /// Whatever ran still runs, is listed, and is ours.
    #[track_caller]
    fn unharmed(&self, what: &str) {
        assert_eq!(Services::running(&self.home), self.before, "{what}");
        assert_eq!(self.home.living_as("loop.sh").len(), 3, "{what}");
        assert_eq!(self.home.process("late")["namespace"], "shop", "{what}");
    }

    #[track_caller]
    fn stop_works(&self) {
        self.home.ok(&["stop", "all"]);
        assert_eq!(self.home.living_as("loop.sh"), [0i64; 0]);
        self.home.ok(&["start", "late"]);
        assert_eq!(self.home.living_as("loop.sh").len(), 1);
    }
}

fn overwrite(home: &Path, bytes: &[u8]) {
    let store = home.join("store.db");
    for part in ["store.db-wal", "store.db-shm"] {
        let _ = fs::remove_file(home.join(part));
    }
    fs::write(store, bytes).unwrap();
}

type Damage = (&'static str, fn(&Path));

const DAMAGES: [Damage; 6] = [
    ("garbage", |home| overwrite(home, &[0x5a; 50_000])),
    ("truncated", |home| {
        let bytes = fs::read(home.join("store.db")).unwrap();
        overwrite(home, &bytes[..bytes.len().min(5_000)]);
    }),
    ("emptied", |home| overwrite(home, b"")),
    ("removed", |home| {
        overwrite(home, b"");
        fs::remove_file(home.join("store.db")).unwrap();
    }),
    ("of the future", |home| {
        let store = rusqlite::Connection::open(home.join("store.db")).unwrap();
        store.pragma_update(None, "user_version", 4711).unwrap();
    }),
    ("unreadable", |home| {
        overwrite(home, b"");
        fs::remove_file(home.join("store.db")).unwrap();
        fs::create_dir(home.join("store.db")).unwrap();
    }),
];

#[test]
fn a15_a_damaged_store_is_kept_aside_and_the_copy_used_while_services_go_on() {
    let services = Services::start();
    let home = &services.home;
    for (what, damage) in DAMAGES {
        services.without_daemon(damage);
        services.unharmed(what);
        let idle = home.process("idle");
        assert_eq!(idle["status"], "stopped", "{what}: of the copy: {idle}");
        let events = home.json(&["events", "--json", "--lines", "1000"]);
        let told = |kind: &str| {
            let mut all = events.as_array().unwrap().iter().rev();
            let found = all.find(|event| event["type"] == kind);
            found.unwrap_or_else(|| panic!("{what}: no {kind}: {events}"))["detail"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        let lost = told("store.lost");
        assert!(lost.contains("is used instead") && lost.contains("is lost"), "{what}: {lost}");
        assert!(told("store.adopted").contains("late"), "{what}");
        assert!(home.daemon_log().contains(&lost), "{what}");
        if what != "removed" {
            let status = home.json(&["status", "--json"]);
            let kept = status["store"]["loss"]["kept"].as_str().unwrap_or_else(|| panic!("{what}: {status}"));
            assert!(Path::new(kept).exists() && lost.contains(kept), "{what}: {status}");
            assert!(home.ok(&["status"]).contains(kept), "{what}");
            let doctor = home.run(&["doctor"]);
            assert!(doctor.out.contains(kept), "{what}: {doctor:?}");
        }
    }
    services.stop_works();
}

#[test]
fn a15_without_any_copy_running_services_are_taken_over_by_their_own_records() {
    let services = Services::start();
    let home = &services.home;
    for (what, damage) in DAMAGES {
        services.without_daemon(|path| {
            fs::remove_dir_all(path.join("backup")).unwrap();
            damage(path);
            // Not what the test before this one left.
            fs::create_dir_all(path.join("backup")).unwrap();
        });
        services.unharmed(what);
        let info = home.json(&["info", "late", "--json"]);
        assert_eq!(info["env"]["A"], "***", "{what}: {info}");
        assert!(info["script"].as_str().unwrap().ends_with("loop.sh"), "{what}: {info}");
    }
    // The next daemon finds all of it in the store.
    services.without_daemon(|_| {});
    services.unharmed("once more");
    // Taken over in earnest: a crash is noticed.
    proc::kill_hard(home.pid("late"));
    wait_until("late is started again", SOON, || home.process("late")["restarts"] == 1);
    services.stop_works();
}

#[test]
fn a15_a_daemon_that_dies_while_it_takes_over_does_it_again() {
    let services = Services::start();
    services.without_daemon(|path| {
        fs::remove_dir_all(path.join("backup")).unwrap();
        // As a daemon leaves it that dies right after the recovery: a good store that knows nothing.
        overwrite(path, b"");
        fs::remove_file(path.join("store.db")).unwrap();
        use std::os::unix::fs::PermissionsExt;
        drop(pmdaemon::store::Store::open(&path.join("store.db")).unwrap());
        assert_eq!(fs::metadata(path.join("store.db")).unwrap().permissions().mode() & 0o777, 0o600);
    });
    services.unharmed("taken over at the second attempt");
}

#[test]
fn keepsakes_are_for_their_owner_alone_and_go_with_their_run() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web", "--env", "SECRET=s3cr3t"]);
    let keepsakes = || {
        let files = fs::read_dir(home.path().join("run")).unwrap().map(|entry| entry.unwrap().path());
        let records = files.filter(|path| path.extension().is_some_and(|kind| kind == "json"));
        records.filter(|path| fs::read_to_string(path).unwrap().contains("s3cr3t")).collect::<Vec<_>>()
    };
    let [keepsake] = keepsakes().try_into().unwrap();
    assert_eq!(fs::metadata(&keepsake).unwrap().permissions().mode() & 0o7777, 0o600);
    home.ok(&["stop", "web"]);
    wait_until("the keepsake is gone", SOON, || keepsakes().is_empty());
}

#[test]
fn doctor_repairs_a_home_that_is_open_and_a_store_that_is_damaged() {
    use std::os::unix::fs::PermissionsExt;
    let services = Services::start();
    let home = &services.home;
    let (keeper, daemon) = home.keeper_and_daemon();
    proc::send(daemon, Signal::SIGSTOP);
    proc::kill_hard(keeper);
    proc::kill_hard(daemon);
    wait_until_gone(&[keeper, daemon]);
    overwrite(&home.path(), b"garbage, and for everybody to read");
    fs::set_permissions(home.path().join("store.db"), fs::Permissions::from_mode(0o644)).unwrap();
    let found = home.run(&["doctor"]);
    assert!(found.code == 1 && found.out.contains("is open to others"), "{found:?}");
    let repaired = home.run(&["doctor", "--repair"]);
    assert_eq!(repaired.code, 0, "{repaired:?}");
    assert!(repaired.err.contains("Closed") && repaired.err.contains("Started the"), "{repaired:?}");
    assert!(repaired.out.contains("store.db.damaged-"), "it is told: {repaired:?}");
    services.unharmed("repaired");
    let again = home.run(&["doctor", "--repair"]);
    assert!(again.err.contains("nothing to repair"), "{again:?}");
}
