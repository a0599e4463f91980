//! `--instances 4 --port 8080`: one listening socket for all of them.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;

use super::shared_port::{Load, NODE, PYTHON, ask, free_port, pids, start};
use crate::support::{Home, SOON, fixture, proc, wait_until};

fn has_module(name: &str) -> bool {
    let asked = std::process::Command::new("python3").args(["-c", &format!("import {name}")]).output();
    let there = asked.unwrap().status.success();
    if !there {
        eprintln!("SKIPPED: Python has no module {name}; `tests/run` installs it");
    }
    there
}

#[test]
fn who_shares_a_port_and_never_listens_is_not_ready() {
    let home = Home::new();
    let (port, good) = (free_port().to_string(), home.file("good.js", NODE));
    let hangs = home.file("hangs.js", "console.log('up'); setInterval(() => {}, 1000);");
    let start = |script: &str, name: &str, port: &str, limit: &str| {
        let wait = ["--min-uptime", "100ms", "--wait-ready", "--wait-timeout", limit];
        home.run(&[&["start", script, "--name", name, "-i", "2", "--port", port][..], &wait].concat())
    };
    let late = start(&hangs, "hangs", &port, "3s");
    assert!(late.code == 1 && late.err.contains("its port does not accept connections"), "{late:?}");
    home.ok(&["delete", "hangs", "--force"]);
    let ready = start(&good, "good", &port, "30s");
    assert_eq!(ready.code, 0, "{ready:?}");
}

#[test]
fn four_instances_share_one_port_and_all_are_reached() {
    let home = Home::new();
    let port = free_port();
    start(&home, &home.file("app.js", NODE), "web", 4, port, &["--env", "DELAY=5"]);
    let all = pids(&home);
    assert_eq!(all.len(), 4);
    wait_until("200 connections reach all", SOON, || {
        let asking: Vec<_> = (0..20)
            .map(|_| std::thread::spawn(move || (0..10).map(|_| ask(port).unwrap()).collect::<Vec<_>>()))
            .collect();
        let reached: BTreeSet<i64> = asking.into_iter().flat_map(|asking| asking.join().unwrap()).collect();
        assert!(reached.is_subset(&all), "{reached:?} {all:?}");
        reached == all
    });
    let info = home.ok(&["info", "web"]);
    let line = format!("{port}, one socket shared by all instances");
    assert!(info.lines().any(|l| l.starts_with("port") && l.ends_with(&line)), "{info}");
    assert_eq!(home.json(&["info", "web", "--json"])["listen_mode"], "shared");
    let row = &home.json(&["ports", "--json"])[0];
    assert_eq!((&row["port"], row.get("conflict")), (&json!(port), None), "{row}");
    let of_all = |list: &str| row[list].as_array().is_some_and(|all| all.len() == 4 && all[3]["id"] == 3);
    assert!(of_all("reserved_by") && of_all("listeners"), "{row}");
    let jlist = home.api().get("/api/processes");
    assert_eq!(
        (&jlist[3]["pm2_env"]["exec_mode"], &jlist[3]["pm2_env"]["PORT"]),
        (&json!("cluster_mode"), &json!(port))
    );
    let taken = format!("port {port} is used by web-0 (id 0)");
    let loops = fixture("loop.sh");
    home.run(&["start", &loops, "--name", "api", "--port", &port.to_string()]).refused(1, &[&taken]);
    home.run(&["start", &loops, "--name", "api", "-i", "2", "--port", &port.to_string()])
        .refused(1, &[&taken]);
}

#[test]
fn the_port_is_refused_after_a_stop_and_there_again_after_a_start() {
    let home = Home::new();
    let port = free_port();
    let is_free = || TcpListener::bind(("0.0.0.0", port)).is_ok();
    start(&home, &home.file("app.py", PYTHON), "web", 3, port, &[]);
    for _ in 0..3 {
        home.ok(&["stop", "web"]);
        // At once: nothing of it is left when the command returns.
        assert!(is_free(), "the port is held after a stop");
        home.ok(&["start", "web"]);
        wait_until("it answers again", SOON, || ask(port).is_ok());
    }
    home.ok(&["stop", "web-1"]);
    assert!(ask(port).is_ok() && !is_free());
    home.ok(&["delete", "web", "--force"]);
    assert!(is_free(), "the port is held after a delete");
}

#[test]
fn more_and_fewer_processes_keep_the_port() {
    let home = Home::new();
    let port = free_port();
    start(&home, &home.file("app.js", NODE), "web", 2, port, &[]);
    let load = Load::begin(port, 4, 0);
    load.more(20);
    for count in ["4", "1", "3"] {
        home.ok(&["scale", "web", count]);
        load.more(20);
    }
    load.end().is_clean();
    assert_eq!(pids(&home).len(), 3);
    let alone = home.file("alone.js", NODE);
    home.ok(&["start", &alone, "--name", "alone", "--port", &free_port().to_string()]);
    home.run(&["scale", "alone", "2"]).refused(1, &["is one port", "--listen-mode shared"]);
}

#[test]
fn only_what_a_killed_instance_was_answering_fails() {
    let home = Home::new();
    let port = free_port();
    start(&home, &home.file("app.js", NODE), "web", 4, port, &["--env", "DELAY=10"]);
    let load = Load::begin(port, 9, 0);
    for _ in 0..4 {
        load.more(30);
        let victim = home.pid("web-1");
        proc::kill_hard(victim);
        wait_until("it is back", SOON, || {
            home.process("web-1")["pid"].as_i64().is_some_and(|pid| pid != victim)
        });
    }
    let seen = load.end();
    assert_eq!(seen.refused, 0, "{seen:?}");
    // No more than all clients at each of the four deaths; in truth about a quarter.
    assert!(seen.broken.len() <= 4 * 9 && seen.answers >= 120, "{seen:?}");
}

#[test]
fn no_connection_fails_while_daemon_and_keeper_die() {
    let home = Home::new();
    let port = free_port();
    start(&home, &home.file("app.js", NODE), "web", 2, port, &["--env", "DELAY=3"]);
    let before = pids(&home);
    let load = Load::begin(port, 6, 3);
    let (keeper, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("a new daemon", SOON, || home.keeper_and_daemon().1 != daemon);
    load.more(50);
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(keeper);
    wait_until("a new keeper", SOON, || {
        home.json(&["status", "--json"])["daemon"]["keeper_pid"].as_i64().is_some_and(|pid| pid != keeper)
    });
    load.more(50);
    let (keeper, _) = home.keeper_and_daemon();
    proc::kill_hard(keeper);
    proc::kill_hard(daemon);
    load.more(50);
    assert_eq!(pids(&home), before, "the services are as they were");
    load.end().is_clean();
    // One that dies together with the keeper comes back beside the other, which has the socket open.
    let (keeper, _) = home.keeper_and_daemon();
    let victim = home.pid("web-1");
    proc::kill_hard(keeper);
    proc::kill_hard(victim);
    wait_until("it is back", SOON, || home.process("web-1")["pid"].as_i64().is_some_and(|pid| pid != victim));
    let load = Load::begin(port, 6, 3);
    // The new keeper has the socket: all of them can go at once, and connections wait.
    home.ok(&["restart", "web"]);
    load.more(50);
    load.end().is_clean();
    assert!(pids(&home).is_disjoint(&before));
    assert_eq!(pids(&home).len(), 2);
    home.ok(&["stop", "web"]);
    assert!(TcpListener::bind(("0.0.0.0", port)).is_ok());
}

#[test]
fn a_keeper_that_adopts_nothing_makes_the_socket_anew() {
    let home = Home::new();
    let port = free_port();
    start(&home, &home.file("app.py", PYTHON), "web", 2, port, &[]);
    let (keeper, daemon) = home.keeper_and_daemon();
    let services = pids(&home);
    proc::kill_hard(keeper);
    proc::kill_hard(daemon);
    services.iter().for_each(|pid| proc::kill_hard(*pid));
    wait_until("it answers again", SOON, || {
        home.ok(&["list"]);
        ask(port).is_ok()
    });
}

#[test]
fn connections_wait_in_the_queue_while_all_instances_restart() {
    let home = Home::new();
    let port = free_port();
    start(&home, &home.file("app.js", NODE), "web", 3, port, &["--env", "DELAY=5"]);
    let load = Load::begin(port, 8, 6);
    for _ in 0..3 {
        load.more(40);
        home.ok(&["restart", "web"]);
    }
    load.more(40);
    load.end().is_clean();
}

#[test]
fn one_process_can_have_a_socket_that_stays_open_while_it_restarts() {
    let home = Home::new();
    let port = free_port();
    start(&home, &home.file("app.js", NODE), "web", 1, port, &["--listen-mode", "shared"]);
    let load = Load::begin(port, 4, 3);
    for _ in 0..2 {
        load.more(20);
        home.ok(&["restart", "web"]);
    }
    load.more(20);
    load.end().is_clean();
    let other = free_port();
    home.ok(&["restart", "web", "--port", &other.to_string()]);
    wait_until("it answers on the other port", SOON, || ask(other).is_ok());
    assert!(TcpListener::bind(("0.0.0.0", port)).is_ok(), "the first one is let go");
    home.ok(&["restart", "web"]);
    wait_until("it is back on the first", SOON, || ask(port).is_ok());
    // Now it shares it with others.
    home.ok(&["scale", "web", "2"]);
    home.wait_for_line("web-1", "listening on");
}

#[test]
fn a4_a_reload_of_a_shared_port_fails_no_request_and_pauses_nobody() {
    let home = Home::new();
    for (instances, port) in [(3, free_port()), (1, free_port())] {
        let name = format!("web{instances}");
        start(&home, &home.file("app.js", NODE), &name, instances, port, &["--listen-mode", "shared"]);
        let load = Load::begin(port, 8, 6);
        for _ in 0..2 {
            load.more(40);
            let ran = home.run(&["reload", &name]);
            assert_eq!(ran.code, 0, "{ran:?}");
            assert!(!ran.err.contains("Paused"), "{ran:?}");
        }
        load.more(40);
        load.end().is_clean();
    }
}

#[test]
fn k5_a_new_version_that_fails_leaves_the_old_one_serving() {
    let home = Home::new();
    let port = free_port();
    let app = home.file("app.js", NODE);
    start(&home, &app, "web", 2, port, &[]);
    let before: Vec<_> = home.processes().iter().map(|p| p["pid"].clone()).collect();
    let load = Load::begin(port, 8, 6);
    home.file("app.js", "console.error('no such module'); process.exit(3);\n");
    let ran = home.run(&["reload", "web"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for words in ["the reload ended at web-0", "exit code 3", "no such module"] {
        assert!(ran.err.contains(words), "{words}: {ran:?}");
    }
    load.more(40);
    load.end().is_clean();
    let after: Vec<_> = home.processes().iter().map(|p| p["pid"].clone()).collect();
    assert_eq!(after, before);
}

#[test]
fn an_instance_that_hangs_keeps_nobody_waiting() {
    let home = Home::new();
    let port = free_port();
    start(&home, &home.file("app.js", NODE), "web", 2, port, &[]);
    let hanging = home.pid("web-0");
    proc::send(hanging, Signal::SIGSTOP);
    wait_until("it hangs", SOON, || proc::stat(hanging).is_some_and(|stat| stat.state == 'T'));
    let mut slowest = Duration::ZERO;
    for _ in 0..100 {
        let begun = Instant::now();
        assert_ne!(ask(port).unwrap(), hanging);
        slowest = slowest.max(begun.elapsed());
    }
    println!("the slowest of 100 took {slowest:?}");
    // A connection given to the one that hangs would wait for ever.
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    proc::send(hanging, Signal::SIGCONT);
}

#[test]
fn servers_for_python_take_the_socket_by_their_own_options() {
    let home = Home::new();
    let asgi = "import os\nasync def app(scope, receive, send):\n    \
                if scope['type'] == 'http':\n        \
                await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n        \
                await send({'type': 'http.response.body', 'body': str(os.getpid()).encode()})\n";
    home.file("asgi.py", asgi);
    let wsgi = "import os\ndef app(environ, start):\n    body = str(os.getpid()).encode()\n    \
                start('200 OK', [('Content-Length', str(len(body)))])\n    return [body]\n";
    home.file("wsgi.py", wsgi);
    let kinds: [(&str, &[&str]); 2] = [
        ("uvicorn", &["-m", "uvicorn", "--fd", "3", "asgi:app"]),
        // It looks for LISTEN_FDS by itself.
        ("gunicorn", &["-m", "gunicorn", "wsgi:app"]),
    ];
    for (name, args) in kinds.into_iter().filter(|(name, _)| has_module(name)) {
        let port = free_port();
        let number = port.to_string();
        let mut line = vec!["start", "python3", "--name", name, "-i", "2", "--port", &number, "--"];
        line.extend_from_slice(args);
        home.ok(&line);
        let answers = || {
            let reply = std::process::Command::new("curl")
                .args(["-s", &format!("http://127.0.0.1:{port}/")])
                .output();
            reply.is_ok_and(|reply| String::from_utf8_lossy(&reply.stdout).parse::<i64>().is_ok())
        };
        wait_until(&format!("{name} answers"), SOON, answers);
        home.ok(&["delete", name, "--force"]);
        assert!(TcpListener::bind(("0.0.0.0", port)).is_ok());
    }
}

#[test]
fn a_program_in_rust_takes_the_socket_by_systemds_protocol() {
    let home = Home::new();
    let source = r#"
use std::io::{Read, Write};
use std::os::fd::FromRawFd;
fn main() {
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    assert_eq!((var("LISTEN_PID"), var("LISTEN_FDS")), (std::process::id().to_string(), "1".to_owned()));
    let listener = unsafe { std::net::TcpListener::from_raw_fd(3) };
    println!("listening on {}", listener.local_addr().unwrap().port());
    for client in listener.incoming() {
        let mut client = client.unwrap();
        let _ = client.read(&mut [0; 4096]);
        let body = std::process::id().to_string();
        let _ = write!(client, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    }
}
"#;
    let (source, program) = (home.file("server.rs", source), home.work().join("server"));
    let built = std::process::Command::new("rustc")
        .args(["--edition", "2021", "-o"])
        .arg(&program)
        .arg(source)
        .status();
    assert!(built.unwrap().success());
    let port = free_port();
    start(&home, program.to_str().unwrap(), "rust", 2, port, &[]);
    assert!(pids(&home).contains(&ask(port).unwrap()));
}

#[test]
fn a_listen_mode_that_cannot_be_is_refused_with_what_can() {
    let home = Home::new();
    let script = fixture("loop.sh");
    let refused = |args: &[&str], words: &[&str]| {
        home.run(&[&["start", &script][..], args].concat()).refused(1, words);
    };
    refused(&["--listen-mode", "proxy"], &["needs the port on which clients connect"]);
    refused(&["--port", "3000", "--listen-mode", "even"], &["\"even\"", "auto, shared or proxy"]);
    refused(&["--listen-mode", "shared"], &["needs a port"]);
    refused(&["--port", "3000-3003", "--listen-mode", "shared"], &["3000-3003 are several"]);
    let foreign = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = foreign.local_addr().unwrap().port();
    let by = format!("port {taken} is used by another program (");
    refused(&["-i", "2", "--port", &taken.to_string()], &[&by]);
    let api = home.api();
    let app = json!({"script": script, "port": "3000-3001", "listen_mode": "proxy"});
    let answer = api.post("/api/v1/apps", &app);
    assert_eq!(answer.status, 422, "{answer:?}");
    assert_eq!(home.processes().len(), 0);
}
