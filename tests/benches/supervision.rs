//! What supervision costs, measured on the real binary: `cargo bench --bench supervision`.
//!
//! Prints one line per figure. Needs a quiet machine to mean anything; `INSTANCES` (100) and
//! `ROUNDS` (200) can be set in the environment.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Automatic restarts of the whole host are limited to 2 per second and CPU once the first 20 are
/// spent (acceptance row K7).
const BUDGET_PAUSE: Duration = Duration::from_millis(600);

/// Services that are up while some of them are killed.
const FEW: usize = 20;

fn main() {
    let number =
        |name: &str, default| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let (instances, rounds): (usize, usize) = (number("INSTANCES", 100), number("ROUNDS", 200));
    let bench = Bench::new();
    bench.run(&["status"]);

    report(
        "start one app, daemon up",
        &bench.time(20, |i| {
            bench.run(&["start", "/bin/sleep", "--name", &format!("one{i}"), "--", "100000"]);
        }),
    );
    bench.run(&["delete", "all", "--force"]);
    let wave = |_| {
        bench.run(&["start", "/bin/sleep", "--name", "few", "-i", &FEW.to_string(), "--", "100000"]);
        let times = bench.kills(FEW);
        bench.run(&["delete", "all", "--force"]);
        times
    };
    let times: Vec<Duration> = (0..rounds.div_ceil(FEW)).flat_map(wave).collect();
    report(&format!("SIGKILL of a service until its next run is executed, {FEW} services up"), &times);
    let begun = Instant::now();
    bench.run(&["start", "/bin/sleep", "--name", "many", "-i", &instances.to_string(), "--", "100000"]);
    println!("start {instances} instances in one request: {:.1} ms", ms(begun.elapsed()));
    report(
        &format!("list with {instances} processes"),
        &bench.time(50, |_| {
            bench.run(&["list"]);
        }),
    );
    println!(
        "idle CPU of daemon and keeper over 10 s: {} ticks of 10 ms",
        bench.idle(Duration::from_secs(10))
    );
    report(
        &format!("SIGKILL of a service until its next run is executed, {instances} services up"),
        &bench.kills((rounds / 4).min(instances)),
    );
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
    let begun = Instant::now();
    bench.run(&["start", "all"]);
    println!("start all {instances} again: {:.1} ms", ms(begun.elapsed()));
    println!("boot with {instances} saved services, until all run: {:.1} ms", ms(bench.boot(instances)));
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

    /// Keeper and daemon.
    fn pids(&self) -> [i64; 2] {
        let daemon = &self.json(&["status", "--json"])["daemon"];
        [&daemon["keeper_pid"], &daemon["pid"]].map(|pid| pid.as_i64().expect("a pid"))
    }

    /// CPU time of keeper and daemon, with nobody asking them anything.
    fn idle(&self, span: Duration) -> u64 {
        let pids = self.pids();
        let used = || pids.iter().map(|pid| cpu_ticks(*pid)).sum::<u64>();
        let before = used();
        std::thread::sleep(span);
        used() - before
    }

    /// The keeper is told to end as at a shutdown of the host, which ends the services; then the
    /// next command starts them all.
    fn boot(&self, instances: usize) -> Duration {
        let [keeper, _] = self.pids();
        let pid = nix::unistd::Pid::from_raw(keeper as i32);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("the keeper is ours");
        while nix::sys::signal::kill(pid, None).is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let begun = Instant::now();
        let online = || {
            let listed = self.json(&["list", "--json"]);
            listed.as_array().unwrap().iter().filter(|process| process["status"] == "online").count()
        };
        while online() < instances {
            assert!(begun.elapsed() < Duration::from_secs(60), "they are not all up after a minute");
        }
        begun.elapsed()
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

    /// Each service is killed once, so that no restart of its own waits; and slowly enough that the
    /// host's budget of automatic restarts is never spent.
    fn kills(&self, rounds: usize) -> Vec<Duration> {
        let listed = self.json(&["list", "--json"]);
        let pids: Vec<i64> =
            listed.as_array().unwrap().iter().filter_map(|p| p["pid"].as_i64()).take(rounds).collect();
        let keeper = self.json(&["status", "--json"])["daemon"]["keeper_pid"].as_i64().unwrap();
        let kill = |pid: &i64| {
            std::thread::sleep(BUDGET_PAUSE);
            kill_and_wait(keeper, *pid)
        };
        pids.iter().map(kill).collect()
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
    // The youngest is the last; with hundreds of them, more than that to compare would take from
    // those who are measured the time that they need.
    let youngest = |text: &str| text.trim_end().rsplit(' ').next().and_then(|pid| pid.parse::<i64>().ok());
    let before = youngest(&fs::read_to_string(&children).unwrap());
    let begun = Instant::now();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid as i32), nix::sys::signal::Signal::SIGKILL)
        .unwrap();
    loop {
        let last = youngest(&fs::read_to_string(&children).unwrap());
        if last != before && last.is_some_and(|child| comm(child) == "sleep") {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{pid} was not started again");
        // A busy loop would take one of two cores from those who are measured.
        std::thread::sleep(Duration::from_micros(50));
    }
}

/// User and system time, in ticks of 10 ms: fields 14 and 15 of `stat`, proc(5).
fn cpu_ticks(pid: i64) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let behind_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    behind_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
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
