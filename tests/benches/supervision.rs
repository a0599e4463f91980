//! What supervision costs, measured on the real binary: `cargo bench --bench supervision`.
//!
//! Prints one line per figure. Needs a quiet machine to mean anything; `INSTANCES` (100) and
//! `ROUNDS` (200) can be set in the environment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

fn main() {
    let number =
        |name: &str, default| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let (instances, rounds) = (number("INSTANCES", 100), number("ROUNDS", 200));
    let bench = Bench::new();
    bench.run(&["status"]);

    report(
        "start one app, daemon up",
        &bench.time(20, |i| {
            bench.run(&["start", "/bin/sleep", "--name", &format!("one{i}"), "--", "100000"]);
        }),
    );
    bench.run(&["delete", "all", "--force"]);
    let begun = Instant::now();
    bench.run(&["start", "/bin/sleep", "--name", "many", "-i", &instances.to_string(), "--", "100000"]);
    println!("start {instances} instances in one request: {:.1} ms", ms(begun.elapsed()));
    report(
        &format!("list with {instances} processes"),
        &bench.time(50, |_| {
            bench.run(&["list"]);
        }),
    );
    report("SIGKILL of a service until its next run is executed", &bench.kills(rounds));
    let status = bench.json(&["status", "--json"]);
    for (who, pid) in [("daemon", &status["daemon"]["pid"]), ("keeper", &status["daemon"]["keeper_pid"])] {
        println!(
            "private memory of the {who} with {instances} services: {} KiB",
            private_kib(pid.as_i64().unwrap())
        );
    }
    let begun = Instant::now();
    bench.run(&["stop", "all"]);
    println!("stop all {instances}: {:.1} ms", ms(begun.elapsed()));
}

/// A home of its own, and the program.
struct Bench {
    home: tempfile::TempDir,
    program: PathBuf,
}

impl Bench {
    fn new() -> Bench {
        let home = tempfile::tempdir().expect("a temporary directory");
        Bench { home, program: PathBuf::from(env!("CARGO_BIN_EXE_pmdaemon")) }
    }

    fn run(&self, args: &[&str]) -> Output {
        let home = self.home.path().join("h");
        let output = Command::new(&self.program)
            .args(args)
            .env("PMDAEMON_HOME", home)
            .stdin(Stdio::null())
            .output()
            .expect("the program runs");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_slice(&self.run(args).stdout).expect("JSON on standard output")
    }

    fn time(&self, rounds: usize, mut work: impl FnMut(usize)) -> Vec<Duration> {
        let once = |i| {
            let begun = Instant::now();
            work(i);
            begun.elapsed()
        };
        (0..rounds).map(once).collect()
    }

    /// Each service is killed once, so that no restart waits: the first one comes at once.
    fn kills(&self, rounds: usize) -> Vec<Duration> {
        let listed = self.json(&["list", "--json"]);
        let pids: Vec<i64> =
            listed.as_array().unwrap().iter().filter_map(|p| p["pid"].as_i64()).take(rounds).collect();
        let keeper = self.json(&["status", "--json"])["daemon"]["keeper_pid"].as_i64().unwrap();
        pids.iter().map(|pid| kill_and_wait(keeper, *pid)).collect()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let home = self.home.path().join("h");
        let _ = Command::new(&self.program).arg("kill").env("PMDAEMON_HOME", home).output();
    }
}

/// From the signal to the moment when the keeper has a new child that executes the program.
fn kill_and_wait(keeper: i64, pid: i64) -> Duration {
    let children = PathBuf::from(format!("/proc/{keeper}/task/{keeper}/children"));
    let before: Vec<i64> = children_of(&children);
    let begun = Instant::now();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid as i32), nix::sys::signal::Signal::SIGKILL)
        .unwrap();
    loop {
        let new = children_of(&children).into_iter().find(|child| !before.contains(child));
        if new.is_some_and(|child| comm(child) == "sleep") {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{pid} was not started again");
    }
}

fn children_of(path: &Path) -> Vec<i64> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

fn comm(pid: i64) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

/// What nobody else shares, from `smaps_rollup` (proc(5)).
fn private_kib(pid: i64) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line =
        |line: &str| line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0);
    text.lines().filter(|text| text.starts_with("Private_")).map(line).sum()
}

fn report(what: &str, times: &[Duration]) {
    let mut sorted: Vec<f64> = times.iter().map(|time| ms(*time)).collect();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
    println!("{what}: p50 {:.1} ms, p99 {:.1} ms, n {}", at(0.5), at(0.99), sorted.len());
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
