//! Starts keeper and daemon when a client finds none.
//!
//! Whoever holds the start lock looks again and then starts a keeper, so twenty commands at once
//! start one. A socket that refuses is no proof that nobody is there: while the keeper lives it is
//! replacing a daemon that died, and a second keeper would be one too many. So then one
//! waits. Nor is one that accepts proof of a daemon: the keeper holds it open, and who connects
//! waits for the next daemon.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::{ClientError, is_ready};
use crate::home::Home;
use crate::kernel;
use crate::settings::{self, LogRoots, RestartBudget};

/// How long a daemon may take to be ready, its own start or that of its successor.
const BOUND: Duration = Duration::from_secs(10);

/// Exit code of a keeper that finds another one at work (`EX_TEMPFAIL` of sysexits.h).
const LOCKED: i32 = 75;

/// How often is looked.
const POLL: Duration = Duration::from_millis(5);

/// How long a request puts up with a daemon that is being replaced.
const PATIENCE: Duration = Duration::from_secs(5);

/// Says which file is the program `pmdaemon`.
pub type Program = fn() -> Result<PathBuf, ClientError>;

/// Repeats a request while its failures are worth it: the daemon died meanwhile, or there is none
/// any more and one is started. A loop around the request asks it after each failure.
pub struct Patience {
    again: fn(&ClientError) -> bool,
    deadline: Option<Instant>,
}

impl Patience {
    /// Says by `again` which failures are worth another try.
    pub fn new(again: fn(&ClientError) -> bool) -> Patience {
        Patience { again, deadline: None }
    }

    /// Waits a moment, until there is a daemon to try again with.
    ///
    /// # Errors
    /// That failure, when it is final.
    pub async fn after(
        &mut self,
        error: ClientError,
        home: &Home,
        program: Program,
    ) -> Result<(), ClientError> {
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + PATIENCE);
        if !(self.again)(&error) || Instant::now() > deadline {
            return Err(error);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        ensure(home, program).await.map(drop)
    }
}

/// Makes sure that a daemon serves that home. `program` says which file is `pmdaemon`; it is asked
/// only when a daemon has to be started. Returns whether this call started it.
///
/// # Errors
/// [`ClientError::Start`]: the kernel is too old, the home is unusable, there is no program, or no
/// daemon became ready in time, with the last lines of its log.
pub async fn ensure(home: &Home, program: Program) -> Result<bool, ClientError> {
    if daemon_lives(home) && listens(home) && home.token().exists() {
        return Ok(false);
    }
    kernel::check().map_err(ClientError::Start)?;
    // The keeper hands them on to the daemon, which nobody looks at.
    RestartBudget::from_env().map_err(ClientError::Start)?;
    LogRoots::from_env().map_err(ClientError::Start)?;
    settings::runs_what_others_can_write().map_err(ClientError::Start)?;
    home.create().map_err(ClientError::Start)?;
    let _lock = start_lock(home).await?;
    let mut log = LogTail::from_here(home);
    let mut deadline = Instant::now() + BOUND;
    let mut keeper: Option<Child> = None;
    let mut starts = 0;
    loop {
        if is_ready(home).await && home.token().exists() {
            if let Some(keeper) = keeper {
                reap(keeper);
            }
            return Ok(starts > 0);
        }
        if let Some(child) = &mut keeper {
            let ended =
                child.try_wait().map_err(|e| ClientError::Start(format!("cannot watch the keeper: {e}")))?;
            match ended {
                // Somebody else's, who may be about to end: look again who is there.
                Some(status) if status.code() == Some(LOCKED) => keeper = None,
                Some(status) => {
                    let words = format!("the daemon could not be started: its keeper ended with {status}");
                    return Err(ClientError::Start(log.explain(&words)));
                }
                None => {}
            }
        } else if starts < 3 && !listens(home) && !keeper_lives(home) {
            log = LogTail::from_here(home);
            keeper = Some(spawn(home, &program()?)?);
            deadline = Instant::now() + BOUND;
            starts += 1;
        }
        if Instant::now() > deadline {
            let words = format!("the daemon was not ready within {} s", BOUND.as_secs());
            // Then its log has not taken the reason either.
            return Err(ClientError::Start(match is_full(home) {
                true => format!(
                    "{words}: the disk is full: free some space on the file system of {}",
                    home.path().display()
                ),
                false => log.explain(&words),
            }));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Whether not even a page can be written where the home is.
fn is_full(home: &Home) -> bool {
    nix::sys::statvfs::statvfs(home.path())
        .is_ok_and(|system| system.blocks_available().saturating_mul(system.fragment_size()) < 4096)
}

/// Whether somebody holds the socket open: a daemon, or the keeper for the next one.
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

/// The keeper lives on; should it end before the program that started it, nobody is left behind as
/// a zombie.
fn reap(mut keeper: Child) {
    let _ = std::thread::Builder::new().name("keeper".into()).spawn(move || keeper.wait());
}

/// Waits until nobody else is starting a daemon. Never blocks the thread: who holds the lock may
/// be another task of it.
async fn start_lock(home: &Home) -> Result<Flock<File>, ClientError> {
    let path = home.start_lock();
    let failed = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::ReadOnlyFilesystem => ClientError::Start(format!(
            "no daemon runs, and none can start: the file system of {} is read-only: mount it writable again. \
             Services that run go on",
            home.path().display()
        )),
        _ => ClientError::Start(format!("cannot lock {}: {e}", path.display())),
    };
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(failed)?;
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((again, Errno::EWOULDBLOCK)) => file = again,
            Err((_, errno)) => return Err(failed(errno.into())),
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Starts the keeper, which lives on when this command ends: it leaves the session itself
/// (`--detached`), has no terminal, and holds no directory.
fn spawn(home: &Home, program: &Path) -> Result<Child, ClientError> {
    let failed = |e: std::io::Error| {
        ClientError::Start(format!("cannot start the daemon ({}): {e}", program.display()))
    };
    let path = home.daemon_log();
    let log = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(|e| {
        ClientError::Start(format!(
            "cannot start the daemon: its log {} cannot be written: {e}",
            path.display()
        ))
    })?;
    let mut command = Command::new(program);
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
