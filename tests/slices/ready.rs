//! `--ready`, `--listen-timeout`, `--shutdown-with-message`, `--wait-ready`: acceptance rows B12, K2,
//! K3, K8, J18, J19. Programs that keep to systemd's and Node's protocols by hand, and Node itself.

use std::net::TcpListener;
use std::time::Duration;

use crate::support::home::{Ran, wait_until_gone};
use crate::support::{Home, SOON, proc, wait_until};

/// Says to its notify socket what lies in the file `say`, each time there is one.
const NOTIFIER: &str = r#"
import os, socket, time
address = os.environ["NOTIFY_SOCKET"]
if address[0] == "@": address = "\0" + address[1:]
print("I am here", flush=True)
while True:
    try:
        text = open("say", "rb").read()
        os.unlink("say")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s: s.sendto(text, address)
        print("said", text, flush=True)
    except FileNotFoundError: pass
    time.sleep(0.02)
"#;

/// Sends `"ready"` once the file `go` is there, exits when asked by message, and tells what it hears.
const NODE: &str = r#"
const fs = require('fs');
process.on('message', m => { console.log('heard', JSON.stringify(m)); if (m === 'shutdown') process.exit(0); });
process.on('disconnect', () => console.log('disconnected'));
process.on('SIGTERM', () => { console.log('got SIGTERM'); process.exit(0); });
console.log('I am here');
let sent = false;
setInterval(() => { if (!sent && fs.existsSync('go')) { sent = true; process.send('ready'); fs.writeFileSync('sent', ''); } }, 20);
"#;

/// Writes what it is given in `say` to its channel, and prints what comes.
const SPEAKER: &str = r#"
import json, os, socket, time
channel = socket.socket(fileno=int(os.environ["NODE_CHANNEL_FD"]))
assert os.environ["NODE_CHANNEL_SERIALIZATION_MODE"] == "json"
print("I am here", flush=True)
channel.settimeout(0.02)
while True:
    try:
        text = open("say", "rb").read()
        os.unlink("say")
        channel.settimeout(None)
        channel.sendall(text)
        channel.settimeout(0.02)
        print("said", len(text), flush=True)
    except FileNotFoundError: pass
    try:
        for line in channel.recv(65536).splitlines():
            print("heard", line, flush=True)
            if json.loads(line) == "shutdown": raise SystemExit(0)
    except TimeoutError: pass
"#;

const IDLE: &str = "echo \"I do nothing\"\nwhile true; do sleep 0.2; done\n";

fn port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

/// Gives the program something to say, whole.
fn say(home: &Home, text: &str) {
    let draft = home.file("draft", text);
    std::fs::rename(draft, home.work().join("say")).unwrap();
}

fn status(home: &Home, name: &str) -> String {
    home.process(name)["status"].as_str().expect("a status").to_owned()
}

fn becomes(home: &Home, name: &str, wanted: &str) {
    wait_until(&format!("{name} is {wanted}"), SOON, || status(home, name) == wanted);
}

fn events(home: &Home, kind: &str) -> Vec<String> {
    let all = home.json(&["events", "--lines", "1000", "--json"]);
    let of_kind = all.as_array().expect("an array").iter().filter(|event| event["type"] == kind);
    of_kind.map(|event| event["detail"].as_str().unwrap_or_default().to_owned()).collect()
}

fn fails(ran: &Ran, parts: &[&str]) {
    assert_eq!(ran.code, 1, "{ran:?}");
    for part in parts {
        assert!(ran.err.contains(part), "{part}: {ran:?}");
    }
}

/// Kills the daemon and waits for the next one.
fn kill_daemon(home: &Home) {
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until_gone(&[daemon]);
    wait_until("there is another daemon", SOON, || home.run(&["list"]).code == 0);
}

/// Kills the keeper and waits for the next one.
fn kill_keeper(home: &Home) {
    let (keeper, _) = home.keeper_and_daemon();
    proc::kill_hard(keeper);
    wait_until("there is another keeper", SOON, || {
        let ran = home.run(&["status", "--json"]);
        let status: serde_json::Value = serde_json::from_str(&ran.out).unwrap_or_default();
        status["daemon"]["keeper_pid"].as_i64().is_some_and(|pid| pid != keeper)
    });
}

/// Kills both, the daemon first, so that nobody starts the other one again.
fn kill_both(home: &Home) {
    let (keeper, daemon) = home.keeper_and_daemon();
    proc::send(daemon, nix::sys::signal::Signal::SIGSTOP);
    proc::kill_hard(keeper);
    proc::kill_hard(daemon);
    wait_until_gone(&[keeper, daemon]);
    home.ok(&["list"]);
}

#[test]
fn k8_an_app_is_starting_until_it_notifies_and_info_shows_what_it_says() {
    let home = Home::new();
    home.file("app.py", NOTIFIER);
    let out = home.ok(&["start", "app.py", "--ready", "notify", "--min-uptime", "10ms"]);
    assert!(out.contains("starting"), "{out}");
    home.wait_for_line("app", "I am here");
    say(&home, "STATUS=warming up");
    wait_until("its words are shown", SOON, || home.process("app")["status_text"] == "warming up");
    assert_eq!(status(&home, "app"), "starting");
    say(&home, "STATUS=serving\nREADY=1");
    becomes(&home, "app", "online");
    let info = home.ok(&["info", "app"]);
    for part in ["ready by", "notify, within 1m", "ready after", "says", "serving", "app is ready after"] {
        assert!(info.contains(part), "{part}: {info}");
    }
    assert!(home.process("app")["ready_ms"].as_i64().is_some_and(|ms| ms > 0));
    assert_eq!(events(&home, "process.ready").len(), 1);
}

#[test]
fn b12_a_start_that_waits_returns_when_the_app_notifies_also_without_being_told_to_await_it() {
    let home = Home::new();
    home.file("app.py", NOTIFIER);
    say(&home, "READY=1");
    // Otherwise it would be ready after a minute.
    let ran = home.run(&["start", "app.py", "--min-uptime", "1m", "--wait-timeout", "20s"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(home.json(&["info", "app", "--json"])["ready"], "auto");
}

#[test]
fn ready_is_heard_whoever_was_killed_before_it_was_said_and_who_is_ready_stays_so() {
    let home = Home::new();
    home.file("app.py", NOTIFIER);
    for kill in [kill_daemon, kill_keeper, kill_both] {
        home.ok(&["start", "app.py", "--ready", "notify"]);
        home.wait_for_line("app", "I am here");
        let pid = home.pid("app");
        kill(&home);
        assert_eq!(status(&home, "app"), "starting");
        say(&home, "READY=1");
        becomes(&home, "app", "online");
        kill(&home);
        assert_eq!((status(&home, "app").as_str(), home.pid("app")), ("online", pid));
        home.ok(&["delete", "app", "--force"]);
    }
}

#[test]
fn a_run_that_said_ready_while_there_was_no_daemon_is_ready_for_the_next_one() {
    let home = Home::new();
    home.file("app.py", NOTIFIER);
    home.ok(&["start", "app.py", "--ready", "notify"]);
    home.wait_for_line("app", "I am here");
    let (_, daemon) = home.keeper_and_daemon();
    // A daemon that does nothing is as good as none, and is not replaced.
    proc::send(daemon, nix::sys::signal::Signal::SIGSTOP);
    say(&home, "READY=1");
    wait_until("it was said", SOON, || !home.work().join("say").exists());
    proc::kill_hard(daemon);
    wait_until_gone(&[daemon]);
    becomes(&home, "app", "online");
}

#[test]
fn j18_a_node_app_is_ready_by_its_message() {
    let home = Home::new();
    home.file("app.js", NODE);
    home.ok(&["start", "app.js", "--ready", "message"]);
    home.wait_for_line("app", "I am here");
    assert_eq!(status(&home, "app"), "starting");
    home.file("go", "");
    becomes(&home, "app", "online");
    // And a start that waits returns then.
    let ran = home.run(&["start", "app.js", "--name", "other", "--ready", "message", "--wait-ready"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn j18_no_message_in_time_is_a_failed_start_and_shown_as_such() {
    let home = Home::new();
    home.file("app.js", NODE);
    let more = ["--ready", "message", "--listen-timeout", "3s", "--no-autorestart"];
    let ran = home.run(&[&["start", "app.js", "--wait-ready"][..], &more].concat());
    fails(&ran, &["it was not ready within 3 s", "\"ready\" on its IPC channel", "I am here"]);
    assert!(ran.took < Duration::from_secs(8), "{ran:?}");
    becomes(&home, "app", "errored");
    let reason = home.process("app")["reason"].clone();
    assert_eq!(reason, "was not ready within 3 s and is not restarted automatically");
    assert_eq!(events(&home, "process.not_ready"), ["app was not ready within 3 s and is ended"]);
    let why = home.ok(&["why", "app"]);
    assert!(why.contains("because       app was not ready within 3 s and is ended"), "{why}");
}

#[test]
fn k8_starts_that_fail_count_and_are_given_up_at_the_limit_however_long_they_last() {
    let home = Home::new();
    home.file("idle.sh", IDLE);
    let more =
        ["--ready", "notify", "--listen-timeout", "1500ms", "--min-uptime", "10ms", "--max-restarts", "2"];
    let ran = home.run(&[&["start", "idle.sh", "--wait-ready"][..], &more].concat());
    fails(&ran, &["it was not ready within 1500 ms", "READY=1", "I do nothing"]);
    becomes(&home, "idle", "errored");
    let reason = home.process("idle")["reason"].clone();
    assert_eq!(reason, "given up after 2 unstable runs in a row; the last was not ready within 1500 ms");
}

#[test]
fn any_program_may_use_the_channel_and_hears_that_it_is_to_end() {
    let home = Home::new();
    home.file("app.py", SPEAKER);
    home.ok(&["start", "app.py", "--ready", "message", "--shutdown-with-message"]);
    home.wait_for_line("app", "I am here");
    say(&home, "{\"cmd\":\"NODE_SOMETHING\"}\n{\"type\":\"axm:monitor\"}\nnonsense\n\"rea");
    home.wait_for_line("app", "said");
    assert_eq!(status(&home, "app"), "starting");
    say(&home, "dy\"\n");
    becomes(&home, "app", "online");
    let info = home.ok(&["info", "app"]);
    assert!(info.contains("by the message \"shutdown\""), "{info}");
    home.ok(&["stop", "app"]);
    home.wait_for_line("app", "heard b'\"shutdown\"'");
    assert_eq!(home.process("app")["last_exit"]["code"], 0);
}

#[test]
fn j19_node_is_asked_by_message_and_what_it_has_started_by_the_signal() {
    let home = Home::new();
    let child = "require('child_process').spawn('sh', ['child.sh'], {stdio: 'inherit', detached: true});\n";
    home.file("app.js", &format!("{NODE}{child}"));
    home.file(
        "child.sh",
        "trap 'echo child got SIGTERM; exit 0' TERM\necho child here\nwhile true; do sleep 0.1; done\n",
    );
    home.ok(&["start", "app.js", "--shutdown-with-message", "--kill-timeout", "20s"]);
    home.wait_for_line("app", "child here");
    let ran = home.run(&["stop", "app"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let log = home.ok(&["logs", "app", "--raw", "--lines", "100"]);
    assert!(log.contains("heard \"shutdown\"") && log.contains("child got SIGTERM"), "{log}");
    assert!(!log.lines().any(|line| line == "got SIGTERM"), "{log}");
    assert_eq!(events(&home, "process.killed"), [] as [&str; 0]);
}

#[test]
fn j19_without_a_channel_it_is_the_signal_and_who_does_not_listen_is_killed_in_time() {
    let home = Home::new();
    home.file(
        "closes.sh",
        "exec 8<&- 8>&-\ntrap 'echo got SIGTERM; exit 0' TERM\necho here\nwhile true; do sleep 0.1; done\n",
    );
    home.ok(&["start", "closes.sh", "--shutdown-with-message", "--kill-timeout", "20s"]);
    home.wait_for_line("closes", "here");
    home.ok(&["stop", "closes"]);
    home.wait_for_line("closes", "got SIGTERM");
    home.file("deaf.sh", "trap 'echo got SIGTERM; exit 0' TERM\necho here\nwhile true; do sleep 0.1; done\n");
    home.ok(&["start", "deaf.sh", "--shutdown-with-message", "--kill-timeout", "300ms"]);
    home.wait_for_line("deaf", "here");
    home.ok(&["stop", "deaf"]);
    assert_eq!(home.process("deaf")["last_exit"]["signal"], "SIGKILL");
}

#[test]
fn k2_a_channel_survives_the_death_of_the_keeper_with_what_is_in_it() {
    let home = Home::new();
    home.file("app.js", NODE);
    home.ok(&["start", "app.js", "--ready", "message", "--shutdown-with-message"]);
    home.wait_for_line("app", "I am here");
    let pid = home.pid("app");
    // Said while there is no keeper at all.
    let (keeper, daemon) = home.keeper_and_daemon();
    proc::send(daemon, nix::sys::signal::Signal::SIGSTOP);
    proc::kill_hard(keeper);
    wait_until_gone(&[keeper]);
    home.file("go", "");
    wait_until("it was said", SOON, || home.work().join("sent").exists());
    proc::send(daemon, nix::sys::signal::Signal::SIGCONT);
    becomes(&home, "app", "online");
    kill_both(&home);
    assert_eq!((status(&home, "app").as_str(), home.pid("app")), ("online", pid));
    assert!(!home.ok(&["info", "app"]).contains("ipc channel"));
    home.ok(&["stop", "app"]);
    let log = home.ok(&["logs", "app", "--raw", "--lines", "100"]);
    assert!(log.contains("heard \"shutdown\"") && !log.contains("disconnected"), "{log}");
}

#[test]
fn k3_a_channel_that_cannot_be_taken_back_is_told_and_stop_uses_the_signal() {
    let home = Home::new();
    // It gives up the spare of the keeper's end, so the next keeper finds none.
    home.file(
        "app.sh",
        "exec 9<&- 9>&-\ntrap 'echo got SIGTERM; exit 0' TERM\necho here\nwhile true; do sleep 0.1; done\n",
    );
    home.ok(&["start", "app.sh", "--shutdown-with-message"]);
    home.wait_for_line("app", "here");
    kill_keeper(&home);
    wait_until("that is told", SOON, || home.process("app")["channel_lost"].is_string());
    assert!(home.ok(&["info", "app"]).contains("stop uses the signal"));
    kill_daemon(&home);
    assert!(home.process("app")["channel_lost"].is_string(), "the next daemon knows it, too");
    home.ok(&["stop", "app"]);
    home.wait_for_line("app", "got SIGTERM");
}

#[test]
fn a_flood_of_messages_is_cut_off_and_counted_and_costs_the_keeper_no_memory() {
    let home = Home::new();
    home.file("app.py", SPEAKER);
    home.ok(&["start", "app.py", "--ready", "message"]);
    home.wait_for_line("app", "I am here");
    let (keeper, _) = home.keeper_and_daemon();
    let before = proc::resident(keeper).unwrap();
    let flood =
        format!("{}\"{}\"\n\"ready\"\n", "{\"type\":\"flood\"}\n".repeat(500_000), "x".repeat(1 << 20));
    say(&home, &flood);
    becomes(&home, "app", "online");
    let grown = proc::resident(keeper).unwrap() - before;
    assert!(grown < 4 << 20, "the keeper has grown by {grown} bytes");
    wait_until("it is told", SOON, || home.daemon_log().contains("of its messages were dropped"));
}

#[test]
fn an_app_is_ready_by_a_line_of_this_run_on_either_output() {
    let home = Home::new();
    home.file(
        "app.sh",
        "echo begin\nuntil [ -e go ]; do sleep 0.02; done\nrm go\necho 'Listening on 80' >&2\nsleep 1000\n",
    );
    home.ok(&["start", "app.sh", "--ready", "log:(?i)listening on [0-9]+"]);
    home.wait_for_line("app", "begin");
    assert_eq!(status(&home, "app"), "starting");
    home.file("go", "");
    becomes(&home, "app", "online");
    kill_daemon(&home);
    assert_eq!(status(&home, "app"), "online");
    // The line of the run before is not the next one's.
    home.ok(&["restart", "app"]);
    home.wait_for_line("app", "begin");
    assert_eq!(status(&home, "app"), "starting");
    kill_daemon(&home);
    assert_eq!(status(&home, "app"), "starting");
    home.file("go", "");
    becomes(&home, "app", "online");
}

#[test]
fn an_app_is_ready_when_its_port_accepts() {
    let home = Home::new();
    home.file("web.py", "import http.server, os, time\nwhile not os.path.exists('go'): time.sleep(0.02)\nhttp.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), http.server.SimpleHTTPRequestHandler).serve_forever()\n");
    home.ok(&["start", "web.py", "--ready", "port", "--port", &port(), "--min-uptime", "10ms"]);
    let ran = home.run(&["start", "web", "--wait-timeout", "700ms"]);
    fails(&ran, &["its port does not accept connections", "left running"]);
    assert_eq!(status(&home, "web"), "starting");
    home.file("go", "");
    let ran = home.run(&["start", "web", "--wait-timeout", "20s"]);
    assert_eq!((ran.code, status(&home, "web").as_str()), (0, "online"), "{ran:?}");
}

#[test]
fn the_answer_of_somebody_else_on_its_port_is_no_sign() {
    let home = Home::new();
    home.file("web.py", "import http.server, os, time\nwhile not os.path.exists('go'): time.sleep(0.02)\nhttp.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), http.server.SimpleHTTPRequestHandler).serve_forever()\n");
    let port = port();
    home.ok(&["start", "web.py", "--ready", "port", "--port", &port, "--min-uptime", "10ms"]);
    // We were there before it.
    let quicker = std::net::TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
    for _ in 0..2 {
        quicker.accept().unwrap();
    }
    assert_eq!(status(&home, "web"), "starting", "it was asked, and asked again");
    drop(quicker);
    home.file("go", "");
    let ran = home.run(&["start", "web", "--wait-timeout", "20s"]);
    assert_eq!((ran.code, status(&home, "web").as_str()), (0, "online"), "{ran:?}");
}

#[test]
fn b12_restart_waits_and_several_are_waited_for_at_once() {
    let home = Home::new();
    home.file("app.py", NOTIFIER);
    home.file("good.sh", "echo good\nsleep 1000\n");
    home.file("bad.sh", "echo bad\nsleep 1000\n");
    let more = ["--ready", "log:^good$", "--wait-timeout", "2s"];
    let ran = home.run(&[&["start", "bad.sh", "good.sh"][..], &more].concat());
    fails(
        &ran,
        &["bad (id", "2.0 s have passed", "it has not printed a line that matches ^good$", "\n  bad"],
    );
    assert!(ran.out.contains("Started good"), "{ran:?}");
    assert!(ran.took < Duration::from_secs(6), "{ran:?}");
    let ran = home.run(&["restart", "good", "--wait-ready"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(home.process("good")["restarts"], 1);
    let ran = home.run(&["restart", "bad", "good", "--wait-timeout", "1s", "--json"]);
    fails(&ran, &["bad (id", "\n  bad"]);
    assert!(ran.out.contains("\"good\""), "{ran:?}");
    home.run(&["restart", "all", "--wait-ready"]).refused(1, &["--wait-ready is for one app at a time"]);
}

#[test]
fn a_reload_goes_on_when_the_new_run_is_ready_and_fails_when_it_is_late() {
    let home = Home::new();
    home.file("app.sh", "until [ -e go ]; do sleep 0.02; done\necho up\nsleep 1000\n");
    home.file("go", "");
    let more = ["--ready", "log:^up$", "--listen-timeout", "1s", "--instances", "2", "--wait-ready"];
    let ran = home.run(&[&["start", "app.sh"][..], &more].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let (first, second) = (home.pid("app-0"), home.pid("app-1"));
    home.ok(&["reload", "app"]);
    let (third, fourth) = (home.pid("app-0"), home.pid("app-1"));
    assert!(first != third && second != fourth);
    std::fs::remove_file(home.work().join("go")).unwrap();
    let ran = home.run(&["reload", "app"]);
    fails(
        &ran,
        &["the reload ended at app-0", "its new run was not ready within 1 s", "not reloaded: app-1"],
    );
    assert_eq!((home.pid("app-1"), status(&home, "app-1").as_str()), (fourth, "online"));
}

#[test]
fn what_cannot_be_awaited_is_refused_and_leaves_nothing() {
    let home = Home::new();
    home.file("idle.sh", IDLE);
    home.ok(&["list"]);
    let refused = |more: &[&str], part: &str| {
        let ran = home.run(&[&["start", "idle.sh"][..], more].concat());
        fails(&ran, &[part]);
    };
    refused(&["--ready", "soon"], "auto, notify, message, port and log:REGEX are");
    refused(&["--ready", "log:"], "needs a pattern");
    refused(&["--ready", "log:(up"], "is no regular expression: unclosed group");
    refused(&["--ready", &format!("log:{}", "x".repeat(513))], "at most 512");
    refused(&["--ready", "port"], "needs a port to connect to");
    refused(&["--listen-timeout", "3s"], "add --ready");
    assert_eq!(home.ok(&["list"]), "no processes\n");
}

/// Prints its open descriptors and its environment.
const OPEN: &str = r#"#!/usr/bin/env python3
import json, os, time
def is_open(fd):
    try: os.fstat(fd); return True
    except OSError: return False
print("found " + json.dumps({"open": [fd for fd in range(1024) if is_open(fd)], "env": dict(os.environ)}), flush=True)
time.sleep(1000)
"#;

#[test]
fn a_child_has_the_descriptors_that_it_was_given_and_nothing_of_ours_in_its_environment() {
    let home = Home::new();
    let found = |name: &str| -> serde_json::Value {
        let line = home.wait_for_line(name, "found ");
        serde_json::from_str(line.split_once("found ").unwrap().1).unwrap()
    };
    home.file("plain.py", OPEN);
    // By its name it is node.
    let node = home.file("node", OPEN);
    std::process::Command::new("chmod").args(["+x", &node]).status().unwrap();
    let start = |args: &[&str]| {
        let mut command = home.command(&[&["start"][..], args].concat());
        // As somebody has it who was started by systemd, or by another manager.
        command
            .env("NOTIFY_SOCKET", "/run/systemd/notify")
            .env("WATCHDOG_USEC", "1")
            .env("NODE_CHANNEL_FD", "3");
        command.env("PMDAEMON_SECRET", "mine");
        let ran = crate::support::home::ran(&mut command);
        assert_eq!(ran.code, 0, "{ran:?}");
    };
    start(&["plain.py", "--ready", "port", "--port", &port()]);
    start(&["./node"]);
    let (plain, node) = (found("plain"), found("node"));
    assert_eq!(plain["open"], serde_json::json!([0, 1, 2]));
    assert_eq!(node["open"], serde_json::json!([0, 1, 2, 8, 9]));
    for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "NODE_CHANNEL_FD", "NODE_CHANNEL_SERIALIZATION_MODE"] {
        assert!(plain["env"][name].is_null(), "{name}: {plain}");
    }
    assert_eq!(
        (&node["env"]["NODE_CHANNEL_FD"], &node["env"]["WATCHDOG_USEC"]),
        (&"8".into(), &serde_json::Value::Null)
    );
    let socket = node["env"]["NOTIFY_SOCKET"].as_str().unwrap();
    assert!(socket.starts_with("@pmdaemon/"), "{socket}");
    let token = home.ok(&["token"]);
    for found in [&plain, &node] {
        let env = found["env"].as_object().unwrap();
        let ours: Vec<&String> = env.keys().filter(|name| name.starts_with("PMDAEMON_")).collect();
        assert_eq!(ours, ["PMDAEMON_RUN"], "{found}");
        assert!(!found.to_string().contains(token.trim()));
    }
}

#[test]
fn node_ends_by_itself_when_it_has_nothing_to_do_though_it_has_a_channel_that_nobody_reads() {
    let home = Home::new();
    home.file("job.js", "process.send({many: 'x'.repeat(1000)}); console.log('done');\n");
    home.ok(&["start", "job.js", "--no-autorestart"]);
    becomes(&home, "job", "stopped");
    assert_eq!(home.process("job")["last_exit"]["code"], 0);
    assert!(home.ok(&["logs", "job", "--raw"]).contains("done"));
}

#[test]
fn b12_a_start_with_a_health_check_waits_for_that_and_fails_in_time_with_the_last_lines() {
    let home = Home::new();
    home.file("api.js", "const up = process.argv[2] === 'up';\nrequire('http').createServer((q, a) => { a.writeHead(up ? 200 : 503); a.end(); }).listen(process.env.PORT, () => console.log('listening'));\n");
    let start = |name: &str, port: &str, mode: &str| {
        let check =
            ["--health-check-url", "http://localhost:${PORT}/health", "--wait-ready", "--wait-timeout", "5s"];
        let app = ["start", "api.js", "--name", name, "--port", port];
        home.run(&[&app[..], &check, &["--", mode]].concat())
    };
    let ran = start("good", &port(), "up");
    assert_eq!((ran.code, status(&home, "good").as_str()), (0, "online"), "{ran:?}");
    let ran = start("bad", &port(), "down");
    fails(&ran, &["bad (id", "answered 503", "\n  listening"]);
    assert!(ran.took < Duration::from_secs(6), "{ran:?}");
    // Neither a message nor READY=1 makes healthy what is not.
    assert_eq!(status(&home, "bad"), "starting");
}

#[test]
fn a_run_of_another_user_notifies_by_an_abstract_name_and_nobody_else_does() {
    if !nix::unistd::geteuid().is_root() || !std::path::Path::new("/usr/bin/python3").exists() {
        return;
    }
    let home = Home::new();
    home.file("app.py", NOTIFIER);
    // It must reach its script, and remove what it has read.
    std::process::Command::new("chmod").arg("755").arg(home.mark()).arg(home.work()).status().unwrap();
    std::process::Command::new("chown").args(["-R", "nobody"]).arg(home.work()).status().unwrap();
    home.ok(&[
        "start",
        "app.py",
        "--interpreter",
        "/usr/bin/python3",
        "--uid",
        "nobody",
        "--ready",
        "notify",
    ]);
    home.wait_for_line("app", "I am here");
    let environment = std::fs::read_to_string(format!("/proc/{}/environ", home.pid("app"))).unwrap();
    let address = environment.split('\0').find_map(|pair| pair.strip_prefix("NOTIFY_SOCKET=@")).unwrap();
    // A third user knows the name, too.
    let forged = "import os, socket, sys\nos.setuid(65533)\nsocket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'STATUS=forged\\nREADY=1', '\\0' + sys.argv[1])\n";
    let done = std::process::Command::new("/usr/bin/python3").args(["-c", forged, address]).status().unwrap();
    assert!(done.success());
    say(&home, "STATUS=genuine");
    wait_until("it is heard", SOON, || home.process("app")["status_text"].is_string());
    assert_eq!(
        (home.process("app")["status_text"].as_str(), status(&home, "app").as_str()),
        (Some("genuine"), "starting")
    );
    say(&home, "READY=1");
    becomes(&home, "app", "online");
}

#[test]
fn j18_over_the_compatible_routes_wait_ready_means_what_it_says() {
    let home = Home::new();
    home.file("app.js", NODE);
    let app = serde_json::json!({ "script": "app.js", "cwd": home.work().display().to_string(), "autorestart": false,
        "wait_ready": true, "listen_timeout": 900, "shutdown_with_message": true });
    let answer = home.api().post("/api/processes", &app);
    assert_eq!(answer.status.as_u16(), 201, "{answer:?}");
    let env = &home.api().get("/api/processes")[0]["pm2_env"];
    assert_eq!((&env["wait_ready"], &env["listen_timeout"]), (&true.into(), &900.into()), "{env}");
    becomes(&home, "app", "errored");
    assert_eq!(events(&home, "process.not_ready").len(), 1);
}
