//! `list`.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use crate::support::{Home, SOON, fixture, proc, wait_for};

#[test]
fn list_shows_true_pid_cpu_memory_and_uptime() {
    let home = Home::new();
    let script = home.file("busy.js", "for (;;) {}");
    home.ok(&["start", &script]);
    home.ok(&["start", &fixture("server.js"), "--name", "idle"]);
    let (busy, idle) = wait_for("figures of both", SOON, || {
        let (busy, idle) = (home.process("busy"), home.process("idle"));
        let known = idle["memory_bytes"].is_i64() && busy["cpu_percent"].as_f64()? > 5.0;
        known.then_some((busy, idle))
    });
    assert!(busy["cpu_percent"].as_f64() > idle["cpu_percent"].as_f64(), "{busy} {idle}");
    let pid = idle["pid"].as_i64().unwrap();
    assert!(proc::command_line(pid).contains("server.js"));
    wait_for("the memory that /proc shows", SOON, || {
        let shown = home.process("idle")["memory_bytes"].as_i64()? as f64;
        let real = proc::resident(pid)? as f64;
        ((shown - real).abs() / real < 0.2).then_some(())
    });
    let begun: jiff::Timestamp = idle["started_at"].as_str().unwrap().parse().unwrap();
    let age = jiff::Timestamp::now().as_millisecond() - begun.as_millisecond();
    // The list that is given out first may have been made before the age was taken.
    let shown = wait_for("its age", SOON, || {
        home.process("idle")["uptime_ms"].as_i64().filter(|shown| *shown >= age)
    });
    assert!(shown < age + 5_000, "{shown} is not {age}");
}

#[test]
fn a_table_in_a_pipe_is_plain() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh")]);
    let out = home.ok(&["list"]);
    let pid = home.pid("loop").to_string();
    assert!(!out.contains('\u{1b}'), "{out:?}");
    let row: Vec<&str> = out.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(&row[..4], ["0", "loop", "online", &pid], "{out}");
}

#[test]
fn no_color_is_heard_on_a_terminal() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh")]);
    for (value, coloured) in [(None, true), (Some("1"), false)] {
        // script(1) gives the command a terminal.
        let mut command = std::process::Command::new("script");
        command.args(["-qec", &format!("{} list", crate::support::home::PROGRAM), "/dev/null"]);
        command.env_remove("NO_COLOR").env("PMDAEMON_HOME", home.path()).env("TERM", "xterm");
        if let Some(value) = value {
            command.env("NO_COLOR", value);
        }
        let ran = crate::support::home::ran(command.stdin(Stdio::null()));
        assert!(ran.out.contains("loop"), "{ran:?}");
        assert_eq!(ran.out.contains("\u{1b}["), coloured, "NO_COLOR {value:?}: {ran:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--instances", "3"]);
    for args in [vec!["list"], vec!["list", "--json"], vec!["events"], vec!["status"]] {
        let mut child = home.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Closed before anything can be written.
        drop(child.stdout.take());
        let status = child.wait().unwrap();
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!((err.as_str(), status.success()), ("", true), "{args:?}: {status:?}");
    }
    let mut child = home.command(&["list"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("id"), "{line}");
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_empty_list_says_so() {
    let home = Home::new();
    assert_eq!(home.ok(&["list"]), "no processes\n");
    assert_eq!(home.ok(&["list", "--json"]).trim(), "[]");
}
