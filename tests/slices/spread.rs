//! Who gets how many connections, and that nobody waits for an instance that is known not to be ready
//! (acceptance row A10).

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::balance;
use super::shared_port::{self, Load, NODE, ask, free_port, pids};
use crate::support::{Home, SOON, fixture, proc, wait_until};

/// No new connection is delayed by more.
const NO_DELAY: Duration = Duration::from_millis(100);

/// Four instances, each with a socket of its own.
fn start_even(home: &Home, more: &[&str]) -> u16 {
    let port = free_port();
    let more = [&["--spread", "even"][..], more].concat();
    shared_port::start(home, &home.file("app.js", NODE), "web", 4, port, &more);
    wait_until("all are ready", SOON, || home.processes().iter().all(|row| row["status"] == "online"));
    port
}

/// What share of so many answers to 200 clients, with a connection for each, each instance gave.
fn shares(home: &Home, port: u16, answers: u64) -> Vec<f64> {
    let load = Load::fresh(port, 200);
    let seen = load.end_after(answers);
    seen.is_clean();
    let all = pids(home);
    let of = |pid: &i64| *seen.by.get(pid).unwrap_or(&0) as f64 / seen.answers as f64;
    let shares: Vec<f64> = all.iter().map(of).collect();
    println!("{} answers, shares {shares:.3?}", seen.answers);
    assert_eq!(shares.len(), 4);
    shares
}

#[test]
fn of_a_shared_queue_nobody_gets_less_than_half_of_its_share() {
    let home = Home::new();
    let port = free_port();
    shared_port::start(&home, &home.file("app.js", NODE), "web", 4, port, &["--env", "DELAY=20"]);
    let shares = shares(&home, port, 6_000);
    assert!(shares.iter().all(|share| *share >= 0.25 / 2.0), "{shares:?}");
}

#[test]
fn with_spread_even_everybody_gets_its_share() {
    let home = Home::new();
    let port = start_even(&home, &["--env", "DELAY=20"]);
    let shares = shares(&home, port, 10_000);
    assert!(shares.iter().all(|share| (0.225..=0.275).contains(share)), "{shares:?}");
    let info = home.ok(&["info", "web"]);
    let line =
        format!("{port}, a socket for each instance, connections spread evenly over those that are ready");
    assert!(info.lines().any(|l| l.starts_with("port") && l.ends_with(&line)), "{info}");
    let app = home.json(&["info", "web", "--json"]);
    assert_eq!((&app["listen_mode"], &app["spread"]), (&json!("shared"), &json!("even")));
    assert_eq!(app["ready"], "port");
    let row = &home.json(&["ports", "--json"])[0];
    assert_eq!((&row["port"], row.get("conflict")), (&json!(port), None), "{row}");
    let listeners: Vec<String> = row["listeners"].as_array().unwrap().iter().map(Value::to_string).collect();
    let distinct: BTreeSet<&String> = listeners.iter().collect();
    assert_eq!(distinct.len(), listeners.len(), "{row}");
}

#[test]
fn behind_a_balancer_everybody_gets_its_share() {
    let home = Home::new();
    let front = balance::start(&home, NODE, 4, &["--env", "DELAY=20"]);
    let shares = shares(&home, front, 5_000);
    assert!(shares.iter().all(|share| (0.225..=0.275).contains(share)), "{shares:?}");
}

/// Whether it is answered without a delay.
fn answers_at_once(port: u16) -> bool {
    let begun = Instant::now();
    let asked = || {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(NO_DELAY))?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
        stream.read(&mut [0; 16])
    };
    asked().is_ok_and(|count| count > 0) && begun.elapsed() <= NO_DELAY
}

/// A hundred connections are answered at once, three times. One in four would not be if an instance
/// that is not ready got its share; a busy machine may be slow now and then.
fn nobody_waits(port: u16, what: &str) {
    for _ in 0..3 {
        wait_until(what, 2 * SOON, || (0..100).all(|_| answers_at_once(port)));
    }
}

/// What exits at its start once it is told so.
fn breakable(mark: &Path) -> String {
    format!(
        "if (process.env.NODE_APP_INSTANCE === '1' && require('fs').existsSync({:?})) process.exit(1);\n{NODE}",
        mark.display().to_string()
    )
}

/// Dead again and again, in back-off and given up in the end.
fn nobody_waits_for_the_dead(home: &Home, port: u16, mark: &Path) {
    std::fs::write(mark, "").unwrap();
    proc::kill_hard(home.pid("web-1"));
    wait_until("it is in back-off", SOON, || home.process("web-1")["status"] == "restarting");
    nobody_waits(port, "nobody waits for one in back-off");
    home.ok(&["stop", "web-1"]);
    nobody_waits(port, "nobody waits for one that is stopped");
    std::fs::remove_file(mark).unwrap();
    home.ok(&["start", "web-1"]);
    wait_until("it is back", SOON, || home.process("web-1")["status"] == "online");
}

/// One that is stopped is known as such: at once if connections do not go to it anyway, or if the
/// keeper sees it; otherwise by its check.
fn nobody_waits_for_the_stopped(home: &Home, port: u16) {
    let stopped = home.pid("web-2");
    proc::send(stopped, Signal::SIGSTOP);
    wait_until("it is stopped", SOON, || proc::stat(stopped).is_none_or(|stat| stat.state == 'T'));
    nobody_waits(port, "nobody waits for one that is stopped by a signal");
    // Its check may have led to another run of it.
    if proc::lives(stopped) {
        proc::send(stopped, Signal::SIGCONT);
    }
}

#[test]
fn nobody_waits_at_a_shared_queue_for_who_is_not_ready() {
    let home = Home::new();
    let (port, mark) = (free_port(), home.work().join("broken"));
    shared_port::start(&home, &home.file("app.js", &breakable(&mark)), "web", 4, port, &[]);
    nobody_waits_for_the_stopped(&home, port);
    nobody_waits_for_the_dead(&home, port, &mark);
}

#[test]
fn nobody_waits_at_sockets_of_their_own_for_who_is_not_ready() {
    let home = Home::new();
    let (port, mark) = (free_port(), home.work().join("broken"));
    shared_port::start(&home, &home.file("app.js", &breakable(&mark)), "web", 4, port, &["--spread", "even"]);
    nobody_waits_for_the_stopped(&home, port);
    let resumed = home.pid("web-2");
    wait_until("it gets connections again", SOON, || ask(port).is_ok_and(|by| by == resumed));
    nobody_waits_for_the_dead(&home, port, &mark);
}

#[test]
fn nobody_waits_behind_a_balancer_for_who_is_not_ready() {
    let home = Home::new();
    let mark = home.work().join("broken");
    let url = ["--health-check-url", "http://localhost:{port}/"];
    let often = ["--health-check-interval", "200ms", "--health-check-timeout", "300ms"];
    let more = [&url[..], &often, &["--health-check-retries", "2", "--kill-timeout", "1s"]].concat();
    let front = balance::start(&home, &breakable(&mark), 4, &more);
    nobody_waits_for_the_stopped(&home, front);
    nobody_waits_for_the_dead(&home, front, &mark);
}

#[test]
fn sockets_of_their_own_outlive_daemon_and_keeper_and_what_is_known_of_them_too() {
    let home = Home::new();
    let port = start_even(&home, &["--env", "DELAY=3"]);
    let before = pids(&home);
    let load = Load::begin(port, 6, 3);
    let (keeper, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("a new daemon", SOON, || home.keeper_and_daemon().1 != daemon);
    load.more(50);
    proc::kill_hard(keeper);
    wait_until("a new keeper", SOON, || {
        home.json(&["status", "--json"])["daemon"]["keeper_pid"].as_i64().is_some_and(|pid| pid != keeper)
    });
    load.more(50);
    assert_eq!(pids(&home), before);
    load.end().is_clean();
    // The new keeper knows whose is which.
    home.ok(&["stop", "web-3"]);
    nobody_waits(port, "nobody waits for one that is stopped");
    home.ok(&["start", "web-3"]);
    wait_until("all are ready", SOON, || home.processes().iter().all(|row| row["status"] == "online"));
    let by = |seen: BTreeMap<i64, u64>| seen.len();
    wait_until("all get connections", SOON, || by(Load::fresh(port, 8).end_after(200).by) == 4);
    home.ok(&["delete", "web", "--force"]);
    assert!(TcpListener::bind(("0.0.0.0", port)).is_ok(), "the port is held after a delete");
}

#[test]
fn reloads_restarts_and_another_number_of_instances_fail_no_request() {
    let home = Home::new();
    let port = start_even(&home, &["--env", "DELAY=10"]);
    let load = Load::begin(port, 8, 6);
    let step = |args: &[&str]| {
        load.more(40);
        home.ok(args);
    };
    step(&["reload", "web"]);
    step(&["restart", "web"]);
    step(&["scale", "web", "2"]);
    step(&["scale", "web", "4"]);
    load.more(40);
    load.end().is_clean();
    assert_eq!(pids(&home).len(), 4);
}

#[test]
fn an_app_changes_from_one_queue_to_sockets_of_their_own_and_back() {
    let home = Home::new();
    let port = free_port();
    let script = home.file("app.js", NODE);
    shared_port::start(&home, &script, "web", 3, port, &[]);
    let file = |spread: &str| {
        let app = json!({"apps": [{
            "name": "web", "script": script, "instances": 3, "port": port.to_string(), "spread": spread,
        }]});
        home.file("ecosystem.json", &app.to_string())
    };
    for spread in ["even", "queue", "even"] {
        let load = Load::begin(port, 6, 3);
        load.more(20);
        home.ok(&["apply", &file(spread), "--yes"]);
        assert_eq!(home.json(&["info", "web", "--json"])["spread"], spread);
        load.more(40);
        load.end().is_clean();
        wait_until("all get connections", SOON, || Load::fresh(port, 8).end_after(200).by.len() == 3);
    }
}

/// Takes a connection at a time, each for a while; asked to end, it takes no other, answers, and exits.
const ONE_BY_ONE: &str = r#"
import os, signal, socket, time
ending = False
def end(*_):
    global ending
    ending = True
signal.signal(signal.SIGTERM, end)
server = socket.socket(fileno=3)
server.settimeout(0.01)
print("listening on", server.getsockname()[1], flush=True)
while not ending:
    try:
        client, _ = server.accept()
    except TimeoutError:
        continue
    client.settimeout(5)
    client.recv(65536)
    time.sleep(0.01)
    body = str(os.getpid())
    client.sendall(f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    client.close()
"#;

#[test]
fn who_gets_no_more_connections_takes_those_in_its_queue_before_it_ends() {
    let home = Home::new();
    let port = free_port();
    let script = home.file("app.py", ONE_BY_ONE);
    shared_port::start(&home, &script, "web", 2, port, &["--spread", "even"]);
    wait_until("all are ready", SOON, || home.processes().iter().all(|row| row["status"] == "online"));
    for number in ["1", "2", "1"] {
        // About four of them wait at each socket.
        let load = Load::fresh(port, 8);
        load.more(50);
        home.ok(&["scale", "web", number]);
        load.more(50);
        load.end().is_clean();
    }
}

#[test]
fn what_cannot_be_spread_is_refused_with_what_can() {
    let home = Home::new();
    let script = fixture("loop.sh");
    let refused = |args: &[&str], words: &[&str]| {
        home.run(&[&["start", &script, "--spread"][..], args].concat()).refused(1, words);
    };
    refused(&["even"], &["needs one port", "3000"]);
    refused(&["even", "--port", "3000-3003", "-i", "4"], &["3000-3003 are several"]);
    refused(&["even", "--balance", "3000", "-i", "4"], &["a balancer spreads by its own method"]);
    refused(&["even", "--port", "3000", "--listen-mode", "proxy"], &["a balancer spreads by its own method"]);
    refused(&["hash", "--port", "3000"], &["\"hash\"", "queue or even"]);
    assert_eq!(home.processes().len(), 0);
}
