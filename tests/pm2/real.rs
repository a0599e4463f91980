//! PM2 itself, as `tests/run` installs it from npm, in a home of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::home::{Ran, ran};

/// Where `tests/run` puts its commands.
const COMMANDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/pm2/node_modules/.bin");

/// One PM2. Ends with everything in it when it is dropped.
pub struct Pm2 {
    home: tempfile::TempDir,
}

impl Pm2 {
    /// One that runs nothing yet; none where it is not installed, which is told.
    pub fn new() -> Option<Pm2> {
        if !Path::new(COMMANDS).join("pm2").exists() {
            eprintln!("skipped: PM2 is not in target/pm2, tests/run installs it");
            return None;
        }
        Some(Pm2 { home: tempfile::Builder::new().prefix("pm2").tempdir_in("/tmp").unwrap() })
    }

    /// PM2_HOME.
    pub fn home(&self) -> PathBuf {
        self.home.path().to_owned()
    }

    /// A PATH in which `pm2` is that of npm.
    pub fn path() -> String {
        format!("{COMMANDS}:{}", std::env::var("PATH").unwrap())
    }

    /// Runs one of its commands to its end.
    pub fn run(&self, cwd: &Path, args: &[&str]) -> Ran {
        let mut command = Command::new(format!("{COMMANDS}/pm2"));
        command.args(args).current_dir(cwd).env_clear().stdin(Stdio::null());
        command.env("PM2_HOME", self.home.path()).env("HOME", self.home.path()).env("PATH", Pm2::path());
        // In the order of the file, so that ids are the same each time.
        ran(command.env("PM2_CONCURRENT_ACTIONS", "1"))
    }

    /// Runs one that must succeed.
    #[track_caller]
    pub fn ok(&self, cwd: &Path, args: &[&str]) -> String {
        let ran = self.run(cwd, args);
        assert_eq!(ran.code, 0, "pm2 {args:?}: {ran:?}");
        ran.out
    }

    /// Its processes.
    #[track_caller]
    pub fn list(&self) -> Vec<Value> {
        let out = self.ok(Path::new("/"), &["jlist"]);
        let line = out.lines().rfind(|line| line.starts_with('[')).expect("a list");
        serde_json::from_str(line).unwrap()
    }
}

impl Drop for Pm2 {
    fn drop(&mut self) {
        let ended = self.run(Path::new("/"), &["kill"]);
        if !std::thread::panicking() {
            assert_eq!(ended.code, 0, "{ended:?}");
        }
    }
}
