//! A new version of processes that share a socket is asked how it is before it has any part of their
//! connections (acceptance row K5).

use serde_json::Value;

use super::shared_port::{self, Load, free_port, pids};
use super::trials::{CHECK, SOON_KNOWN, version};
use crate::support::{Home, SOON, proc, wait_until};

/// By systemd's protocol, with a thread for each connection; what its check is answered is in a file beside it.
const PYTHON: &str = r#"
import os, socket, threading
health = open(os.path.join(os.path.dirname(__file__), "health")).read().strip()
server = socket.socket(fileno=3)
print("listening on", os.environ["PORT"], flush=True)
def answer(client):
    request = b""
    while b"\r\n\r\n" not in request:
        piece = client.recv(4096)
        if not piece: return
        request += piece
    status = health if b" /health " in request.splitlines()[0] else "200"
    body = str(os.getpid())
    client.sendall(f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())
    client.close()
while True:
    client, _ = server.accept()
    threading.Thread(target=answer, args=(client,)).start()
"#;

fn check_at(url: &str) -> [&str; 6] {
    let [flag, _, rest @ ..] = CHECK;
    let [a, b, c, d] = rest;
    [flag, url, a, b, c, d]
}

/// The kinds of events of the app since its last reload began.
fn told(home: &Home) -> Vec<String> {
    let events = home.json(&["events", "web", "--json"]);
    let kinds: Vec<String> =
        events.as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
    let begin = kinds.iter().rposition(|kind| kind == "process.reloading");
    kinds[begin.unwrap_or(0)..].to_vec()
}

#[test]
fn k5_a_version_that_answers_its_check_wrongly_gets_no_connection_of_a_held_socket() {
    for url in ["http://localhost:{port}/health", "the port as a number"] {
        let home = Home::new();
        let port = free_port();
        let literal = format!("http://127.0.0.1:{port}/health");
        let check = check_at(if url.contains("{port}") { url } else { &literal });
        shared_port::start(&home, &home.file("app.js", &version(200)), "web", 2, port, &check);
        wait_until("both are well", SOON, || home.processes().iter().all(|p| p["health"] == "healthy"));
        let before = pids(&home);
        let load = Load::three_kinds(port, 2);
        home.file("app.js", &version(500));
        let ran = home.run(&["reload", "web"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.err.contains("its new run is unhealthy: answered 500"), "{url}: {ran:?}");
        assert!(ran.took < SOON_KNOWN, "{:?}", ran.took);
        load.more(20);
        let seen = load.end();
        assert_eq!((&seen.pids, &pids(&home)), (&before, &before), "no other has answered");
        seen.is_clean();
        // A good one follows, which is replaced after it was heard apart.
        home.file("app.js", &version(200));
        let load = Load::three_kinds(port, 2);
        home.ok(&["reload", "web"]);
        load.more(20);
        load.end().is_clean();
        assert!(pids(&home).is_disjoint(&before));
        let told = told(&home);
        let rehearsals = told.iter().filter(|kind| *kind == "process.rehearsing").count();
        assert!(rehearsals <= 1, "{told:?}");
        assert!(home.ok(&["events", "web"]).contains("as asked: its rehearsal is over"));
        let ports = home.json(&["ports", "--json"]);
        let ours = ports.as_array().unwrap().iter().filter(|row| row["reserved_by"][0]["id"].is_u64());
        assert!(ours.map(|row| &row["port"]).all(|number| *number == port), "{ports}");
    }
}

#[test]
fn k5_so_it_is_for_a_program_of_any_language_and_where_each_process_has_a_socket() {
    for spread in ["queue", "even"] {
        let home = Home::new();
        let port = free_port();
        home.file("health", "200");
        let script = home.file("app.py", PYTHON);
        let more = [&CHECK[..], &["--spread", spread]].concat();
        shared_port::start(&home, &script, "web", 2, port, &more);
        wait_until("both are well", SOON, || home.processes().iter().all(|p| p["health"] == "healthy"));
        let before = pids(&home);
        let load = Load::fresh(port, 2);
        home.file("health", "503");
        let ran = home.run(&["reload", "web"]);
        assert!(ran.code == 1 && ran.err.contains("unhealthy: answered 503"), "{spread}: {ran:?}");
        load.more(20);
        let seen = load.end();
        assert_eq!((&seen.pids, &pids(&home)), (&before, &before), "{spread}: no other has answered");
        seen.is_clean();
        home.file("health", "200");
        home.ok(&["reload", "web"]);
        assert!(pids(&home).is_disjoint(&before));
    }
}

#[test]
fn a_rehearsal_ends_with_its_daemon_and_the_old_run_goes_on() {
    let home = Home::new();
    let port = free_port();
    shared_port::start(&home, &home.file("app.js", &version(200)), "web", 2, port, &CHECK);
    let before = pids(&home);
    let mut reload = home.command(&["reload", "web", "--soak", "60s"]).spawn().unwrap();
    let id = home.process("web-0")["id"].clone();
    let apart = || {
        let ports = home.json(&["ports", "--json"]);
        let rows = ports.as_array().unwrap().clone();
        let mut its = rows.into_iter().filter(|row: &Value| row["reserved_by"][0]["id"] == id);
        its.find(|row| row["port"] != port && row["listeners"][0].is_object())
    };
    wait_until("it is rehearsed", SOON, || apart().is_some());
    proc::kill_hard(home.keeper_and_daemon().1);
    reload.wait().unwrap();
    wait_until("nothing is left of it", SOON, || {
        let scripts = home.living().into_iter().filter(|pid| proc::command_line(*pid).contains("app.js"));
        scripts.count() == 2 && apart().is_none()
    });
    assert_eq!(pids(&home), before);
    assert!(shared_port::ask(port).is_ok());
    home.ok(&["reload", "web"]);
    assert!(pids(&home).is_disjoint(&before));
}
