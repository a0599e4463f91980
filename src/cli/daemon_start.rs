//! Starts keeper and daemon when a command finds none.
//!
//! Whoever holds the start lock looks again and then starts a keeper, so twenty commands at once
//! start one. A socket that refuses is no proof that nobody is there: while the keeper lives it is
//! replacing a daemon that died, and a second keeper would be one too many. So then the command
//! waits.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::error::CliError;
use crate::client;
use crate::home::Home;

/// How long a daemon may take to be ready, its own start or that of its successor.
const BOUND: Duration = Duration::from_secs(10);

/// Exit code of a keeper that finds another one at work (`EX_TEMPFAIL` of sysexits.h).
const LOCKED: i32 = 75;

/// How often is looked.
const POLL: Duration = Duration::from_millis(5);

/// Makes sure that a daemon serves that home. Returns whether this command started it.
///
/// # Errors
/// A sentence: the home is unusable, or no daemon became ready in time, with the last lines of
/// its log.
pub async fn ensure(home: &Home) -> Result<bool, CliError> {
    if listens(home) && home.token().exists() {
        return Ok(false);
    }
    home.create().map_err(CliError::new)?;
    let _lock = start_lock(home)?;
    let mut log = LogTail::from_here(home);
    let mut deadline = Instant::now() + BOUND;
    let mut keeper: Option<Child> = None;
    let mut starts = 0;
    loop {
        if client::is_ready(home).await && home.token().exists() {
            return Ok(starts > 0);
        }
        if let Some(child) = &mut keeper {
            let ended =
                child.try_wait().map_err(|e| CliError::new(format!("cannot watch the keeper: {e}")))?;
            match ended {
                // Somebody else's, who may be about to end: look again who is there.
                Some(status) if status.code() == Some(LOCKED) => keeper = None,
                Some(status) => {
                    let words = format!("the daemon could not be started: its keeper ended with {status}");
                    return Err(CliError::new(log.explain(&words)));
                }
                None => {}
            }
        } else if starts < 3 && !listens(home) && !keeper_lives(home) {
            log = LogTail::from_here(home);
            keeper = Some(spawn(home)?);
            deadline = Instant::now() + BOUND;
            starts += 1;
        }
        if Instant::now() > deadline {
            let words = format!("the daemon was not ready within {} s", BOUND.as_secs());
            return Err(CliError::new(log.explain(&words)));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Whether somebody accepts connections on the socket.
pub fn listens(home: &Home) -> bool {
    UnixStream::connect(home.socket()).is_ok()
}

/// Whether a keeper holds its lock.
pub fn keeper_lives(home: &Home) -> bool {
    is_locked(&home.keeper_lock())
}

/// Whether a daemon holds its lock: it does until it ends, longer than it listens.
pub fn daemon_lives(home: &Home) -> bool {
    is_locked(&home.daemon_lock())
}

fn is_locked(path: &std::path::Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    match Flock::lock(file, FlockArg::LockSharedNonblock) {
        Ok(_) => false,
        Err((_, errno)) => errno == Errno::EWOULDBLOCK,
    }
}

/// Waits until no other command is starting a daemon.
fn start_lock(home: &Home) -> Result<Flock<File>, CliError> {
    let path = home.start_lock();
    let failed = |e: std::io::Error| CliError::new(format!("cannot lock {}: {e}", path.display()));
    let opened = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(failed)?;
    Flock::lock(opened, FlockArg::LockExclusive).map_err(|(_, errno)| failed(errno.into()))
}

/// Starts the keeper, which lives on when this command ends: it leaves the session itself
/// (`--detached`), has no terminal, and holds no directory.
fn spawn(home: &Home) -> Result<Child, CliError> {
    let failed = |e: std::io::Error| CliError::new(format!("cannot start the daemon: {e}"));
    let path = home.daemon_log();
    let log = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(|e| {
        CliError::new(format!("cannot start the daemon: its log {} cannot be written: {e}", path.display()))
    })?;
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    command.args(["keeper", "--detached"]).env("PMDAEMON_HOME", home.path());
    // Apps that are defined over HTTP without a directory run where the daemon was started.
    if let Ok(here) = std::env::current_dir() {
        command.env("PMDAEMON_START_DIR", here);
    }
    command.current_dir("/");
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"PMDAEMON_TOKEN") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).stdout(log.try_clone().map_err(failed)?).stderr(log);
    command.spawn().map_err(failed)
}

/// What is written to the daemon's log from some moment on.
struct LogTail {
    path: std::path::PathBuf,
    from: u64,
}

impl LogTail {
    fn from_here(home: &Home) -> LogTail {
        let path = home.daemon_log();
        let from = std::fs::metadata(&path).map(|meta| meta.len()).unwrap_or(0);
        LogTail { path, from }
    }

    /// The sentence, with the last lines that the log has since then.
    fn explain(&self, words: &str) -> String {
        let bytes = std::fs::read(&self.path).unwrap_or_default();
        let new = bytes.get(self.from as usize..).unwrap_or_default();
        let text = String::from_utf8_lossy(new);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines[lines.len().saturating_sub(10)..].join("\n  ");
        let path = self.path.display();
        if last.is_empty() {
            format!("{words}: see {path}")
        } else {
            format!("{words}; {path} says:\n  {last}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path().join("home"));
        home.create().unwrap();
        (dir, home)
    }

    #[test]
    fn a_stale_socket_file_is_not_a_daemon() {
        let (_dir, home) = home();
        assert!(!listens(&home));
        let listener = std::os::unix::net::UnixListener::bind(home.socket()).unwrap();
        assert!(listens(&home));
        drop(listener);
        assert!(home.socket().exists());
        assert!(!listens(&home));
    }

    #[test]
    fn a_keeper_lives_while_it_holds_its_lock() {
        let (_dir, home) = home();
        assert!(!keeper_lives(&home));
        let file = File::create(home.keeper_lock()).unwrap();
        assert!(!keeper_lives(&home));
        let held = Flock::lock(file, FlockArg::LockExclusive).unwrap();
        assert!(keeper_lives(&home));
        drop(held);
        assert!(!keeper_lives(&home));
    }

    #[test]
    fn a_failed_start_shows_what_the_log_says_since() {
        let (_dir, home) = home();
        std::fs::write(home.daemon_log(), "old\n").unwrap();
        let tail = LogTail::from_here(&home);
        assert!(tail.explain("it failed").starts_with("it failed: see /"));
        std::fs::write(home.daemon_log(), "old\nnew one\n\nnew two\n").unwrap();
        let told = tail.explain("it failed");
        assert!(told.ends_with("says:\n  new one\n  new two"), "{told}");
        assert!(!told.contains("old"));
    }
}
