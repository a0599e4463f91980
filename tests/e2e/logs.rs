//! `logs`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};

use crate::support::{Home, SOON, fixture, wait_for, wait_until};

/// A follower, and the lines that it prints as they come.
struct Following {
    child: Child,
    lines: Receiver<String>,
}

impl Following {
    fn of(home: &Home, args: &[&str]) -> Following {
        let mut child = home.command(args).stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (found, lines) = channel();
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| found.send(line)));
        Following { child, lines }
    }

    #[track_caller]
    fn next(&self) -> String {
        self.lines.recv_timeout(SOON).expect("another line")
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn logs_show_what_the_app_wrote_to_both_streams() {
    let home = Home::new();
    let script =
        home.file("two.sh", "echo to out; echo to err >&2; printf 'no newline'; while :; do sleep 1; done");
    home.ok(&["start", &script, "--interpreter", "sh"]);
    home.wait_for_line("two", "no newline");
    let all = home.ok(&["logs", "two"]);
    for line in ["two | to out", "two err| to err", "two | no newline"] {
        assert!(all.lines().any(|shown| shown == line), "{line:?} is not in {all}");
    }
    assert_eq!(home.ok(&["logs", "two", "--err", "--raw"]), "to err\n");
    assert_eq!(home.ok(&["logs", "two", "--out", "--raw", "--lines", "1"]), "no newline");
    for line in home.ok(&["logs", "two", "--json"]).lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(record["name"], "two", "{record}");
    }
}

#[test]
fn a_follower_gets_new_lines_and_ends_when_the_app_is_deleted() {
    let home = Home::new();
    let bell = home.file("bell", "");
    let script = home.file("on.sh", &format!("exec tail -n +1 -f {bell}"));
    home.ok(&["start", &script, "--interpreter", "sh"]);
    std::fs::write(&bell, "first\n").unwrap();
    home.wait_for_line("on", "first");
    let mut following = Following::of(&home, &["logs", "on", "--follow", "--raw"]);
    assert_eq!(following.next(), "first");
    for word in ["second", "third"] {
        use std::io::Write;
        let mut file = std::fs::OpenOptions::new().append(true).open(&bell).unwrap();
        writeln!(file, "{word}").unwrap();
        assert_eq!(following.next(), word);
    }
    home.ok(&["delete", "on"]);
    let status = wait_for("the end of the follower", SOON, || following.child.try_wait().unwrap());
    assert!(status.success(), "{status:?}");
}

#[test]
fn a_follower_whose_reader_goes_away_ends_quietly() {
    let home = Home::new();
    home.ok(&["start", &fixture("chatter.py")]);
    let mut child = home
        .command(&["logs", "chatter", "--follow"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("line"), "{line}");
    let status = wait_for("the end of the follower", SOON, || child.try_wait().unwrap());
    let mut err = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut err).unwrap();
    assert_eq!((status.code(), err.as_str()), (Some(0), ""));
}

#[test]
fn a_follower_goes_on_when_the_daemon_is_replaced() {
    let home = Home::new();
    home.ok(&["start", &fixture("chatter.py")]);
    let following = Following::of(&home, &["logs", "chatter", "--follow", "--raw", "--lines", "1"]);
    following.next();
    let (_, daemon) = home.keeper_and_daemon();
    crate::support::proc::kill_hard(daemon);
    wait_until("a new daemon", SOON, || home.keeper_and_daemon().1 != daemon);
    let number = |line: &str| line.trim_start_matches("line ").parse::<u64>().ok();
    let now = home.ok(&["logs", "chatter", "--raw", "--lines", "1"]);
    let now = number(now.trim()).unwrap();
    wait_for("a line from after the daemon's end", SOON, || {
        number(&following.next()).filter(|number| *number > now)
    });
}
