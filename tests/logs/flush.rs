//! `flush` and `reload-logs` (acceptance row J25).

use std::fs;

use super::disk::{NUMBERED, all, closed, numbers, without_gap};
use crate::support::{Home, SOON, wait_until};

#[test]
fn flush_empties_logs_and_loses_nothing_that_comes_meanwhile() {
    let home = Home::new();
    let script = home.file("numbered.py", NUMBERED);
    let out = home.path().join("logs/app-out.log");
    home.ok(&[
        "start",
        &script,
        "--name",
        "app",
        "--log-max-size",
        "4K",
        "--",
        "1000000",
        "20",
        "0.001",
        "state",
    ]);
    let last = |at_least: u64| {
        wait_until("more lines", SOON, || {
            let bytes = fs::read(&out).unwrap_or_default();
            let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            numbers(&bytes[..whole], 20).last().is_some_and(|last| *last > at_least)
        });
    };
    last(600);
    let pid = home.pid("app");
    let mut before = 600;
    for _ in 0..5 {
        let said = home.ok(&["flush", "app"]);
        assert!(said.starts_with("Emptied the logs of app: 2 files, "), "{said}");
        last(before);
        before += 100;
    }
    assert!(fs::metadata(&out).unwrap().len() < 8192);
    home.ok(&["stop", "app"]);
    let written: u64 = fs::read_to_string(home.work().join("state")).unwrap().parse().unwrap();
    let left = numbers(&all(&out), 20);
    without_gap(&left, "after the last flush");
    assert!(left[0] > 600, "what was there before is gone");
    assert_eq!(left.last(), Some(&written));
    // Of what does not run, too.
    home.ok(&["flush", "app"]);
    assert!(all(&out).is_empty() && closed(&out).is_empty());
    assert_ne!(pid, 0);
    home.run(&["flush", "nosuch"]).refused(1, &["nosuch"]);
}

#[test]
fn the_process_does_not_notice_and_every_app_is_flushed_when_none_is_named() {
    let home = Home::new();
    let script = home.file("app.sh", "echo hello; exec sleep 1000\n");
    for name in ["one", "two"] {
        home.ok(&["start", &script, "--name", name]);
        home.wait_for_line(name, "hello");
    }
    let pids = [home.pid("one"), home.pid("two")];
    let answer = home.api().send(home.api().request("DELETE", "/api/v1/logs"));
    assert_eq!((answer.status.as_u16(), answer.json()["files"].as_array().unwrap().len()), (200, 4));
    for name in ["one", "two"] {
        let log = home.path().join(format!("logs/{name}-out.log"));
        assert_eq!(fs::read(&log).unwrap(), b"");
    }
    assert_eq!([home.pid("one"), home.pid("two")], pids);
    assert_eq!(home.process("one")["restarts"], 0);
    // The next run goes on in the empty file.
    home.ok(&["restart", "one"]);
    home.wait_for_line("one", "hello");
    assert_eq!(fs::read(home.path().join("logs/one-out.log")).unwrap(), b"hello\n");
}

#[test]
fn logs_that_were_moved_away_are_made_anew_at_once_when_asked() {
    let home = Home::new();
    let script = home.file("app.sh", "echo hello; exec sleep 1000\n");
    home.ok(&["start", &script, "--name", "app"]);
    home.wait_for_line("app", "hello");
    let log = home.path().join("logs/app-out.log");
    for command in [&["reload-logs", "app"][..], &["reloadLogs"]] {
        fs::rename(&log, home.work().join("moved")).unwrap();
        home.ok(command);
        assert_eq!(fs::read(&log).unwrap(), b"");
    }
}
