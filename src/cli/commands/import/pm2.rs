//! The PM2 that the user has: what it runs, and its own commands. Its files are only read.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::super::super::error::CliError;
use super::super::super::port_owner;

/// PM2 in a home of its own.
pub struct Pm2 {
    home: PathBuf,
    /// Its daemon, if that runs.
    daemon: Option<u32>,
    /// Its own command, if there is one in PATH.
    command: Option<PathBuf>,
}

impl Pm2 {
    /// That in this home.
    pub fn at(home: &Path) -> Pm2 {
        let pid = std::fs::read_to_string(home.join("pm2.pid")).unwrap_or_default();
        let daemon = pid.trim().parse::<u32>().ok().filter(|pid| {
            std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains("PM2"))
        });
        let command = daemon.and_then(|_| own_command(home));
        Pm2 { home: home.to_owned(), daemon, command }
    }

    /// Whether it can be asked what it runs.
    pub fn answers(&self) -> bool {
        self.lives() && self.command.is_some()
    }

    /// Its own command.
    ///
    /// # Errors
    /// There is none in PATH.
    pub fn command(&self) -> Result<&Path, CliError> {
        self.command.as_deref().ok_or_else(|| {
            CliError::new(
                "PM2's own command is not in PATH (a pm2 that is pmdaemon does not count), and only that stops its apps: put \
                 its directory into PATH",
            )
        })
    }

    /// Whether its daemon runs.
    pub fn lives(&self) -> bool {
        self.daemon.is_some()
    }

    /// What it runs: text in JSON, in the shape of `jlist`.
    ///
    /// # Errors
    /// It does not say.
    pub fn list(&self) -> Result<String, CliError> {
        let output = self.run(&["jlist", "--silent"])?;
        let text = String::from_utf8_lossy(&output);
        // Before it there may be a banner.
        let list = text.lines().rfind(|line| line.starts_with('[')).map(str::to_owned);
        list.ok_or_else(|| {
            CliError::new("pm2 jlist does not print a list: try it, or name a dump of pm2 save")
        })
    }

    /// Stops one of its apps. Answers with the ports on which nobody listens any more: workers of a
    /// cluster listen by its daemon.
    ///
    /// # Errors
    /// It did not.
    pub fn stop(&self, app: &str) -> Result<BTreeSet<u16>, CliError> {
        let before = self.ports();
        self.run(&["stop", app, "--silent"])?;
        let after = self.ports();
        Ok(before.difference(&after).copied().collect())
    }

    /// Starts one of its apps again.
    ///
    /// # Errors
    /// It did not.
    pub fn restart(&self, app: &str) -> Result<(), CliError> {
        self.run(&["restart", app, "--silent"]).map(drop)
    }

    fn ports(&self) -> BTreeSet<u16> {
        self.daemon.map(port_owner::listened_by).unwrap_or_default()
    }

    /// The user's own `pm2`; answers its standard output.
    fn run(&self, words: &[&str]) -> Result<Vec<u8>, CliError> {
        let line = words.iter().filter(|word| !word.starts_with("--")).copied().collect::<Vec<_>>().join(" ");
        let command = self.command()?;
        let run = Command::new(command).args(words).env("PM2_HOME", &self.home).stdin(Stdio::null()).output();
        let shown = command.display();
        let ran = run.map_err(|e| CliError::new(format!("pm2 {line}: {shown} cannot be started: {e}")))?;
        match ran.status.success() {
            true => Ok(ran.stdout),
            false => {
                let said = String::from_utf8_lossy(&ran.stderr);
                let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
                Err(CliError::new(format!("pm2 {line} failed with {}: {last}", ran.status)))
            }
        }
    }
}

/// The first `pm2` in PATH that is PM2's: pmdaemon may be linked there by that name.
fn own_command(home: &Path) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let ours = std::env::current_exe().and_then(std::fs::metadata).ok().map(|file| (file.dev(), file.ino()));
    let is_another_program = |file: &PathBuf| {
        std::fs::metadata(file).is_ok_and(|found| {
            let runs = found.is_file() && found.permissions().mode() & 0o111 != 0;
            runs && Some((found.dev(), found.ino())) != ours
        })
    };
    let candidates = std::env::split_paths(&path).map(|directory| directory.join("pm2"));
    candidates.filter(is_another_program).find(|file| !is_pmdaemon(file, home))
}

/// A script may stand between, so it is asked what it is.
fn is_pmdaemon(file: &Path, home: &Path) -> bool {
    let asked = Command::new(file).arg("--version").env("PM2_HOME", home).stdin(Stdio::null()).output();
    asked.is_ok_and(|answer| String::from_utf8_lossy(&answer.stdout).contains(env!("CARGO_PKG_NAME")))
}
