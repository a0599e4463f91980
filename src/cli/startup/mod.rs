//! Starting with the host (acceptance row J27): what is to be written and run for that, as a plan.
//! Making a plan touches nothing, so it can be shown; carrying it out is whole or undone.
//!
//! | module | init system |
//! |---|---|
//! | [`systemd`] | units, of the host or of a user |
//! | [`openrc`] | scripts in `/etc/init.d` |
//!
//! Both run `pmdaemon run`, the keeper in the foreground.

pub mod openrc;
pub mod systemd;

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::CliError;

/// An init system.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Init {
    /// systemd.
    Systemd,
    /// OpenRC.
    Openrc,
}

impl Init {
    /// The one that runs this host.
    pub fn found() -> Option<Init> {
        if Path::new("/run/systemd/system").is_dir() {
            Some(Init::Systemd)
        } else if Path::new("/run/openrc").is_dir() {
            Some(Init::Openrc)
        } else {
            None
        }
    }
}

/// What is to start with the host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Service {
    /// Name of the unit or script, without extension.
    pub name: String,
    /// The program `pmdaemon`.
    pub program: PathBuf,
    /// Whose services.
    pub home: PathBuf,
    /// As whom it runs; absent: as whoever runs the init system.
    pub user: Option<String>,
    /// Where programs are looked for.
    pub path: String,
}

/// What it takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The file.
    pub file: PathBuf,
    /// Its content.
    pub text: String,
    /// Its mode.
    pub mode: u32,
    /// What is run then, in this order.
    pub enable: Vec<Vec<String>>,
    /// What is run to undo it, before the file is removed, and after.
    pub disable: [Vec<Vec<String>>; 2],
    /// What is left to say.
    pub notes: Vec<String>,
}

/// Words of a command.
pub fn words(line: &[&str]) -> Vec<String> {
    line.iter().map(|word| (*word).to_owned()).collect()
}

impl Plan {
    /// Writes the file and runs the commands; `tell` hears each step. When one fails, the file is
    /// as it was before.
    ///
    /// # Errors
    /// Which step failed, and why.
    pub fn carry_out(&self, tell: &mut dyn FnMut(String)) -> Result<(), CliError> {
        let before = fs::read(&self.file).ok();
        self.write(self.text.as_bytes())?;
        tell(format!("Wrote {}.", self.file.display()));
        for command in &self.enable {
            if let Err(error) = run(command) {
                let _ = match before {
                    Some(text) => self.write(&text),
                    None => fs::remove_file(&self.file).map_err(|e| CliError::new(e.to_string())),
                };
                return Err(CliError::new(format!("{error}; {} is as it was", self.file.display())));
            }
            tell(format!("Ran {}.", command.join(" ")));
        }
        Ok(())
    }

    /// Undoes it. False when there is nothing to undo.
    ///
    /// # Errors
    /// Which step failed, and why.
    pub fn undo(&self, tell: &mut dyn FnMut(String)) -> Result<bool, CliError> {
        if !self.file.exists() {
            return Ok(false);
        }
        for command in &self.disable[0] {
            run(command)?;
            tell(format!("Ran {}.", command.join(" ")));
        }
        fs::remove_file(&self.file)
            .map_err(|e| CliError::new(format!("cannot remove {}: {e}", self.file.display())))?;
        tell(format!("Removed {}.", self.file.display()));
        for command in &self.disable[1] {
            run(command)?;
            tell(format!("Ran {}.", command.join(" ")));
        }
        Ok(true)
    }

    fn write(&self, text: &[u8]) -> Result<(), CliError> {
        let failed = |e: std::io::Error| {
            let hint =
                if e.kind() == ErrorKind::PermissionDenied { ": run it as root, or with --user" } else { "" };
            CliError::new(format!("cannot write {}: {e}{hint}", self.file.display()))
        };
        if let Some(dir) = self.file.parent() {
            fs::create_dir_all(dir).map_err(failed)?;
        }
        fs::write(&self.file, text).map_err(failed)?;
        fs::set_permissions(&self.file, fs::Permissions::from_mode(self.mode)).map_err(failed)
    }
}

fn run(command: &[String]) -> Result<(), CliError> {
    let line = command.join(" ");
    let Some((program, arguments)) = command.split_first() else { return Ok(()) };
    let done = Command::new(program).args(arguments).output();
    let done = done.map_err(|e| CliError::new(format!("cannot run {line}: {e}")))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let said = said.lines().last().map(|last| format!(": {}", last.trim())).unwrap_or_default();
    Err(CliError::new(format!("{line} failed ({}){said}", done.status)))
}
