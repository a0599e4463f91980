//! Standard input of programs: `send` and `attach` (row J29).

use std::io::{Read, Write};
use std::process::Stdio;

use nix::sys::signal::Signal;

use crate::support::home::wait_until_gone;
use crate::support::{Home, SOON, proc, wait_until};

/// Prints what it reads, and says when its input ends.
const ECHO: &str = "echo up\nwhile read -r line; do echo \"got $line\"; done\necho ended\nexec sleep 1000\n";

#[test]
fn j29_a_line_is_sent_to_a_program_that_asked_for_a_pipe() {
    let home = Home::new();
    let script = home.file("echo.sh", ECHO);
    home.ok(&["start", &script, "--name", "echo", "--stdin"]);
    home.wait_for_line("echo", "up");
    assert_eq!(home.ok(&["send", "echo", "a b"]), "Sent to echo (id 0).\n");
    home.wait_for_line("echo", "got a b");
    assert!(home.ok(&["info", "echo"]).contains("a pipe"));
    // Whoever dies: its input does not end, and it gets the next line.
    let (keeper, daemon) = home.keeper_and_daemon();
    let pid = home.pid("echo");
    proc::kill_hard(daemon);
    wait_until_gone(&[daemon]);
    wait_until("another daemon", SOON, || home.run(&["send", "0", "second"]).code == 0);
    home.wait_for_line("echo", "got second");
    proc::kill_hard(keeper);
    wait_until_gone(&[keeper]);
    wait_until("another keeper", SOON, || home.run(&["send", "echo", "third"]).code == 0);
    home.wait_for_line("echo", "got third");
    assert_eq!(home.pid("echo"), pid);
    assert!(!home.ok(&["logs", "echo", "--raw"]).contains("ended"));
    home.run(&["send", "echo", &"x".repeat(4096)]).refused(1, &["4095 bytes"]);
    // A program that did not ask for it finds the end of its input at once.
    home.ok(&["start", &script, "--name", "none"]);
    home.wait_for_line("none", "ended");
    home.run(&["send", "none", "x"]).refused(1, &["/dev/null", "--stdin"]);
    home.run(&["attach", "none"]).refused(1, &["--stdin", "logs"]);
    home.ok(&["stop", "echo"]);
    home.run(&["send", "echo", "x"]).refused(1, &["nothing of echo runs"]);
    // It is a part of the definition.
    home.ok(&["start", "echo"]);
    home.wait_for_line("echo", "up");
    home.ok(&["send", "echo", "again"]);
    home.wait_for_line("echo", "got again");
}

#[test]
fn j29_a_program_that_does_not_read_is_told_and_nothing_waits() {
    let home = Home::new();
    let file = home.file(
        "eco.json",
        r#"{"apps": [{"name": "deaf", "script": "sleep", "args": "1000", "stdin": true}]}"#,
    );
    home.ok(&["start", &file]);
    let api = home.api();
    let line = serde_json::json!({"line": "x".repeat(4000)});
    let taken = (0..100).take_while(|_| api.post("/api/v1/apps/deaf/stdin", &line).status == 200).count();
    assert!((10..100).contains(&taken), "{taken} lines fit");
    home.run(&["send", "deaf", &"x".repeat(4000)]).refused(1, &["does not read its standard input"]);
    let long = serde_json::json!({"line": "x".repeat(4096)});
    let problem = api.post("/api/v1/apps/deaf/stdin", &long).is_problem(422, "invalid_value");
    assert_eq!(problem["errors"][0]["pointer"], "/line", "{problem}");
    api.post("/api/v1/apps/deaf/input", &line).is_problem(404, "route_not_found");
}

#[test]
fn j29_attach_shows_output_and_forwards_lines() {
    let home = Home::new();
    let script = home.file("echo.sh", ECHO);
    home.ok(&["start", &script, "--name", "echo", "--stdin", "-i", "2"]);
    home.run(&["attach", "echo"]).refused(1, &["one process", "echo-0 or echo-1"]);
    home.wait_for_line("echo-1", "up");
    let mut command = home.command(&["attach", "echo-1"]);
    let mut attached =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut typing = attached.stdin.take().unwrap();
    typing.write_all(b"one\ntwo\n").unwrap();
    home.wait_for_line("echo-1", "got two");
    let (sender, lines) = std::sync::mpsc::channel();
    let mut out = attached.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let (mut all, mut chunk) = (String::new(), [0; 4096]);
        while let Ok(count @ 1..) = out.read(&mut chunk) {
            all.push_str(&String::from_utf8_lossy(&chunk[..count]));
            let _ = sender.send(all.clone());
        }
        all
    });
    while !lines.recv_timeout(SOON).expect("what it prints is shown").contains("got two") {}
    proc::send(i64::from(attached.id()), Signal::SIGINT);
    assert!(attached.wait().unwrap().success());
    assert!(reader.join().unwrap().contains("got one"));
    assert!(!home.ok(&["logs", "echo-0", "--raw"]).contains("got"));
    assert_eq!(home.process("echo-1")["status"], "online", "it goes on");
}
