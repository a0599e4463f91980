use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pmdaemon::keeper::line;
use pmdaemon::keeper::protocol::{Order, Report};

use crate::rig::{KEEPER, Rig, is_alive, until};

/// A keeper that starts its own daemon, which is a script.
struct Plain {
    dir: tempfile::TempDir,
    keeper: Child,
}

impl Plain {
    fn start(script: &str) -> Plain {
        Plain::start_with(script, &[], Stdio::null())
    }

    /// The keeper finds `line` as its descriptor 3.
    fn start_with(script: &str, args: &[&str], line: Stdio) -> Plain {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("daemon.sh");
        fs::write(&program, format!("#!/bin/sh\necho $$ >> $PMDAEMON_HOME/pids\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let keeper = Command::new("/bin/sh")
            .args(["-c", r#"exec "$0" "$@" 3<&0 0</dev/null"#, KEEPER, "keeper", "--home"])
            .arg(dir.path().join("home"))
            .args(args)
            .stdin(line)
            .env("PMDAEMON_DAEMON_EXE", &program)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Plain { dir, keeper }
    }

    fn home(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join("home").join(name)
    }

    fn daemons(&self) -> Vec<i32> {
        let text = fs::read_to_string(self.home("pids")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
        for pid in self.daemons().into_iter().filter(|pid| is_alive(*pid)) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

#[test]
fn a_daemon_that_was_killed_is_started_again() {
    let plain = Plain::start("exec sleep 1000");
    for count in 1..=3 {
        until("there is a daemon", || plain.daemons().len() == count);
        let pid = *plain.daemons().last().unwrap();
        assert!(is_alive(pid));
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    }
}

#[test]
fn when_the_daemon_that_started_the_keeper_dies_the_keeper_starts_one_itself() {
    let flags = nix::sys::socket::SockFlag::SOCK_CLOEXEC;
    let (family, kind) = (nix::sys::socket::AddressFamily::Unix, nix::sys::socket::SockType::SeqPacket);
    let (ours, theirs) = nix::sys::socket::socketpair(family, kind, None, flags).unwrap();
    let mut daemon = Command::new("sleep").arg("1000").spawn().unwrap();
    let pid = daemon.id().to_string();
    let plain = Plain::start_with("exec sleep 1000", &["--adopt-daemon", &pid], theirs.into());
    until("the keeper speaks", || line::receive::<Report>(ours.as_fd()).is_ok_and(|said| said.is_some()));
    assert!(plain.daemons().is_empty());
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    until("there is a daemon", || plain.daemons().len() == 1);
}

#[test]
fn a_daemon_finds_its_home_and_its_line_and_hears_everything_first() {
    // A JSON document in a packet: `head` takes one packet with one read.
    let plain = Plain::start(
        "readlink /proc/$$/fd/3 > $PMDAEMON_HOME/line; head -c 60000 <&3 > $PMDAEMON_HOME/hello & exec sleep 1000",
    );
    until("it has heard", || fs::read_to_string(plain.home("hello")).is_ok_and(|text| text.ends_with('}')));
    let heard: serde_json::Value = serde_json::from_slice(&fs::read(plain.home("hello")).unwrap()).unwrap();
    assert_eq!(heard["hello"]["keeper_pid"], plain.keeper.id());
    assert!(fs::read_to_string(plain.home("line")).unwrap().starts_with("socket:"));
}

#[test]
fn a_daemon_that_keeps_dying_is_started_ever_more_slowly() {
    let started = std::time::Instant::now();
    let plain = Plain::start("exit 75");
    until("there were five", || plain.daemons().len() >= 5);
    // At once, then 100, 200 and 400 ms.
    assert!(started.elapsed().as_millis() >= 700);
}

#[test]
fn without_a_daemon_to_ask_the_keeper_ends_by_itself() {
    let mut plain = Plain::start("exit 1");
    until("there was one", || !plain.daemons().is_empty());
    let mut status = None;
    until("the keeper ends", || {
        kill(Pid::from_raw(plain.keeper.id() as i32), Signal::SIGTERM).unwrap();
        status = plain.keeper.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.unwrap().code(), Some(0));
    let count = plain.daemons().len();
    assert!(plain.daemons().iter().all(|pid| !is_alive(*pid)), "{count}");
}

#[test]
fn a_home_has_one_keeper() {
    let rig = Rig::new();
    let second = Command::new(KEEPER).args(["keeper", "--home"]).arg(rig.home().path()).output().unwrap();
    assert_eq!(second.status.code(), Some(75));
    let sentence = String::from_utf8(second.stderr).unwrap();
    assert!(sentence.contains("has a keeper already"), "{sentence}");
    assert_eq!(sentence.lines().count(), 1);
}

#[test]
fn a_keeper_without_its_line_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let start = |script: &str| {
        Command::new("/bin/sh").args(["-c", script, KEEPER]).arg(Path::new(&home)).output().unwrap()
    };
    for (script, why) in [
        (r#"exec "$0" keeper --home "$1" --adopt-daemon $$ 3<&-"#, "no line was handed over"),
        (r#"exec "$0" keeper --home "$1" --adopt-daemon $$ 3</dev/null"#, "the line is not a packet socket"),
    ] {
        let output = start(script);
        assert_eq!(output.status.code(), Some(1));
        let sentence = String::from_utf8(output.stderr).unwrap();
        assert!(sentence.contains(why), "{sentence}");
    }
}

#[test]
fn the_order_to_end_is_heard_from_a_daemon_that_is_gone_already() {
    // It stops its keeper, gives more orders than are heard in one turn, the last one to end, and
    // is gone with what the keeper said unread. Somebody else lets the keeper go on.
    let plain = Plain::start(
        r#"exec python3 -c '
import os, signal, socket, time
keeper, me = os.getppid(), os.getpid()
line = socket.socket(fileno=3)
os.kill(keeper, signal.SIGSTOP)
if os.fork() == 0:
    line.close()
    while os.getppid() == me:
        time.sleep(0.005)
    os.kill(keeper, signal.SIGCONT)
    os._exit(0)
for run in range(150):
    line.send(b"{\"forget\":{\"run\":%d}}" % run)
line.send(b"\"quit\"")
'"#,
    );
    let mut plain = plain;
    let mut status = None;
    until("the keeper ends", || {
        status = plain.keeper.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.unwrap().code(), Some(0));
    assert_eq!(plain.daemons().len(), 1, "no other daemon is started");
}

#[test]
fn a_socket_is_held_for_the_next_daemon_and_comes_with_its_greeting() {
    let rig = Rig::new();
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    rig.order_with(Order::Hold { name: "tcp".into() }, socket.as_fd());
    drop(socket);
    until("it is held", || std::net::TcpStream::connect(address).is_ok());
    rig.order(Order::Release { name: "tcp".into() });
    until("it is released", || std::net::TcpStream::connect(address).is_err());
}
