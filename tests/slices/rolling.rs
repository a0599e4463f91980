//! Reloads under load: new beside old, ready, drained, and undone when the new version is no good
//! (acceptance rows A4, K5, K6).
//!
//! The long form: `RELOADS=20 CLIENTS=20 INSTANCES=4 DELAY=100 cargo test --test sockets_tests
//! rolling -- --nocapture`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::balance::{balancer, start};
use super::shared_port::{self, Load, NODE, free_port, pids};
use crate::support::{Home, SOON, proc, wait_until};

/// Threads, HTTP/1.1 and no idea of a graceful end: SIGTERM ends it at once.
const PYTHON: &str = r#"
import os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        time.sleep(float(os.environ.get("DELAY", "0")) / 1000)
        body = str(os.getpid()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
class Server(ThreadingHTTPServer):
    request_queue_size = 128
Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"#;

/// A size that the environment may set.
fn size(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// How long each answer takes.
fn delay() -> String {
    format!("DELAY={}", size("DELAY", 30))
}

/// Load of three kinds.
fn three_kinds(front: u16) -> Load {
    Load::three_kinds(front, size("CLIENTS", 4))
}

/// Reloads under load; nothing may fail, nobody may pause.
fn reloads_without_a_failure(home: &Home, load: Load, instances: usize) {
    for _ in 0..size("RELOADS", 2) {
        let before = pids(home);
        load.more(40);
        let ran = home.run(&["reload", "web"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(!ran.err.contains("Paused"), "{ran:?}");
        let after = pids(home);
        assert!(after.is_disjoint(&before) && after.len() == instances, "{before:?} {after:?}");
    }
    load.more(40);
    let seen = load.end();
    println!("{} answers by {} lives", seen.answers, seen.pids.len());
    seen.is_clean();
}

#[test]
fn a4_a_reload_behind_a_balancer_fails_no_request_of_node() {
    let home = Home::new();
    let instances = size("INSTANCES", 3);
    let front = start(&home, NODE, instances as u32, &["--env", &delay()]);
    reloads_without_a_failure(&home, three_kinds(front), instances);
    assert_eq!(balancer(&home)["errors"], 0);
}

#[test]
fn a4_a_single_instance_of_a_program_that_ends_at_once_is_replaced_without_a_failure() {
    let home = Home::new();
    let script = home.file("app.py", PYTHON);
    let front = free_port();
    home.ok(&["start", &script, "--name", "web", "--balance", &front.to_string(), "--env", &delay()]);
    wait_until("it answers", SOON, || shared_port::ask(front).is_ok());
    reloads_without_a_failure(&home, three_kinds(front), 1);
}

#[test]
fn k5_a_version_that_is_no_good_is_taken_back_and_nobody_notices() {
    let home = Home::new();
    let checked = r#"
        const http = require('http');
        http.createServer((request, response) => {
          response.statusCode = request.url === '/health' ? Number(process.env.HEALTH || HEALTH) : 200;
          response.end(String(process.pid));
        }).listen(process.env.PORT);"#;
    let good = checked.replace("HEALTH)", "200)");
    let url = ["--health-check-url", "http://localhost:{port}/health"];
    let more = [&url[..], &["--health-check-interval", "200ms", "--wait-timeout", "2s"]].concat();
    let front = start(&home, &good, 2, &more);
    let before = pids(&home);
    let load = Load::three_kinds(front, 3);
    load.more(30);
    for (version, word) in [
        ("console.error('no such module'); process.exit(3);".to_owned(), "exit code 3"),
        ("console.log('thinking'); setInterval(() => {}, 1000);".to_owned(), "unhealthy"),
        (checked.replace("HEALTH)", "503)"), "503"),
    ] {
        home.file("app.js", &version);
        let ran = home.run(&["reload", "web"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.err.contains("the reload ended at web-0") && ran.err.contains(word), "{word}: {ran:?}");
        load.more(30);
        assert_eq!(pids(&home), before, "the old ones go on");
    }
    let events = home.ok(&["events", "web"]);
    assert!(events.contains("the reload ended at web-0"), "{events}");
    let seen = load.end();
    assert_eq!(seen.pids, before, "no other has answered anybody");
    seen.is_clean();
}

#[test]
fn k5_a_version_that_never_listens_is_taken_back_in_time() {
    let home = Home::new();
    let front = start(&home, NODE, 1, &["--ready", "port", "--listen-timeout", "3s"]);
    let before = pids(&home);
    let load = Load::three_kinds(front, 2);
    home.file("app.js", "for (;;) {}");
    let ran = home.run(&["reload", "web"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("not ready within 3 s"), "{ran:?}");
    load.more(20);
    load.end().is_clean();
    assert_eq!(pids(&home), before);
}

/// The same as [`NODE`], with Express, which `tests/run` has installed.
fn express() -> Option<(String, String)> {
    let modules = concat!(env!("CARGO_MANIFEST_DIR"), "/target/express/node_modules");
    if !std::path::Path::new(modules).join("express").is_dir() {
        eprintln!("SKIPPED: there is no Express: npm install --prefix target/express express@4");
        return None;
    }
    let script = "const app = require('express')();
        app.get('/', (request, response) => {
          setTimeout(() => response.send(String(process.pid)), Number(process.env.DELAY));
        });
        app.listen(process.env.PORT, () => console.log('listening on', process.env.PORT));";
    Some((script.to_owned(), format!("NODE_PATH={modules}")))
}

#[test]
fn k6_a_reload_of_a_held_socket_fails_no_request_of_node_and_express() {
    let node = Some((NODE.to_owned(), "NODE_PATH=".to_owned()));
    for (script, path) in [node, express()].into_iter().flatten() {
        let home = Home::new();
        let port = free_port();
        let (delay, instances) = (delay(), size("INSTANCES", 2));
        let more = ["--env", &delay, "--env", &path];
        shared_port::start(&home, &home.file("app.js", &script), "web", instances as u32, port, &more);
        reloads_without_a_failure(&home, three_kinds(port), instances);
    }
}

/// A program for uvicorn, if Python has that: answers with its pid, after `DELAY` ms.
fn uvicorn(home: &Home) -> bool {
    let has = std::process::Command::new("python3").args(["-c", "import uvicorn"]).output();
    if !has.unwrap().status.success() {
        eprintln!("SKIPPED: Python has no uvicorn; `tests/run` installs it");
        return false;
    }
    let asgi = "import asyncio, os
async def app(scope, receive, send):
    if scope['type'] != 'http': return
    await asyncio.sleep(float(os.environ['DELAY']) / 1000)
    body = str(os.getpid()).encode()
    headers = [(b'content-length', str(len(body)).encode())]
    await send({'type': 'http.response.start', 'status': 200, 'headers': headers})
    await send({'type': 'http.response.body', 'body': body})
";
    home.file("asgi.py", asgi);
    true
}

/// When it is asked to end, uvicorn closes every connection of which it has not read a request, also
/// one that it has accepted in the same moment: that is a reset now and then, and its own.
#[test]
fn k6_a_reload_of_uvicorn_by_descriptor_refuses_nobody_and_breaks_only_what_it_closes_itself() {
    let home = Home::new();
    if !uvicorn(&home) {
        return;
    }
    let port = free_port();
    let number = port.to_string();
    let (delay, instances) = (delay(), size("INSTANCES", 2));
    let count = instances.to_string();
    let line = ["start", "python3", "--name", "web", "-i", &count, "--port", &number, "--env", &delay, "--"];
    home.ok(&[&line[..], &["-m", "uvicorn", "--no-access-log", "--fd", "3", "asgi:app"]].concat());
    wait_until("it answers", SOON, || shared_port::ask(port).is_ok());
    let load = Load::fresh(port, 2 * size("CLIENTS", 4));
    let reloads = size("RELOADS", 2);
    for _ in 0..reloads {
        load.more(40);
        home.ok(&["reload", "web"]);
    }
    load.more(40);
    let seen = load.end();
    println!("{} answers, {} broken by uvicorn", seen.answers, seen.broken.len());
    assert!(seen.refused == 0 && seen.broken.len() <= 2 * reloads * instances, "{seen:?}");
}

#[test]
fn k6_a_reload_of_uvicorn_behind_a_balancer_fails_no_request() {
    let home = Home::new();
    if !uvicorn(&home) {
        return;
    }
    let front = free_port();
    let number = front.to_string();
    let (delay, instances) = (delay(), size("INSTANCES", 2));
    let count = instances.to_string();
    let line = ["start", "--name", "web", "-i", &count, "--balance", &number, "--env", &delay];
    let command = "exec python3 -m uvicorn --no-access-log --port $PORT asgi:app";
    home.ok(&[&line[..], &["/bin/sh", "--", "-c", command]].concat());
    wait_until("it answers", SOON, || shared_port::ask(front).is_ok());
    reloads_without_a_failure(&home, three_kinds(front), instances);
}

#[test]
fn k6_a_reload_of_a_program_in_rust_by_listenfd_fails_no_fresh_and_no_busy_connection() {
    let home = Home::new();
    let port = free_port();
    let (delay, instances) = (delay(), size("INSTANCES", 2));
    let program = std::env::current_exe().unwrap();
    let (count, number) = (instances.to_string(), port.to_string());
    let line = ["start", program.to_str().unwrap(), "--name", "web", "-i", &count, "--port", &number];
    let this = ["--ignored", "--exact", "slices::rust_app::a_program_that_takes_its_socket", "--nocapture"];
    home.ok(&[&line[..], &["--env", &delay, "--"], &this].concat());
    wait_until("it answers", SOON, || shared_port::ask(port).is_ok());
    reloads_without_a_failure(&home, Load::busy_and_fresh(port, size("CLIENTS", 4)), instances);
}

#[test]
fn k5_a_version_that_hangs_before_it_listens_gets_no_connection_of_a_held_socket() {
    let home = Home::new();
    let port = free_port();
    shared_port::start(
        &home,
        &home.file("app.js", NODE),
        "web",
        2,
        port,
        &["--ready", "port", "--listen-timeout", "3s", "--wait-ready"],
    );
    let before = pids(&home);
    let load = Load::three_kinds(port, 3);
    for version in ["for (;;) {}", "setInterval(() => {}, 1000)"] {
        home.file("app.js", version);
        let ran = home.run(&["reload", "web"]);
        assert_eq!(ran.code, 1, "{version}: {ran:?}");
        assert!(ran.err.contains("not ready within 3 s"), "{version}: {ran:?}");
        assert_eq!(pids(&home), before);
    }
    load.more(40);
    load.end().is_clean();
}

/// Greets with its pid, then says everything back.
const ECHO: &str = r#"
const http = require('http');
const server = http.createServer((request, response) => response.end(String(process.pid)));
server.on('upgrade', (request, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n');
  socket.write(`${process.pid}\n`);
  socket.pipe(socket);
});
server.listen(process.env.PORT);"#;

/// A connection that was upgraded, and the pid at its other end.
fn upgraded(front: u16) -> (TcpStream, i64) {
    let mut stream = TcpStream::connect(("127.0.0.1", front)).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: shop\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n";
    stream.write_all(request).unwrap();
    let mut seen = String::new();
    while !seen.split_once("\r\n\r\n").is_some_and(|(_, greeting)| greeting.ends_with('\n')) {
        let mut piece = [0; 1];
        stream.read_exact(&mut piece).unwrap();
        seen.push(char::from(piece[0]));
    }
    let pid = seen.split_once("\r\n\r\n").unwrap().1.trim().parse().unwrap();
    (stream, pid)
}

fn echoes(stream: &mut TcpStream) -> bool {
    let mut back = [0; 4];
    stream.write_all(b"word").is_ok() && stream.read_exact(&mut back).is_ok() && &back == b"word"
}

#[test]
fn k6_a_websocket_outlives_the_reload_of_others_and_is_drained_for_as_long_as_it_may() {
    let home = Home::new();
    let front = start(&home, ECHO, 2, &["--drain-timeout", "2s"]);
    let (mut stream, pid) = upgraded(front);
    let (ours, other) = match home.pid("web-0") == pid {
        true => ("web-0", "web-1"),
        false => ("web-1", "web-0"),
    };
    home.ok(&["reload", other]);
    assert!(echoes(&mut stream), "the reload of another broke it");
    assert_eq!(home.pid(ours), pid);
    let begun = Instant::now();
    home.ok(&["reload", ours]);
    assert_ne!(home.pid(ours), pid, "the new one has its place");
    let mut lasted = Duration::ZERO;
    while echoes(&mut stream) {
        lasted = begun.elapsed();
        assert!(lasted < SOON, "it is never ended");
        std::thread::sleep(Duration::from_millis(20));
    }
    // It may stay for two seconds from when the other had proven itself.
    assert!(lasted >= Duration::from_secs(2), "{lasted:?}");
    wait_until("it is gone", SOON, || !proc::lives(pid));
    let (mut stream, _) = upgraded(front);
    assert!(echoes(&mut stream));
}
