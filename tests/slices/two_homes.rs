//! Two homes on one host: nobody gets a port that a process of the other one has, also while that does
//! not listen.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::ports::{free_ports, port_of, ports};
use crate::support::home::PROGRAM;
use crate::support::{Home, SOON, fixture, proc, wait_until};

/// Answers with its pid, and listens only once there is a file named `go`.
const LATE: &str = r#"
import http.server, os, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(os.getpid()).encode())
    def log_message(self, *words): pass
while not os.path.exists("go"):
    time.sleep(0.05)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"#;

/// Who answers on that port.
fn answers(port: u64) -> Option<i64> {
    let mut client = TcpStream::connect(("127.0.0.1", u16::try_from(port).unwrap())).ok()?;
    client.set_read_timeout(Some(SOON)).unwrap();
    client.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
    let mut text = String::new();
    client.read_to_string(&mut text).ok()?;
    text.lines().last()?.parse().ok()
}

/// Processes and ports of those apps.
fn late_ones(home: &Home) -> Vec<(Value, u64)> {
    let late = |process: &Value| process["app"] == "auto" || process["app"] == "behind";
    let all = home.processes().into_iter().filter(late);
    all.map(|process| (process["pid"].clone(), *ports(&process).first().expect("a port"))).collect()
}

#[test]
fn nobody_gets_a_port_that_was_given_out_in_the_other_home_also_before_anybody_listens() {
    let homes = [Home::new(), Home::new()];
    let first = free_ports(14);
    let range = format!("auto:{first}-{}", first + 11);
    for home in &homes {
        home.ok(&["status"]);
    }
    let start = |home: &Home, args: &[&str]| {
        let script = home.file("late.py", LATE);
        home.command(&[&["start", &script, "-i", "6"], args].concat()).spawn().unwrap()
    };
    let fronts = [first + 12, first + 13].map(|port| port.to_string());
    let commands: Vec<_> = std::iter::zip(&homes, &fronts)
        .flat_map(|(home, front)| {
            let auto = start(home, &["--name", "auto", "--port", &range]);
            [auto, start(home, &["--name", "behind", "--balance", front])]
        })
        .collect();
    for mut command in commands {
        assert!(command.wait().unwrap().success());
    }
    let all = || homes.iter().flat_map(late_ones).collect::<Vec<_>>();
    let given: BTreeSet<u64> = all().into_iter().map(|(_, port)| port).collect();
    assert_eq!((all().len(), given.len()), (24, 24), "{given:?}");
    for home in &homes {
        home.file("go", "");
    }
    for (pid, port) in all() {
        wait_until("it answers", SOON, || answers(port).is_some());
        assert_eq!(answers(port), pid.as_i64(), "{port}");
    }
    assert_eq!(all().into_iter().map(|(_, port)| port).collect::<BTreeSet<_>>(), given);
    assert!(homes.iter().flat_map(Home::processes).all(|process| process["restarts"] == 0));
}

/// Starts something that has ended, and comes back much later.
fn start_what_waits(home: &Home, name: &str, range: &str) {
    let script = home.file("ends.sh", "exit 3");
    home.run(&["start", &script, "--name", name, "--port", range, "--restart-delay", "1h"]);
    wait_until("it waits", SOON, || home.process(name)["status"] == "restarting");
}

/// Ends keeper and daemon, so that neither starts the other one again.
fn kill_both(home: &Home) {
    let (keeper, daemon) = home.keeper_and_daemon();
    for pid in [daemon, keeper] {
        proc::send(pid, Signal::SIGSTOP);
        wait_until("it stands still", SOON, || proc::stat(pid).is_some_and(|stat| stat.state == 'T'));
    }
    [daemon, keeper].into_iter().for_each(proc::kill_hard);
    wait_until("both are gone", SOON, || !proc::lives(keeper) && !proc::lives(daemon));
}

#[test]
fn a_process_that_waits_keeps_its_port_from_the_other_home_until_it_is_stopped_or_killed() {
    let (ours, theirs) = (Home::new(), Home::new());
    let first = free_ports(2);
    let (range, port) = (format!("auto:{first}-{}", first + 1), u64::from(first));
    let script = fixture("loop.sh");
    start_what_waits(&ours, "web", &range);
    theirs.ok(&["start", &script, "--name", "next", "--port", &range]);
    assert_eq!((port_of(&ours, "web"), port_of(&theirs, "next")), (port, port + 1));
    let owner =
        |home: &Home| format!("is used by another program (pmdaemon, pid {})", home.keeper_and_daemon().1);
    let refused = || {
        let full = theirs.run(&["start", &script, "--name", "full", "--port", &range]);
        full.refused(1, &[&format!("{first} {}", owner(&ours)), "next (id 0)"]);
    };
    refused();
    // Who names it is not kept from it: nobody listens there.
    theirs.ok(&["start", &script, "--name", "named", "--port", &first.to_string()]);
    theirs.ok(&["delete", "named"]);
    let is_free = || {
        theirs.ok(&["start", &script, "--name", "free", "--port", &range]);
        assert_eq!(port_of(&theirs, "free"), port);
        theirs.ok(&["delete", "free"]);
    };
    ours.ok(&["stop", "web"]);
    is_free();
    ours.ok(&["delete", "web"]);
    start_what_waits(&ours, "web", &range);
    refused();
    ours.ok(&["delete", "web"]);
    is_free();
    start_what_waits(&ours, "web", &range);
    refused();
    kill_both(&ours);
    is_free();
}

#[test]
fn a_new_daemon_keeps_every_process_of_both_homes_on_its_port() {
    let homes = [Home::new(), Home::new()];
    let first = free_ports(2);
    let range = format!("auto:{first}-{}", first + 1);
    for home in &homes {
        start_what_waits(home, "web", &range);
    }
    let given = || homes.each_ref().map(|home| port_of(home, "web"));
    let before = given();
    assert_eq!(before, [u64::from(first), u64::from(first) + 1]);
    let kept = |after: &str| {
        assert_eq!(given(), before, "{after}");
        for home in &homes {
            assert_eq!(home.process("web")["status"], "restarting", "{after}");
            let full = home.run(&["start", &fixture("loop.sh"), "--name", "full", "--port", &range]);
            full.refused(1, &["web (id 0)", "is used by another program (pmdaemon, pid "]);
        }
    };
    for home in &homes {
        let (_, daemon) = home.keeper_and_daemon();
        proc::kill_hard(daemon);
        wait_until("a new daemon", SOON, || home.keeper_and_daemon().1 != daemon);
        kept("a kill of the daemon");
        home.ok(&["upgrade", "--binary", PROGRAM]);
        kept("an upgrade");
        kill_both(home);
        kept("a kill of both");
    }
    // Both processes come back where they were.
    for home in &homes {
        home.file("ends.sh", "exec sleep 1000");
        home.ok(&["restart", "web"]);
    }
    for home in &homes {
        wait_until("it runs", SOON, || home.process("web")["status"] == "online");
    }
    assert_eq!(given(), before);
}
