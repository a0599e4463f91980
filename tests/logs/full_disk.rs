//! A disk that is full: services run on, it is said once, and what is promised is kept.
//!
//! The disk is a small tmpfs that only keeper, daemon and services see.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::disk::{NUMBERED, numbers, without_gap};
use crate::support::{Home, SOON, home::ran, wait_until};

/// A home whose `work/small` is a disk of one megabyte.
struct SmallDisk {
    home: Home,
    keeper: i64,
}

impl SmallDisk {
    /// `None` where there can be none: only root may mount.
    fn new() -> Option<SmallDisk> {
        if !nix::unistd::geteuid().is_root() {
            return None;
        }
        let home = Home::new();
        let small = home.work().join("small");
        fs::create_dir(&small).unwrap();
        let status = home.command(&["status"]);
        let mut first = Command::new("unshare");
        first.args(["-m", "sh", "-c", r#"mount -t tmpfs -o size=1m,mode=755 none "$0" && exec "$@""#]);
        first.arg(&small).arg(status.get_program()).args(status.get_args()).current_dir(home.work());
        first.env_clear();
        first.envs(status.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let ran = ran(&mut first);
        assert_eq!(ran.code, 0, "{ran:?}");
        let keeper = home.keeper_and_daemon().0;
        Some(SmallDisk { home, keeper })
    }

    /// A file on it, as this test can reach it.
    fn path(&self, name: &str) -> PathBuf {
        let small = self.home.work().join("small").join(name);
        PathBuf::from(format!("/proc/{}/root{}", self.keeper, small.display()))
    }

    fn fill(&self) {
        let written = fs::write(self.path("filler"), vec![0; 2 << 20]);
        assert!(written.is_err(), "the disk is larger than it should be");
        let room = fs::read(self.path("filler")).unwrap().len() - 40_960;
        fs::OpenOptions::new().write(true).open(self.path("filler")).unwrap().set_len(room as u64).unwrap();
    }

    fn start(&self, name: &str, policy: &str) {
        let script = self.home.file("numbered.py", NUMBERED);
        let out = format!("small/{name}.log");
        self.home.ok(&[
            "start",
            &script,
            "--name",
            name,
            "-o",
            &out,
            "--log-policy",
            policy,
            "--",
            "50000",
            "10",
            "0",
            name,
        ]);
    }

    fn events(&self, name: &str, kind: &str) -> Vec<Value> {
        self.home.api().events(name, kind)
    }

    fn process(&self, name: &str) -> Value {
        self.home.json(&["info", name, "--json"])["processes"][0].clone()
    }
}

#[test]
fn with_block_an_app_waits_and_nothing_is_lost() {
    let Some(disk) = SmallDisk::new() else { return };
    disk.fill();
    // Waits for nobody.
    let other = disk.home.file("other.sh", "while :; do echo tick; sleep 0.05; done\n");
    disk.home.ok(&["start", &other]);
    disk.start("app", "block");
    wait_until("it is told", SOON, || !disk.events("app", "process.log_refused").is_empty());
    let told = disk.events("app", "process.log_refused");
    let detail = told[0]["detail"].as_str().unwrap();
    assert!(detail.contains("cannot be written: no space left on device; it waits"), "{detail}");
    let process = disk.process("app");
    assert_eq!((&process["status"], &process["restarts"]), (&"online".into(), &0.into()));
    assert!(process["logs"]["trouble"].as_str().unwrap().ends_with("no space left on device"), "{process}");
    let lines = || fs::read(disk.home.path().join("logs/other-out.log")).unwrap().len();
    let then = lines();
    wait_until("others go on", SOON, || lines() > then + 20);
    // The first retries have failed, and are not told again.
    fs::remove_file(disk.path("filler")).unwrap();
    wait_until("it is told that it takes output", SOON, || {
        !disk.events("app", "process.log_takes").is_empty()
    });
    wait_until("all is written", SOON, || disk.home.work().join("app.done").exists());
    wait_until("all is in the log", SOON, || fs::read(disk.path("app.log")).unwrap().len() == 500_000);
    let numbers = numbers(&fs::read(disk.path("app.log")).unwrap(), 10);
    without_gap(&numbers, "app");
    assert_eq!((numbers[0], numbers.len()), (1, 50_000));
    assert_eq!(disk.events("app", "process.log_refused").len(), 1);
    let process = disk.process("app");
    assert_eq!((&process["logs"]["trouble"], &process["logs"]["dropped_bytes"]), (&Value::Null, &0.into()));
}

#[test]
fn with_drop_an_app_goes_on_and_what_is_lost_is_counted() {
    let Some(disk) = SmallDisk::new() else { return };
    disk.fill();
    disk.start("app", "drop");
    wait_until("it has written all without waiting", SOON, || disk.home.work().join("app.done").exists());
    let logs = || disk.process("app")["logs"].clone();
    let kept = || fs::read(disk.path("app.log")).unwrap().len() as u64;
    wait_until("every byte is in the log or counted", SOON, || {
        logs()["dropped_bytes"].as_u64().unwrap() + kept() == 500_000
    });
    let logs = logs();
    assert!(kept() > 0 && kept() < 500_000);
    assert!(logs["trouble"].as_str().unwrap().ends_with("no space left on device"), "{logs}");
    let kept_lines =
        fs::read(disk.path("app.log")).unwrap().iter().filter(|byte| **byte == b'\n').count() as u64;
    assert_eq!(logs["dropped_lines"].as_u64().unwrap() + kept_lines, 50_000);
    let told = disk.events("app", "process.log_refused");
    assert!(
        told.len() == 1 && told[0]["detail"].as_str().unwrap().contains("is dropped meanwhile"),
        "{told:?}"
    );
    assert!(disk.home.ok(&["info", "app"]).contains(", dropped "));
    fs::remove_file(disk.path("filler")).unwrap();
    // With the next output it is seen that there is room again.
    disk.home.ok(&["restart", "app"]);
    wait_until("it takes output again", SOON, || !disk.events("app", "process.log_takes").is_empty());
    wait_until("the new run is whole", SOON, || {
        let bytes = fs::read(disk.path("app.log")).unwrap();
        bytes.ends_with(b"000050000\n") && bytes.len() as u64 > 500_000
    });
    assert_eq!(disk.process("app")["logs"]["dropped_bytes"], 0, "of the present run");
}
