//! Every line arrives, whoever dies.

use std::collections::BTreeMap;
use std::time::Duration;

use super::receiver::Receiver;
use crate::support::{Home, SOON, proc, wait_for, wait_until};

/// Bound for everything to arrive, with the longest pause of a forward in it.
const LONG: Duration = Duration::from_secs(100);

/// Writes `out N` and `err N` until it has written all, or `enough` is there.
const WRITER: &str = r#"
import os, sys, time
for n in range(1, int(sys.argv[1]) + 1):
    os.write(1, b"out %06d %s\n" % (n, b"x" * 60))
    os.write(2, b"err %06d %s\n" % (n, b"y" * 30))
    if n % 20 == 0:
        time.sleep(float(sys.argv[2]))
open("written", "w").close()
time.sleep(1000)
"#;

fn start(home: &Home, lines: &str, pause: &str, options: &[&str]) {
    let script = home.file("w.py", WRITER);
    home.ok(&[&["start", &script], options, &["--", lines, pause]].concat());
}

/// The numbers of each stream, as they arrived.
fn numbers(lines: &[String]) -> BTreeMap<&'static str, Vec<u64>> {
    let mut found = BTreeMap::from([("out ", Vec::new()), ("err ", Vec::new())]);
    for line in lines {
        for (stream, numbers) in &mut found {
            let number = line.rsplit_once(stream).and_then(|(_, rest)| rest.get(..6)?.parse::<u64>().ok());
            numbers.extend(number);
        }
    }
    found
}

fn has_all(lines: &[String], last: u64) -> bool {
    numbers(lines).values().all(|numbers| numbers.contains(&last))
}

/// Each number was there before the next one was; what came twice may come twice.
#[track_caller]
fn in_order(lines: &[String], last: u64) {
    for (stream, numbers) in numbers(lines) {
        let mut highest = 0;
        for number in numbers {
            assert!(number <= highest + 1, "{stream}: {number} came after {highest}");
            highest = highest.max(number);
        }
        assert_eq!(highest, last, "{stream}");
    }
}

fn kill_daemon(home: &Home) {
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("a new daemon", SOON, || home.keeper_and_daemon().1 != daemon);
}

fn everything_arrives(kind: &'static str, to: impl Fn(&str) -> Vec<String>) {
    let home = Home::new();
    let mut receiver = Receiver::start(&home, kind, "0");
    let to = to(&receiver.address);
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    home.ok(&[&["forward", "add", "central"], to.as_slice()].concat());
    // A log that is there before, and grows over many segments.
    start(&home, "12000", "0.01", &["--log-max-size", "16K", "--log-max-files", "none"]);
    wait_until("the first lines", SOON, || !receiver.lines().is_empty());
    kill_daemon(&home);
    receiver.end();
    let failing = || home.json(&["forward", "list", "--json"])[0]["status"] == "failing";
    wait_until("the receiver is missed", SOON, failing);
    kill_daemon(&home);
    receiver.begin();
    let came = receiver.lines().len();
    wait_until("it goes on", LONG, || receiver.lines().len() > came);
    kill_daemon(&home);
    wait_until("all is written", LONG, || home.work().join("written").exists());
    wait_until("all has arrived", LONG, || has_all(&receiver.lines(), 12000));
    in_order(&receiver.lines(), 12000);
    receiver.nothing_was_bad();
    let status = wait_for("nothing is left to be sent", SOON, || {
        let status = home.json(&["forward", "list", "--json"])[0].clone();
        (status["lag_bytes"] == 0).then_some(status)
    });
    assert_eq!((&status["lag_lines"], &status["lost_bytes"]), (&0.into(), &0.into()), "{status}");
    assert!(status["logs"][0]["segment"].as_u64().unwrap() > 10, "many segments were written: {status}");
    home.ok(&["forward", "remove", "central"]);
    assert_eq!(home.json(&["forward", "list", "--json"]), serde_json::json!([]));
}

#[test]
fn every_line_arrives_by_http_in_order_whoever_is_killed() {
    everything_arrives("http", |port| {
        let url = format!("http://127.0.0.1:{port}/in");
        ["--http", &url, "--header", "x-key=s3cr3t", "--gzip"].map(str::to_owned).to_vec()
    });
}

#[test]
fn every_line_arrives_by_tcp_in_order_whoever_is_killed() {
    everything_arrives("tcp", |port| vec!["--syslog".to_owned(), format!("tcp://127.0.0.1:{port}")]);
}

#[test]
fn what_retention_took_before_it_was_sent_is_counted_and_told() {
    let home = Home::new();
    let mut receiver = Receiver::start(&home, "tcp", "0");
    let to = format!("tcp://127.0.0.1:{}", receiver.address);
    home.ok(&["forward", "add", "central", "--syslog", &to]);
    receiver.end();
    start(&home, "3000", "0.001", &["--log-max-size", "8K", "--log-max-files", "2"]);
    wait_until("all is written", LONG, || home.work().join("written").exists());
    let closed = || {
        let names = std::fs::read_dir(home.path().join("logs")).unwrap().flatten();
        let names = names.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter(|name| name.contains(".log.0") && !name.ends_with(".idx")).count()
    };
    wait_until("retention has kept two of each stream", LONG, || closed() <= 4);
    receiver.begin();
    wait_until("the newest has arrived", LONG, || has_all(&receiver.lines(), 3000));
    let status = home.json(&["forward", "list", "--json"])[0].clone();
    let lost = status["lost_bytes"].as_u64().unwrap();
    let written = 3000 * (72 + 42);
    let sent = status["sent_bytes"].as_u64().unwrap();
    assert!(sent + lost <= written, "{status}");
    assert!(numbers(&receiver.lines())["out "].len() < 3000, "something was lost");
    let api = home.api();
    let gaps = wait_for("an event", SOON, || {
        let gaps = api.events("pmdaemon", "forward.gap");
        (!gaps.is_empty()).then_some(gaps)
    });
    let told = gaps[0].to_string();
    assert!(told.contains("were rotated away before they were sent by the forward central"), "{told}");
}
