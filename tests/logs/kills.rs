//! No line is lost or doubled, whoever is killed while segments are closed.

use std::fs;
use std::time::{Duration, Instant};

use super::disk::{NUMBERED, all, closed, numbers, settled, without_gap};
use crate::support::{Home, SOON, proc, wait_for, wait_until};

/// Randomness that can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

fn keeper_and_daemon(home: &Home) -> Option<(i64, i64)> {
    let ran = home.run(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&ran.out).ok()?;
    Some((status["daemon"]["keeper_pid"].as_i64()?, status["daemon"]["pid"].as_i64()?))
}

/// `LOG_KILLS=100 cargo nextest run --test log_tests -E 'test(killed)'` is the long form.
#[test]
fn no_line_is_lost_or_doubled_however_often_keeper_and_daemon_are_killed() {
    let home = Home::new();
    let script = home.file("numbered.py", NUMBERED);
    // A new segment every few dozen lines: kills fall into rotations, too.
    let options = ["--log-max-size", "1K", "--log-max-files", "none", "-l", "both.log"];
    for service in 0..10 {
        let state = format!("state{service}");
        let name = format!("s{service}");
        let start = ["start", &script, "--name", &name];
        let command = ["--", "1000000000", "20", "0.01", &state];
        home.ok(&[&start[..], if service == 0 { &options } else { &options[..4] }, &command].concat());
    }
    let seed = std::env::var("LOG_SEED").map_or(7, |text| text.parse().unwrap());
    let mut dice = Dice(seed);
    let kills: u64 = std::env::var("LOG_KILLS").map_or(12, |text| text.parse().unwrap());
    let begun = Instant::now();
    for kill in 0..kills {
        std::thread::sleep(Duration::from_micros(dice.below(300_000)));
        let (keeper, daemon) = wait_for("keeper and daemon", SOON, || keeper_and_daemon(&home));
        match kill % 3 {
            0 => proc::kill_hard(keeper),
            1 => proc::kill_hard(daemon),
            _ => {
                proc::kill_hard(keeper);
                proc::kill_hard(daemon);
            }
        }
    }
    println!("{kills} kills in {:?}", begun.elapsed());
    wait_until("all are online", SOON, || {
        let processes = home.processes();
        processes.len() == 10 && processes.iter().all(|p| p["status"] == "online" && p["restarts"] == 0)
    });
    home.ok(&["stop", "all"]);
    let mut segments = 0;
    for service in 0..10 {
        let log = home.path().join(format!("logs/s{service}-out.log"));
        let written: u64 =
            fs::read_to_string(home.work().join(format!("state{service}"))).unwrap().parse().unwrap();
        let numbers = numbers(&settled(&log, format!("{written}\n").as_bytes()), 20);
        without_gap(&numbers, &format!("service {service}, seed {seed}"));
        assert_eq!(
            (numbers.first(), numbers.last()),
            (Some(&1), Some(&written)),
            "service {service}, seed {seed}"
        );
        let closed: Vec<u64> = closed(&log).into_iter().map(|(number, _)| number).collect();
        segments += closed.len();
        assert!(closed.is_sorted() && closed.len() > 3, "{closed:?}");
    }
    println!("{segments} segments");
    // The copy may have gaps, but nothing twice and nothing in another order.
    let copied = numbers_of_copy(&home);
    assert!(copied.is_sorted_by(|a, b| a < b), "seed {seed}");
}

/// A service that writes thousands of lines of 50,000 bytes a second: there is always much in its
/// pipe.
fn start_busy(home: &Home, name: &str) {
    let script = home.file("numbered.py", NUMBERED);
    let options = ["--log-max-files", "none", "--", "1000000000", "50000", "0.0002"];
    home.ok(&[&["start", &script, "--name", name], &options[..], &[name]].concat());
}

/// Ends it. Every line that it wrote is in its log once.
fn complete(home: &Home, name: &str) {
    home.ok(&["stop", name]);
    let written: u64 = fs::read_to_string(home.work().join(name)).unwrap().parse().unwrap();
    let log = home.path().join(format!("logs/{name}-out.log"));
    let numbers = numbers(&settled(&log, format!("{written}\n").as_bytes()), 50_000);
    without_gap(&numbers, name);
    assert_eq!((numbers.first(), numbers.last()), (Some(&1), Some(&written)), "{name}");
}

#[test]
fn a_keeper_that_dies_while_it_moves_much_loses_and_doubles_nothing() {
    let home = Home::new();
    home.ok(&["status"]);
    // After each step; only after the second are the bytes in the log and still in the pipe.
    for (point, in_both) in [("log.noted", 0), ("log.appended", 1), ("log.dropped", 0)] {
        let before = home.daemon_log().matches("bytes were in").count();
        let plan = home.path().join("fault");
        fs::write(&plan, format!("{point} 5")).unwrap();
        start_busy(&home, point);
        wait_until("the keeper has died", SOON, || !plan.exists());
        wait_until("the next one goes on", SOON, || home.process(point)["status"] == "online");
        complete(&home, point);
        let after = home.daemon_log().matches("bytes were in").count();
        assert_eq!(after - before, in_both, "{point}");
    }
}

/// `LOG_KILLS=100 cargo nextest run --test log_tests -E 'test(much_output)'` is the long form.
#[test]
fn of_much_output_no_line_is_lost_or_doubled_however_often_the_keeper_is_killed() {
    let home = Home::new();
    start_busy(&home, "busy");
    let mut dice = Dice(std::env::var("LOG_SEED").map_or(7, |text| text.parse().unwrap()));
    let kills: u64 = std::env::var("LOG_KILLS").map_or(12, |text| text.parse().unwrap());
    for _ in 0..kills {
        std::thread::sleep(Duration::from_micros(dice.below(50_000)));
        let (keeper, _) = wait_for("keeper and daemon", SOON, || keeper_and_daemon(&home));
        proc::kill_hard(keeper);
    }
    // Each keeper begins with a new note.
    wait_until("much is moved", SOON, || home.path().join("keeper.move").exists());
    complete(&home, "busy");
    println!("{kills} kills, {} of them in both", home.daemon_log().matches("bytes were in").count());
}

fn numbers_of_copy(home: &Home) -> Vec<u64> {
    let text = String::from_utf8(all(&home.work().join("both.log"))).unwrap();
    // A gap can leave the pieces of two lines on one.
    text.lines().filter(|line| line.len() == 19).map(|line| line.parse().unwrap()).collect()
}
