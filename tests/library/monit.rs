//! `monit`, into pipes and on a terminal.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::signal::Signal;
use nix::sys::termios::{LocalFlags, Termios, tcgetattr};

use crate::support::{Home, SOON, proc, wait_for, wait_until};

/// A command on a terminal of its own.
struct OnTerminal {
    child: Child,
    master: std::fs::File,
    slave: OwnedFd,
    shown: Arc<Mutex<Vec<u8>>>,
    before: Termios,
}

impl OnTerminal {
    fn run(home: &Home, args: &[&str]) -> OnTerminal {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(&size, None).unwrap();
        let before = tcgetattr(&slave).unwrap();
        let end = || Stdio::from(slave.try_clone().unwrap());
        let mut command = home.command(args);
        let child = command.env("TERM", "xterm").stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let master = std::fs::File::from(master);
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (mut reader, copy) = (master.try_clone().unwrap(), shown.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                copy.lock().unwrap().extend_from_slice(&bytes[..count]);
            }
        });
        OnTerminal { child, master, slave, shown, before }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    fn wait_for(&self, what: &str) {
        wait_until(&format!("{what:?} on the terminal"), SOON, || self.text().contains(what));
    }

    /// The command has ended, and the terminal is as it was before.
    fn ended_cleanly(mut self) {
        let status = wait_for("the end of monit", SOON, || self.child.try_wait().unwrap());
        assert!(status.success(), "{status}: {}", self.text());
        self.wait_for("\x1b[?1049l");
        self.wait_for("\x1b[?25h");
        let flags = LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG;
        let now = tcgetattr(&self.slave).unwrap();
        assert_eq!(now.local_flags & flags, self.before.local_flags & flags);
        assert_eq!(now.input_flags, self.before.input_flags);
        assert_eq!(now.output_flags, self.before.output_flags);
    }
}

#[test]
fn a_pipe_gets_plain_blocks_with_an_empty_line_between() {
    let home = Home::new();
    home.ok(&["start", "sleep", "--name", "web", "--", "1000"]);
    let mut child = home.command(&["monit", "--interval", "0.2"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut text = String::new();
    let mut bytes = [0; 4096];
    while text.matches("\n\nhost ").count() < 2 {
        let count = out.read(&mut bytes).unwrap();
        assert!(count > 0, "{text}");
        text.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
    }
    assert!(!text.contains('\x1b') && !text.contains('\r'), "{text:?}");
    assert!(text.starts_with("host ") && text.contains("load") && text.contains("web"), "{text}");
    // Nobody reads any more: it ends quietly.
    drop(out);
    let status = wait_for("the end of monit", SOON, || child.try_wait().unwrap());
    assert!(status.success(), "{status}");
}

#[test]
fn a_terminal_is_redrawn_in_place_and_given_back_at_q_and_ctrl_c_and_sigterm() {
    let home = Home::new();
    home.ok(&["start", "sleep", "--name", "web", "--", "1000"]);
    for end in ["q", "\x03", "SIGTERM"] {
        let terminal = OnTerminal::run(&home, &["monit", "--interval", "0.1"]);
        terminal.wait_for("\x1b[?1049h");
        terminal.wait_for("online");
        wait_until("a second frame", SOON, || terminal.text().matches("\x1b[H").count() > 2);
        match end {
            "SIGTERM" => proc::send(i64::from(terminal.child.id()), Signal::SIGTERM),
            keys => (&terminal.master).write_all(keys.as_bytes()).unwrap(),
        }
        terminal.ended_cleanly();
    }
}

#[test]
fn a_terminal_is_given_back_when_the_daemon_ends_for_good() {
    let home = Home::new();
    home.ok(&["list"]);
    let mut terminal = OnTerminal::run(&home, &["monit", "--interval", "0.1"]);
    terminal.wait_for("no processes");
    home.ok(&["kill"]);
    terminal.wait_for("has not answered");
    let bound = SOON * 2;
    let status = wait_for("the end of monit", bound, || terminal.child.try_wait().unwrap());
    assert_eq!(status.code(), Some(1));
    terminal.wait_for("the daemon has ended, so there is nothing to watch");
    let text = terminal.text();
    let (left, told) = (text.find("\x1b[?1049l").unwrap(), text.find("nothing to watch").unwrap());
    assert!(left < told, "the sentence is on the screen that stays");
}

#[test]
fn an_interval_of_nothing_is_refused() {
    let home = Home::new();
    for interval in ["0", "-1", "often"] {
        let ran = home.run(&["monit", &format!("--interval={interval}")]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
        assert!(ran.err.contains("--interval"), "{ran:?}");
    }
}
