//! A home of one's own, and the real program in it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Api, proc, wait_until};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_pmdaemon");

/// A PMDAEMON_HOME in a directory that nobody else uses. Ends everything in it when it is dropped.
pub struct Home {
    // Below /tmp whatever TMPDIR says: the path of a unix socket has 107 bytes.
    dir: tempfile::TempDir,
    /// For every command.
    variables: Vec<(&'static str, &'static str)>,
}

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; -1 when a signal ended it.
    pub code: i32,
    /// What it wrote to stdout.
    pub out: String,
    /// What it wrote to stderr.
    pub err: String,
    /// How long it took.
    pub took: Duration,
}

impl Ran {
    fn of(output: Output, begun: Instant) -> Ran {
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            took: begun.elapsed(),
        }
    }

    /// Fails unless the command was refused with one sentence on stderr, which has all of `words`,
    /// and nothing on stdout.
    #[track_caller]
    pub fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.out, "", "nothing is printed as a result: {self:?}");
        let own: Vec<&str> = self.err.lines().filter(|line| !is_notice(line)).collect();
        assert_eq!(own.len(), 1, "one sentence: {self:?}");
        assert!(own[0].starts_with("pmdaemon: "), "{self:?}");
        for debug in ["Error {", "Os {", "Err(", "Some(", "panicked"] {
            assert!(!own[0].contains(debug), "a debug dump: {self:?}");
        }
        for word in words {
            assert!(own[0].contains(word), "{word:?} is missing: {self:?}");
        }
    }

    /// Fails unless all was started, for which the app of that name counts, too, if it has been given up
    /// already: it ends by itself, and nobody knows how often before the answer is made.
    #[track_caller]
    pub fn started_but(&self, dying: &str) {
        let told: Vec<&str> = self.err.lines().filter(|line| line.starts_with("pmdaemon: ")).collect();
        let given_up = |line: &&str| {
            line.starts_with(&format!("pmdaemon: {dying} (id ")) && line.contains(" is errored: ")
        };
        assert!(told.iter().all(given_up), "more than the end of {dying}: {self:?}");
        assert_eq!(self.code, i32::from(!told.is_empty()), "{self:?}");
    }
}

/// Lines that tell that a daemon was started, which any command may do first, or is waited for.
fn is_notice(line: &str) -> bool {
    line == "Started the pmdaemon daemon."
        || line.starts_with("Port 9615 is used by ")
        || line == "Waiting for the new daemon …"
}

impl Home {
    /// An empty one. No daemon runs in it yet.
    pub fn new() -> Home {
        let dir = tempfile::Builder::new().prefix("pm").tempdir_in("/tmp").unwrap();
        std::fs::create_dir(dir.path().join("work")).unwrap();
        std::fs::create_dir(dir.path().join("user")).unwrap();
        Home { dir, variables: Vec::new() }
    }

    /// One whose keeper finds trees by looking through `/proc`, as where there are no cgroups.
    pub fn without_cgroups() -> Home {
        let mut home = Home::new();
        home.variables.push(("PMDAEMON_NO_CGROUP", "1"));
        home
    }

    /// One with that variable in the environment of every command, and so of the daemon.
    pub fn with(name: &'static str, value: &'static str) -> Home {
        let mut home = Home::new();
        home.variables.push((name, value));
        home
    }

    /// The whole directory: home, working directory and the user's HOME.
    pub fn mark(&self) -> &Path {
        self.dir.path()
    }

    /// PMDAEMON_HOME.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// The directory in which commands are typed.
    pub fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    /// Writes a file into the working directory; answers its path.
    pub fn file(&self, name: &str, content: &str) -> String {
        let path = self.work().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// A command of the program in a clean environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(args).current_dir(self.work()).env_clear().stdin(Stdio::null());
        command.env("PMDAEMON_HOME", self.path()).env("HOME", self.dir.path().join("user"));
        command.envs(self.variables.iter().copied());
        for name in ["PATH", "LD_LIBRARY_PATH", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        ran(&mut self.command(args))
    }

    /// Runs a command that must succeed; answers its stdout.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "pmdaemon {args:?}: {ran:?}\n{}", self.daemon_log());
        ran.out
    }

    /// Runs a command that must succeed and print one JSON document.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        let out = self.ok(args);
        serde_json::from_str(&out).unwrap_or_else(|e| panic!("{args:?} is not JSON ({e}): {out:?}"))
    }

    /// All processes, as `list --json` tells them.
    #[track_caller]
    pub fn processes(&self) -> Vec<Value> {
        self.json(&["list", "--json"]).as_array().expect("an array").clone()
    }

    /// The process of that name.
    #[track_caller]
    pub fn process(&self, name: &str) -> Value {
        let all = self.processes();
        all.iter().find(|p| p["name"] == name).unwrap_or_else(|| panic!("no {name} in {all:?}")).clone()
    }

    /// The pid of the process of that name, which runs.
    #[track_caller]
    pub fn pid(&self, name: &str) -> i64 {
        let process = self.process(name);
        process["pid"].as_i64().unwrap_or_else(|| panic!("{name} does not run: {process}"))
    }

    /// Pids of keeper and daemon.
    #[track_caller]
    pub fn keeper_and_daemon(&self) -> (i64, i64) {
        let status = self.json(&["status", "--json"]);
        let pid = |name: &str| status["daemon"][name].as_i64().unwrap_or_else(|| panic!("{name}: {status}"));
        (pid("keeper_pid"), pid("pid"))
    }

    /// A client of the HTTP API, with the token of this home.
    pub fn api(&self) -> Api {
        Api::of(self)
    }

    /// Waits until a process has printed that text; answers the line.
    #[track_caller]
    pub fn wait_for_line(&self, name: &str, text: &str) -> String {
        super::wait_for(&format!("{text:?} in the log of {name}"), super::SOON, || {
            let out = self.ok(&["logs", name, "--raw", "--lines", "1000"]);
            out.lines().find(|line| line.contains(text)).map(str::to_owned)
        })
    }

    /// What keeper and daemon wrote, for messages of tests that fail.
    pub fn daemon_log(&self) -> String {
        std::fs::read_to_string(self.path().join("daemon.log")).unwrap_or_default()
    }

    /// Every living process of this home.
    pub fn living(&self) -> Vec<i64> {
        proc::marked(self.mark())
    }

    /// Living processes of this home whose command line ends so.
    pub fn living_as(&self, ending: &str) -> Vec<i64> {
        let mut pids = self.living();
        pids.retain(|pid| proc::command_line(*pid).ends_with(ending));
        pids
    }
}

/// Runs a command to its end, with everything that it prints.
pub fn ran(command: &mut Command) -> Ran {
    let begun = Instant::now();
    Ran::of(command.output().unwrap(), begun)
}

/// As [`ran`], with that on its standard input.
pub fn fed(command: &mut Command, text: &str) -> Ran {
    let begun = Instant::now();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    Ran::of(child.wait_with_output().unwrap(), begun)
}

/// The files below a directory that contain a text.
pub fn files_with(directory: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        // What comes and goes meanwhile is looked at by whoever calls again.
        let Ok(meta) = std::fs::symlink_metadata(&path) else { continue };
        if meta.is_dir() {
            found.extend(files_with(&path, text));
        } else if meta.is_file() {
            let content = std::fs::read(&path).unwrap_or_default();
            if content.windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(path);
            }
        }
    }
    found
}

impl Drop for Home {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- daemon.log ---\n{}", self.daemon_log());
        }
        // Some tests break the home on purpose; what `kill` cannot end is ended below.
        let mut kill = self.command(&["kill"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while kill.try_wait().unwrap().is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = kill.kill();
        let _ = kill.wait();
        // Who has let go of its lock may take a moment to be gone.
        let last_moment = Instant::now() + Duration::from_secs(5);
        let mut rest = self.living();
        while !rest.is_empty() && Instant::now() < last_moment {
            std::thread::sleep(Duration::from_millis(5));
            rest = self.living();
        }
        let told: Vec<String> =
            rest.iter().map(|pid| format!("{pid} ({})", proc::command_line(*pid))).collect();
        // Keeper and daemon start each other: until a look finds nobody.
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let living = self.living();
            if living.is_empty() || Instant::now() > deadline {
                break;
            }
            living.into_iter().for_each(proc::kill_hard);
        }
        if !std::thread::panicking() {
            assert!(told.is_empty(), "`pmdaemon kill` left {told:?}");
        }
    }
}

/// Waits until none of these processes is there.
pub fn wait_until_gone(pids: &[i64]) {
    wait_until(&format!("the end of {pids:?}"), super::SOON, || !pids.iter().any(|pid| proc::lives(*pid)));
}
