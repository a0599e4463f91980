//! `pmdaemon runtime`, alias `pm2-runtime` (row J32): in the foreground, as in a container.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::Signal;

use crate::support::home::{PROGRAM, ran, wait_until_gone};
use crate::support::{Home, SOON, proc, wait_for, wait_until};

/// One that runs, and what it has printed.
struct Foreground {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Foreground {
    fn start(mut command: Command) -> Foreground {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Foreground { child, out }
    }

    /// Waits for a line on stdout that has this.
    #[track_caller]
    fn line(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.out.read_line(&mut line).unwrap();
            assert_ne!(read, 0, "it ended before it printed {text:?}: {}", self.err());
            if line.contains(text) {
                return line;
            }
        }
    }

    fn err(&mut self) -> String {
        let mut text = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    fn send(&self, signal: Signal) {
        proc::send(i64::from(self.child.id()), signal);
    }

    /// Waits for its end: exit code, what was left on stdout, stderr.
    fn end(mut self) -> (Option<i32>, String, String) {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        let err = self.err();
        (self.child.wait().unwrap().code(), rest, err)
    }
}

/// The same program under another name.
fn named(home: &Home, name: &str, args: &[&str]) -> Command {
    let link = home.work().join(name);
    let _ = std::os::unix::fs::symlink(PROGRAM, &link);
    let own = home.command(args);
    let mut command = Command::new(link);
    command.args(args).current_dir(home.work()).env_clear().stdin(Stdio::null());
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

#[test]
fn j32_it_prints_what_the_app_writes_and_ends_with_its_exit_code() {
    let home = Home::new();
    let script = home.file("fails.sh", "echo to out\necho to err >&2\nexit 7\n");
    for mut command in [
        home.command(&["runtime", &script, "--no-autorestart"]),
        named(&home, "pm2-runtime", &["start", &script, "--no-autorestart", "-f"]),
        home.command(&["start", &script, "--no-autorestart", "-f", "--no-daemon"]),
    ] {
        let ran = ran(&mut command);
        assert_eq!(ran.code, 7, "{ran:?}");
        assert_eq!(ran.out, "to out\n", "nothing else is on stdout: {ran:?}");
        assert!(ran.err.starts_with("to err\n") || ran.err.ends_with("to err\n"), "{ran:?}");
        assert_eq!(home.living(), [] as [i64; 0]);
    }
    let crash = home.file("crash.sh", "kill -SEGV $$\n");
    let code = |args: &[&str]| ran(&mut home.command(&[&["runtime"], args].concat())).code;
    assert_eq!(code(&[&crash, "--max-restarts", "2"]), 128 + 11);
    home.ok(&["delete", "all", "--force"]);
    home.ok(&["kill"]);
    let done = home.file("done.sh", "exit 0\n");
    assert_eq!(code(&[&done, "--no-autorestart"]), 0, "a job that ended well");
    assert_eq!(code(&["not-there.js"]), 1);
    assert_eq!(home.living(), [] as [i64; 0]);
}

#[test]
fn j32_signals_are_passed_on_and_sigterm_stops_gracefully() {
    let home = Home::new();
    let script = home.file(
        "app.sh",
        "trap 'echo got USR2' USR2\ntrap 'echo good bye; exit 0' TERM\necho up\nwhile :; do sleep 0.05; done\n",
    );
    let mut app = Foreground::start(home.command(&["runtime", &script]));
    app.line("up");
    app.send(Signal::SIGUSR2);
    app.line("got USR2");
    // Its daemon dies: what the app says is shown all the same.
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until_gone(&[daemon]);
    wait_for("another daemon", SOON, || home.run(&["signal", "USR2", "app"]).code.eq(&0).then_some(()));
    app.line("got USR2");
    app.send(Signal::SIGTERM);
    let (code, rest, err) = app.end();
    assert_eq!(code, Some(0), "{err}");
    assert!(rest.ends_with("good bye\n"), "{rest:?} {err:?}");
    assert_eq!(home.living(), [] as [i64; 0]);
}

#[test]
fn j32_lines_come_in_pm2s_forms() {
    let home = Home::new();
    let script = home.file("one.sh", "echo hello\n");
    let once = |form: &str| {
        let ran = home.run(&["runtime", &script, "--name", "one", "--no-autorestart", "-f", form]);
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.out
    };
    let json: serde_json::Value = serde_json::from_str(&once("--json")).unwrap();
    let words: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(words.len(), 5, "{json}");
    assert_eq!(
        (&json["message"], &json["type"], &json["app_name"], &json["process_id"]),
        (&"hello".into(), &"out".into(), &"one".into(), &0.into())
    );
    assert!(json["timestamp"].as_str().unwrap().starts_with("20"), "{json}");
    let pairs = once("--format");
    assert!(
        pairs.starts_with("timestamp=20") && pairs.ends_with(" app=one id=0 type=out message=hello\n"),
        "{pairs}"
    );
    assert_eq!(once("--formatted"), "0|one  | hello\n");
}

#[test]
fn j32_a_file_with_several_apps_runs_until_the_last_has_ended() {
    let home = Home::new();
    home.file("short.sh", "echo short; exit 0\n");
    home.file("long.sh", "echo long; until [ -e go ]; do sleep 0.05; done; exit 4\n");
    let file = home.file(
        "ecosystem.config.json",
        r#"{"apps": [{"script": "./short.sh", "autorestart": false}, {"script": "./long.sh", "autorestart": false}]}"#,
    );
    let mut app = Foreground::start(named(&home, "pm2-runtime", &[&file]));
    app.line("long");
    wait_until("the end of the short one", SOON, || home.process("short")["status"] == "stopped");
    assert_eq!(app.child.try_wait().unwrap(), None);
    home.run(&["runtime", &file]).refused(1, &["already", "PMDAEMON_HOME"]);
    home.file("go", "");
    let (code, ..) = app.end();
    assert_eq!(code, Some(4));
    home.run(&["runtime", "missing.config.js"]).refused(1, &["missing.config.js"]);
    assert_eq!(home.living(), [] as [i64; 0]);
}

#[test]
fn j32_as_process_1_it_waits_for_orphans() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: only root makes namespaces of processes");
        return;
    }
    let home = Home::new();
    let script = home.file("app.sh", "echo up\nexec sleep 1000\n");
    let own = home.command(&["runtime", &script]);
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--mount-proc", "--kill-child", PROGRAM, "runtime", &script]);
    command.current_dir(home.work()).env_clear().stdin(Stdio::null());
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut app = Foreground::start(command);
    app.line("up");
    let first = child_of(i64::from(app.child.id()));
    // Somebody looks in, as `docker exec` does, and leaves a process behind that then ends.
    let looks_in = "sleep 0.1 & exit 0";
    let in_it = ["-t", &first.to_string(), "-p", "--", "sh", "-c", looks_in];
    assert!(Command::new("nsenter").args(in_it).status().unwrap().success());
    wait_until("nobody is left as a zombie", SOON, || zombies_of(first) == 0 && !has_child(first, "sleep"));
    proc::send(first, Signal::SIGTERM);
    let (code, _, err) = app.end();
    assert_eq!(code, Some(0), "{err}");
}

fn children_of(pid: i64) -> Vec<i64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().map(|word| word.parse().unwrap()).collect()
}

fn child_of(pid: i64) -> i64 {
    wait_for("the child", SOON, || children_of(pid).first().copied())
}

fn has_child(pid: i64, name: &str) -> bool {
    children_of(pid).into_iter().any(|child| proc::command_line(child).starts_with(name))
}

fn zombies_of(pid: i64) -> usize {
    let is_zombie = |child: &i64| {
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
    };
    children_of(pid).iter().filter(|child| is_zombie(child)).count()
}
