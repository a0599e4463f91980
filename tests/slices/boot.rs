//! A reboot of the host, played: every process of the home is gone at once, and the next boot has
//! another identity.

use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::home::ran;
use crate::support::{Home, SOON, fixture, proc, wait_until};

/// A host that can be rebooted.
struct Host {
    home: Home,
}

impl Host {
    fn new() -> Host {
        let host = Host { home: Home::new() };
        host.boot("first");
        host
    }

    fn boot(&self, id: &str) {
        self.home.file("boot_id", id);
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.home.command(args);
        command.env("PMDAEMON_BOOT_ID_FILE", self.home.work().join("boot_id"));
        command
    }

    /// Starts the daemon in this boot, if there is none.
    #[track_caller]
    fn ok(&self, args: &[&str]) -> String {
        let ran = ran(&mut self.command(args));
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        ran.out
    }

    /// The power fails, and comes back.
    fn reboot(&self, id: &str) {
        // At once: nobody sees the end of another.
        self.home.living().into_iter().for_each(|pid| proc::send(pid, Signal::SIGSTOP));
        wait_until("the end of everything", SOON, || {
            let living = self.home.living();
            living.iter().copied().for_each(proc::kill_hard);
            living.is_empty()
        });
        self.boot(id);
    }

    fn processes(&self) -> Vec<Value> {
        serde_json::from_str::<Value>(&self.ok(&["list", "--json"])).unwrap().as_array().unwrap().clone()
    }

    fn process(&self, name: &str) -> Value {
        self.processes().into_iter().find(|process| process["name"] == name).expect("it is listed")
    }
}

#[test]
fn a15_after_a_reboot_what_was_wanted_up_starts_and_what_was_stopped_does_not() {
    let host = Host::new();
    let script = host.home.file("done.sh", "#!/bin/sh\nexit 0\n");
    host.ok(&["start", &fixture("loop.sh"), "--name", "web", "-i", "2"]);
    host.ok(&["start", &fixture("loop.sh"), "--name", "idle"]);
    host.ok(&["stop", "idle"]);
    host.ok(&["start", &script, "--name", "job", "--no-autorestart"]);
    host.ok(&["restart", "web-0"]);
    let before = host.process("web-0");
    assert_eq!(before["restarts"], 1);
    wait_until("the job's end", SOON, || host.process("job")["status"] == "stopped");

    host.reboot("second");
    let ends = |host: &Host| {
        let events = host.ok(&["events", "job", "--json", "--lines", "100"]);
        events.matches("process.exited").count()
    };
    wait_until("web runs", SOON, || host.process("web-0")["status"] == "online");
    let after = host.process("web-0");
    assert_eq!((&after["id"], &after["restarts"]), (&before["id"], &before["restarts"]), "counters stay");
    assert_ne!(after["pid"], before["pid"]);
    wait_until("web-1 runs", SOON, || host.process("web-1")["status"] == "online");
    assert_eq!(host.process("idle")["status"], "stopped");
    assert_eq!(host.home.living_as("loop.sh").len(), 2, "nothing is doubled");
    wait_until("what had finished by itself ran again", SOON, || ends(&host) == 2);

    // In the same boot it is not due again.
    let (_, daemon) = host.home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("another daemon", SOON, || host.home.keeper_and_daemon().1 != daemon);
    assert_eq!((host.process("job")["status"].as_str(), ends(&host)), (Some("stopped"), 2));
}

#[test]
fn c5_after_a_reboot_an_app_is_on_the_port_of_its_definition() {
    let host = Host::new();
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (own, other) = (free(), free());
    host.ok(&["start", &fixture("server.js"), "--name", "web", "--port", &own.to_string()]);
    host.ok(&["restart", "web", "--port", &other.to_string()]);
    assert_eq!(host.process("web")["ports"][0], other);
    host.reboot("second");
    wait_until("web runs", SOON, || host.process("web")["status"] == "online");
    let web = host.process("web");
    assert_eq!(
        (&web["ports"][0], web["port_overridden"].as_bool().unwrap_or(false)),
        (&own.into(), false),
        "{web}"
    );
}
