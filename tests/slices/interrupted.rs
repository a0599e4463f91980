//! Reloads during which the daemon dies: what was replaced ends as if nothing had happened.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::thread::JoinHandle;

use super::balance;
use super::shared_port::{self, ask, free_port};
use crate::support::{Home, SOON, proc, wait_until};

/// Answers with its pid, at `/slow` after some seconds.
const APP: &str = r#"
const http = require('http');
const server = http.createServer((request, response) => {
  console.log('asked for', request.url);
  setTimeout(() => response.end(String(process.pid)), request.url === '/slow' ? 7000 : 0);
});
server.listen(process.env.PORT, () => console.log('listening on', server.address().port));
"#;

/// A question that takes its time. Gives who answered.
fn ask_slowly(port: u16) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(2 * SOON)).unwrap();
        stream.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.lines().last().unwrap_or_default().to_owned()
    })
}

/// The daemon is killed when the new run has replaced the old one, which has a question to answer.
fn the_old_run_answers_and_ends(home: &Home, port: u16) {
    let old = home.pid("web");
    let asked = ask_slowly(port);
    home.wait_for_line("web", "asked for /slow");
    let mut reload = home.command(&["reload", "web", "--soak", "100ms"]);
    let mut reload = reload.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("it is replaced", SOON, || home.process("web")["pid"].as_i64().is_some_and(|pid| pid != old));
    let new = home.pid("web");
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("a new daemon", SOON, || home.keeper_and_daemon().1 != daemon);
    // Nothing new goes to the old one.
    wait_until("the new run answers", SOON, || ask(port).is_ok_and(|by| by == new));
    assert_eq!(asked.join().unwrap(), old.to_string());
    wait_until("the old run ends", SOON, || !proc::lives(old));
    assert_eq!((ask(port).unwrap(), home.pid("web")), (new, new));
    // It waited for the operation of a daemon that is gone.
    let _ = reload.kill();
    reload.wait().unwrap();
}

#[test]
fn a_run_that_drains_behind_a_balancer_answers_though_the_daemon_dies() {
    let home = Home::new();
    let front = balance::start(&home, APP, 1, &[]);
    the_old_run_answers_and_ends(&home, front);
}

#[test]
fn a_run_that_was_asked_to_end_answers_though_the_daemon_dies() {
    let home = Home::new();
    let port = free_port();
    let script = home.file("app.js", APP);
    shared_port::start(&home, &script, "web", 1, port, &["--listen-mode", "shared"]);
    the_old_run_answers_and_ends(&home, port);
}
