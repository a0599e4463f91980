//! `--balance 8080`: one port before the ports of all processes.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::shared_port::{Load, NODE, ask, free_port, pids};
use crate::support::{Home, SOON, proc, wait_until};

/// Starts instances of a script behind a balancer, and waits until it answers.
pub fn start(home: &Home, script: &str, instances: u32, more: &[&str]) -> u16 {
    let front = free_port();
    let (count, number) = (instances.to_string(), front.to_string());
    let script = home.file("app.js", script);
    let mut args = vec!["start", &script, "--name", "web", "-i", &count, "--balance", &number];
    args.extend_from_slice(more);
    home.ok(&args);
    wait_until("all are in service", SOON, || {
        balancer(home)["backends"].as_array().is_some_and(|all| {
            all.iter().filter(|backend| backend["draining"] == false).count() == instances as usize
        })
    });
    front
}

pub fn balancer(home: &Home) -> Value {
    home.json(&["info", "web", "--json"])["balancer"].clone()
}

/// Ends for what it is asked.
const POISON: &str = r#"require('http').createServer((request, response) => {
  console.log('asked', request.method, request.url);
  if (request.url === '/exit') process.exit(1);
  if (request.url === '/reset') return request.socket.destroy();
  response.end(String(process.pid));
}).listen(process.env.PORT);"#;

/// The status of the answer to a request of its own.
fn status(front: u16, method: &str, path: &str) -> u16 {
    let mut client = TcpStream::connect(("127.0.0.1", front)).unwrap();
    client.set_read_timeout(Some(SOON)).unwrap();
    write!(client, "{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap_or_else(|| panic!("{answer:?}")).parse().unwrap()
}

#[test]
fn a_request_that_breaks_its_process_is_repeated_once_and_the_others_go_on() {
    let home = Home::new();
    let front = start(&home, POISON, 3, &[]);
    let before = pids(&home);
    assert_eq!(status(front, "GET", "/exit"), 502);
    let asked = |what: &str| home.ok(&["logs", "web", "--lines", "1000"]).matches(what).count();
    wait_until("it is written", SOON, || asked("GET /exit") == 2);
    assert!(pids(&home).iter().any(|pid| before.contains(pid)), "one of three was not asked");
    assert_eq!(status(front, "GET", "/reset"), 502);
    wait_until("it is written", SOON, || asked("GET /reset") == 2);
    assert_eq!(status(front, "POST", "/reset"), 502);
    wait_until("it is written", SOON, || asked("POST /reset") == 1);
    assert_eq!((asked("GET /exit"), asked("GET /reset"), asked("POST /reset")), (2, 2, 1));
    assert_eq!(status(front, "GET", "/"), 200);
}

#[test]
fn nobody_is_waited_for_who_will_not_come_and_a_balancer_goes_with_its_app() {
    let home = Home::new();
    let (front, script) = (free_port(), home.file("ends.js", "setTimeout(() => process.exit(3), 300);"));
    let number = front.to_string();
    home.run(&["start", &script, "--name", "web", "-i", "2", "--balance", &number, "--max-restarts", "1"]);
    wait_until("they are given up", SOON, || {
        home.processes()
            .iter()
            .filter(|process| process["app"] == "web")
            .all(|process| process["status"] == "errored")
    });
    let begun = Instant::now();
    assert_eq!(status(front, "GET", "/"), 503);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    // Whoever asks while the app is deleted keeps the port no longer than that takes.
    let home = Home::new();
    let front = start(&home, NODE, 2, &[]);
    let over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let over = Arc::clone(&over);
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let _ = ask(front);
                }
            })
        })
        .collect();
    home.ok(&["delete", "web", "--force"]);
    let begun = Instant::now();
    wait_until("the port is free", SOON, || TcpListener::bind(("127.0.0.1", front)).is_ok());
    let took = begun.elapsed();
    over.store(true, Ordering::Relaxed);
    clients.into_iter().for_each(|client| client.join().unwrap());
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn four_instances_answer_on_one_port_and_all_get_their_share() {
    let home = Home::new();
    let front = start(&home, NODE, 4, &["--balance-method", "round-robin"]);
    let all = pids(&home);
    let answers: Vec<i64> = (0..40).map(|_| ask(front).unwrap()).collect();
    for pid in &all {
        assert_eq!(answers.iter().filter(|answer| *answer == pid).count(), 10, "{answers:?}");
    }
    let app = home.json(&["info", "web", "--json"]);
    assert_eq!((&app["listen_mode"], &app["balance"]["port"]), (&json!("proxy"), &json!(front)));
    assert_eq!((&app["ready"], &app["balancer"]["status"]), (&json!("port"), &json!("online")));
    assert_eq!((&app["balancer"]["requests"], &app["balancer"]["errors"]), (&json!(40), &json!(0)));
    let info = home.ok(&["info", "web"]);
    assert!(
        info.contains(&format!("port {front}, http, round-robin")) && info.contains("40 requests"),
        "{info}"
    );
    let ports = home.json(&["ports", "--json"]);
    let row = ports.as_array().unwrap().iter().find(|row| row["port"] == front).unwrap();
    let names = |list: &str| row[list].as_array().unwrap().len();
    assert_eq!((names("reserved_by"), names("listeners"), row.get("conflict")), (4, 4, None), "{row}");
    // Nobody takes it for a process of an app.
    assert_eq!(home.processes().len(), 4);
    let taken = format!("port {front}");
    let other = home.file("other.js", NODE);
    home.run(&["start", &other, "--name", "api", "--port", &front.to_string()]).refused(1, &[&taken]);
    home.run(&["start", &other, "--name", "api", "--balance", &front.to_string()]).refused(1, &[&taken]);
    assert_eq!(home.processes().len(), 4);
    home.ok(&["stop", "web"]);
    wait_until("nobody listens", SOON, || ask(front).is_err());
    home.ok(&["start", "web"]);
    wait_until("it answers again", SOON, || ask(front).is_ok());
    home.ok(&["delete", "web", "--force"]);
    wait_until("the port is free", SOON, || std::net::TcpListener::bind(("0.0.0.0", front)).is_ok());
}

#[test]
fn nothing_fails_while_an_instance_the_daemon_and_the_keeper_die() {
    let home = Home::new();
    let front = start(&home, NODE, 4, &["--env", "DELAY=20"]);
    let load = Load::begin(front, 4, 4);
    load.more(20);
    let victim = home.pid("web-1");
    proc::kill_hard(victim);
    load.more(40);
    wait_until("it is back", SOON, || home.process("web-1")["pid"].as_i64().is_some_and(|pid| pid != victim));
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    load.more(40);
    let (keeper, _) = home.keeper_and_daemon();
    proc::kill_hard(keeper);
    load.more(40);
    load.end().is_clean();
}

#[test]
fn a_balancer_that_dies_is_back_at_once_with_what_it_knew() {
    let home = Home::new();
    let front = start(&home, NODE, 2, &[]);
    for _ in 0..3 {
        let pid = balancer(&home)["pid"].as_i64().unwrap();
        proc::kill_hard(pid);
        let begun = std::time::Instant::now();
        // Who connects now waits in the socket's queue; nobody is refused.
        ask(front).unwrap();
        println!("answered {:?} after the balancer was killed", begun.elapsed());
        wait_until("another one", SOON, || balancer(&home)["pid"].as_i64().is_some_and(|now| now != pid));
    }
    assert_eq!(balancer(&home)["restarts"], 3);
}

#[test]
fn a_websocket_passes_and_its_client_is_known() {
    let home = Home::new();
    let app = r#"
        const http = require('http');
        const server = http.createServer((request, response) => response.end(JSON.stringify(request.headers)));
        server.on('upgrade', (request, socket) => {
          socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n');
          socket.pipe(socket);
        });
        server.listen(process.env.PORT);"#;
    let front = start(&home, app, 2, &["--sticky", "cookie"]);
    let mut stream = TcpStream::connect(("127.0.0.1", front)).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: shop\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n")
        .unwrap();
    let mut seen = String::new();
    while !seen.contains("\r\n\r\n") {
        let mut piece = [0; 1];
        stream.read_exact(&mut piece).unwrap();
        seen.push(char::from(piece[0]));
    }
    assert!(seen.starts_with("HTTP/1.1 101") && seen.to_lowercase().contains("upgrade: echo"), "{seen}");
    for word in ["one", "two"] {
        stream.write_all(word.as_bytes()).unwrap();
        let mut back = [0; 3];
        stream.read_exact(&mut back).unwrap();
        assert_eq!(&back, word.as_bytes());
    }
    let mut plain = TcpStream::connect(("127.0.0.1", front)).unwrap();
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    write!(plain, "GET / HTTP/1.1\r\nHost: shop\r\nTraceparent: {trace}\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    plain.read_to_string(&mut answer).unwrap();
    for word in [
        "\"x-forwarded-for\":\"127.0.0.1\"",
        "\"x-forwarded-host\":\"shop\"",
        "\"host\":\"shop\"",
        trace,
        "set-cookie",
    ] {
        assert!(answer.contains(word), "{word} {answer}");
    }
}

#[test]
fn a_client_that_says_nothing_yet_is_known_and_answered_when_it_speaks() {
    let home = Home::new();
    let front = start(&home, NODE, 2, &[]);
    let mut silent = TcpStream::connect(("127.0.0.1", front)).unwrap();
    silent.set_read_timeout(Some(SOON)).unwrap();
    wait_until("it is counted", SOON, || balancer(&home)["connections"] == 1);
    silent.write_all(b"GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    silent.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_client_stays_with_an_instance_by_its_address() {
    let home = Home::new();
    let front = start(&home, NODE, 3, &["--sticky", "address"]);
    let answers: BTreeSet<i64> = (0..12).map(|_| ask(front).unwrap()).collect();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[test]
fn connections_of_any_protocol_are_spread() {
    let home = Home::new();
    let app =
        r#"require('net').createServer(socket => socket.end(String(process.pid))).listen(process.env.PORT)"#;
    let front = start(&home, app, 2, &["--balance-mode", "tcp", "--port", &ports(2)]);
    let answer = || {
        let mut said = String::new();
        TcpStream::connect(("127.0.0.1", front)).unwrap().read_to_string(&mut said).unwrap();
        said.parse::<i64>().unwrap()
    };
    wait_until("both answer", SOON, || (0..6).map(|_| answer()).collect::<BTreeSet<i64>>() == pids(&home));
}

/// A range that nobody uses.
fn ports(count: u16) -> String {
    let first = crate::support::wait_for("free ports", SOON, || {
        // Away from where balancers get theirs.
        let first = free_port() + 12_000;
        let free = |port| std::net::TcpListener::bind(("0.0.0.0", port)).is_ok();
        (first..first + count + 2).all(free).then_some(first)
    });
    format!("{first}-{}", first + count - 1)
}

/// A process that comes into service again gets what its time in service allows, whatever that is on
/// this machine, and then its half.
#[test]
fn a_process_that_is_new_gets_its_share_little_by_little() {
    let home = Home::new();
    let slow = Duration::from_secs(8);
    let more = ["--slow-start", "8s", "--balance-method", "round-robin"];
    let front = start(&home, NODE, 2, &more);
    let answers_of = |pid: i64| (0..40).filter(|_| ask(front).unwrap() == pid).count();
    let (first, old) = (home.pid("web-0"), home.pid("web-1"));
    // At the beginning one may have been in service before the other.
    wait_until("both have their half", slow + SOON, || answers_of(first) == 20);
    proc::kill_hard(old);
    wait_until("it is gone", SOON, || !proc::lives(old));
    let begun = Instant::now();
    let in_service = || balancer(&home)["backends"].as_array().is_some_and(|all| all.len() == 2);
    let is_new = || home.process("web-1")["pid"].as_i64().is_some_and(|pid| pid != old);
    wait_until("another one is in service", SOON, || is_new() && in_service());
    let new = home.pid("web-1");
    let at_first = answers_of(new);
    let part = begun.elapsed().as_secs_f64() / slow.as_secs_f64();
    println!("{at_first} of 40 answers in the first {:.0} % of its slow start", part * 100.0);
    assert!(at_first as f64 <= 20.0 * part.min(1.0) + 4.0, "{at_first} of 40 at {part:.2}");
    wait_until("it gets its half", slow + SOON, || answers_of(new) == 20);
}
