//! Rotation, compression and retention (acceptance rows K13, K14).

use std::fs;
use std::time::Duration;

use super::disk::{NUMBERED, closed, numbers, settled, without_gap};
use crate::support::{Home, SOON, wait_until};

const LONG: Duration = Duration::from_secs(100);

#[test]
fn every_line_is_there_once_and_in_order_over_all_segments_under_load() {
    let home = Home::new();
    let script = home.file("numbered.py", NUMBERED);
    let megabytes: u64 = std::env::var("LOG_MEGABYTES").map_or(200, |text| text.parse().unwrap());
    let count = megabytes * 10_000;
    let out = home.path().join("logs/load-out.log");
    let count = count.to_string();
    home.ok(&[
        "start",
        &script,
        "--name",
        "load",
        "--log-max-files",
        "none",
        "--",
        &count,
        "100",
        "0",
        "state",
    ]);
    wait_until("all is written", LONG, || home.work().join("state.done").exists());
    home.ok(&["stop", "load"]);
    let segments = megabytes * 1_000_000 / (10 << 20);
    let bytes = settled(&out, format!("{count}\n").as_bytes());
    assert_eq!(closed(&out).len() as u64, segments);
    let numbers = numbers(&bytes, 100);
    assert_eq!(numbers.len().to_string(), count);
    assert_eq!(numbers[0], 1);
    without_gap(&numbers, "load");
    // Closed where a line ends, and numbered without a gap.
    for (at, (number, path)) in closed(&out).into_iter().enumerate() {
        let bytes = zstd::decode_all(fs::File::open(&path).unwrap()).unwrap();
        assert_eq!(number, at as u64 + 1);
        assert!(bytes.ends_with(b"\n") && (10 << 20..(10 << 20) + 100).contains(&bytes.len()), "{number}");
        let index = path.with_extension("idx");
        assert_eq!(fs::read(&index).unwrap()[..8], *b"PMDIDX02", "{}", index.display());
    }
}

#[test]
fn only_so_many_closed_files_are_kept_and_info_tells_what_there_is() {
    let home = Home::new();
    let script = home.file("numbered.py", NUMBERED);
    let out = home.path().join("logs/app-out.log");
    home.ok(&[
        "start",
        &script,
        "--name",
        "app",
        "--log-max-size",
        "64K",
        "--log-max-files",
        "3",
        "--log-max-age",
        "7d",
        "--",
        "20000",
        "100",
        "0",
        "state",
    ]);
    let bytes = settled(&out, b"20000\n");
    wait_until("three closed ones are left", SOON, || closed(&out).len() == 3);
    without_gap(&numbers(&bytes, 100), "what is left");
    let info = home.json(&["info", "app", "--json"]);
    let process = &info["processes"][0];
    assert_eq!(process["logs"]["segments"], 4, "three closed, one active: {process}");
    let bytes = process["logs"]["bytes"].as_u64().unwrap();
    assert!((1..500_000).contains(&bytes), "{process}");
    assert_eq!((&info["logs"]["max_size_bytes"], &info["logs"]["max_files"]), (&65536.into(), &3.into()));
    let text = home.ok(&["info", "app"]);
    assert!(text.contains("64.0 KiB per file, 3 closed ones kept, removed after 168h"), "{text}");
    assert!(text.contains(" in 4 files"), "{text}");
}

#[test]
fn all_logs_together_keep_to_their_budget() {
    let home = Home::new();
    let script = home.file("numbered.py", NUMBERED);
    let mut first = home.command(&["status"]);
    assert!(first.env("PMDAEMON_LOG_BUDGET", "300K").output().unwrap().status.success());
    for name in ["one", "two"] {
        home.ok(&[
            "start",
            &script,
            "--name",
            name,
            "--log-max-size",
            "64K",
            "--log-max-files",
            "none",
            "--",
            "30000",
            "100",
            "0",
            name,
        ]);
        wait_until("all is written", SOON, || home.work().join(format!("{name}.done")).exists());
        // And nothing of it is on its way any more.
        wait_until("all is captured", SOON, || {
            home.ok(&["logs", name, "--raw", "--lines", "1"]).trim_end().ends_with("30000")
        });
    }
    wait_until("they take less than 300 KiB", SOON, || {
        let files = fs::read_dir(home.path().join("logs")).unwrap();
        let taken: u64 = files.map(|file| file.unwrap().metadata().map_or(0, |meta| meta.len())).sum();
        taken < 300 * 1024
    });
    wait_until("status tells it", SOON, || {
        let logs = &home.json(&["status", "--json"])["logs"];
        let used = logs["used_bytes"].as_u64().unwrap_or(0);
        logs["budget_bytes"] == 300 * 1024 && (1..=300 * 1024).contains(&used)
    });
    assert!(home.ok(&["status"]).contains(" of at most 300.0 KiB"));
    for name in ["one", "two"] {
        let out = home.path().join(format!("logs/{name}-out.log"));
        without_gap(&numbers(&settled(&out, b"30000\n"), 100), name);
    }
}

#[test]
fn limits_that_are_none_are_refused_with_one_sentence() {
    let home = Home::new();
    let script = home.file("app.sh", "exec sleep 1000\n");
    for (option, value, word) in [
        ("--log-max-size", "lots", "100M"),
        ("--log-max-files", "-3", "none"),
        ("--log-max-age", "7", "7d"),
        ("--log-policy", "wait", "block"),
    ] {
        let ran = home.run(&["start", &script, option, value]);
        assert!(ran.code == 2 && ran.err.contains(word), "{ran:?}");
    }
    assert!(home.processes().is_empty());
}
