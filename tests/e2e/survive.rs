//! What services do not notice: the ends of daemon and keeper.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::support::{Home, SOON, fixture, proc, wait_until};

/// A server and a writer of numbered lines, both running.
struct Services {
    home: Home,
    port: u16,
    before: Vec<Value>,
    starts: Vec<u64>,
}

impl Services {
    fn start() -> Services {
        let home = Home::new();
        home.ok(&["start", &fixture("server.js"), "--name", "web"]);
        home.ok(&["start", &fixture("chatter.py")]);
        let line = home.wait_for_line("web", "listening on");
        home.wait_for_line("chatter", "line 1");
        let port = line.rsplit(' ').next().unwrap().parse().unwrap();
        // One restart, so that a count that is lost shows.
        proc::kill_hard(home.pid("chatter"));
        wait_until("chatter is back", SOON, || {
            let process = home.process("chatter");
            process["restarts"] == 1 && process["status"] == "online"
        });
        let before = home.processes();
        let starts = pids(&before).iter().map(|pid| proc::stat(*pid).unwrap().start).collect();
        Services { home, port, before, starts }
    }

    /// The server's own answer to an HTTP request.
    fn served(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let mut text = String::new();
        let asked =
            stream.write_all(b"GET / HTTP/1.0\r\n\r\n").and_then(|()| stream.read_to_string(&mut text));
        asked.is_ok() && text.contains(&format!("\"pid\":{}", self.before[0]["pid"]))
    }

    /// Everything is as it was: pids, start times, counts; nothing runs twice; no line is missing.
    fn unharmed(&self) {
        let after = self.home.processes();
        assert_eq!(after.len(), self.before.len());
        for (before, after) in self.before.iter().zip(&after) {
            for member in ["id", "name", "pid", "restarts", "status"] {
                assert_eq!(before[member], after[member], "{member}: {before} became {after}");
            }
            // The kernel's clock of processes and the wall clock drift by a millisecond.
            let moved = millis(&after["started_at"]) - millis(&before["started_at"]);
            assert!(moved.abs() <= 20, "{before} became {after}");
            assert!(after["uptime_ms"].as_i64() >= before["uptime_ms"].as_i64(), "{before} became {after}");
        }
        let starts: Vec<_> = pids(&after).iter().map(|pid| proc::stat(*pid).unwrap().start).collect();
        assert_eq!(starts, self.starts, "the same processes, not only the same numbers");
        assert!(self.served());
        for (app, process) in [("server.js", &after[0]), ("chatter.py", &after[1])] {
            assert_eq!(self.home.living_as(app), [process["pid"].as_i64().unwrap()], "{app} runs once");
        }
        self.no_line_is_missing();
    }

    /// Lines count up from 1 in each run of chatter, and new ones still come.
    fn no_line_is_missing(&self) {
        let numbers = || -> Vec<u64> {
            let out = self.home.ok(&["logs", "chatter", "--raw", "--lines", "100000"]);
            let number = |line: &str| line.strip_prefix("line ").and_then(|n| n.parse().ok());
            // The latest line may be on its way.
            out.lines().filter_map(number).collect()
        };
        let then = *numbers().last().unwrap();
        wait_until("a new line", SOON, || numbers().last().is_some_and(|now| *now > then + 20));
        let all = numbers();
        assert_eq!(all[0], 1);
        let gaps: Vec<_> = all.windows(2).filter(|pair| pair[1] != pair[0] + 1 && pair[1] != 1).collect();
        assert!(gaps.is_empty(), "missing between {gaps:?}");
        assert_eq!(all.iter().filter(|number| **number == 1).count(), 2, "two runs");
    }
}

fn millis(time: &Value) -> i64 {
    time.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

fn pids(processes: &[Value]) -> Vec<i64> {
    processes.iter().map(|p| p["pid"].as_i64().unwrap()).collect()
}

/// Row 47 of the security checklist.
#[test]
fn services_do_not_notice_the_end_of_the_daemon() {
    let services = Services::start();
    let (keeper, daemon) = services.home.keeper_and_daemon();
    proc::kill_hard(daemon);
    assert!(services.served(), "it serves while there is no daemon");
    wait_until("a new daemon, started by the keeper", SOON, || {
        services.home.living_as(" daemon").iter().any(|pid| *pid != daemon)
    });
    services.unharmed();
    let (same, new) = services.home.keeper_and_daemon();
    assert_eq!(same, keeper);
    assert_ne!(new, daemon);
}

#[test]
fn services_do_not_notice_the_end_of_the_keeper() {
    let services = Services::start();
    let (keeper, daemon) = services.home.keeper_and_daemon();
    proc::kill_hard(keeper);
    wait_until("a new keeper", SOON, || {
        let status = services.home.json(&["status", "--json"]);
        status["daemon"]["keeper_pid"].as_i64().is_some_and(|pid| pid != keeper)
    });
    services.unharmed();
    assert_eq!(services.home.keeper_and_daemon().1, daemon, "the daemon goes on");
    // Adopted, not only seen: a stop works and a crash is noticed.
    let pid = services.home.pid("chatter");
    proc::kill_hard(pid);
    wait_until("chatter is started again", SOON, || services.home.process("chatter")["restarts"] == 2);
    services.home.ok(&["stop", "web"]);
    assert!(!services.served());
}

#[test]
fn the_next_command_finds_everything_when_daemon_and_keeper_are_gone() {
    let services = Services::start();
    let (keeper, daemon) = services.home.keeper_and_daemon();
    // The daemon is stopped first so that neither can start the other anew.
    proc::send(daemon, nix::sys::signal::Signal::SIGSTOP);
    proc::kill_hard(keeper);
    proc::kill_hard(daemon);
    crate::support::home::wait_until_gone(&[keeper, daemon]);
    assert!(services.served());
    services.unharmed();
    services.home.ok(&["stop", "all"]);
    assert_eq!(services.home.living_as("chatter.py"), [0i64; 0]);
}

#[test]
fn an_app_that_ends_while_there_is_no_daemon_is_started_again() {
    let services = Services::start();
    let (_, daemon) = services.home.keeper_and_daemon();
    let pid = services.home.pid("web");
    proc::send(daemon, nix::sys::signal::Signal::SIGSTOP);
    proc::kill_hard(pid);
    proc::kill_hard(daemon);
    wait_until("web is started again", SOON, || {
        let web = services.home.process("web");
        web["restarts"] == 1 && web["status"] == "online"
    });
    assert_eq!(services.home.living_as("server.js").len(), 1);
}

#[test]
fn services_do_not_notice_one_end_after_the_other() {
    let services = Services::start();
    for round in 0..4 {
        let (keeper, daemon) = services.home.keeper_and_daemon();
        let victim = if round % 2 == 0 { daemon } else { keeper };
        proc::kill_hard(victim);
        wait_until("a successor", SOON, || {
            let status = services.home.run(&["status", "--json"]);
            let Ok(status) = serde_json::from_str::<Value>(&status.out) else { return false };
            let (keeper, daemon) = (&status["daemon"]["keeper_pid"], &status["daemon"]["pid"]);
            keeper.is_i64() && *keeper != victim && *daemon != victim
        });
    }
    services.unharmed();
}

#[test]
fn an_app_that_ends_while_there_is_no_keeper_is_started_again() {
    let services = Services::start();
    let (keeper, daemon) = services.home.keeper_and_daemon();
    let pid = services.home.pid("web");
    proc::send(daemon, nix::sys::signal::Signal::SIGSTOP);
    proc::kill_hard(keeper);
    crate::support::home::wait_until_gone(&[keeper]);
    proc::kill_hard(pid);
    crate::support::home::wait_until_gone(&[pid]);
    proc::send(daemon, nix::sys::signal::Signal::SIGCONT);
    wait_until("web is started again", SOON, || {
        let web = services.home.process("web");
        web["status"] == "online" && web["pid"] != pid
    });
    assert_eq!(services.home.living_as("server.js").len(), 1);
    assert_eq!(services.home.pid("chatter"), services.before[1]["pid"].as_i64().unwrap());
}
