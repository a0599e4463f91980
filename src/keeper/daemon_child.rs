//! The daemon as the keeper sees it: a child (or, after a change of keepers, a stranger) that is
//! started again whenever it is gone.
//!
//! The first time at once. A daemon that keeps dying young is started after 100 ms, then twice as
//! long each time, at most 5 s.

use std::ffi::{CString, OsString};
use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

use super::alarms::Alarm;
use super::child::{self, Outcome, Plan};
use super::event_loop::Keeper;
use super::process::{self, Pidfd};
use super::protocol::Ending;
use super::resources::Limits;
use super::{notify, say, tree};

/// Another program in place of the daemon. For tests.
pub const OTHER_PROGRAM: &str = "PMDAEMON_DAEMON_EXE";

/// A daemon that ran shorter than this died young.
const YOUNG: Duration = Duration::from_secs(5);
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Exit code of a daemon that finds its home's lock held: by its predecessor, not quite gone yet.
const LOCKED: i32 = 75;

/// The daemon's process and what is known about its health.
#[derive(Default)]
pub struct Daemon {
    life: Life,
    /// The wait before the next start but one; absent after a long life.
    wait: Option<Duration>,
}

#[derive(Default)]
enum Life {
    #[default]
    Gone,
    /// Our child, since when, and the pipe on which it says why it could not be executed, unless
    /// an earlier program has started it.
    Own { pid: i32, since: Instant, pipe: Option<OwnedFd> },
    /// Not our child. The pidfd is in the epoll set as long as it is open.
    Adopted { pid: i32, pidfd: Pidfd },
}

impl Daemon {
    /// Its process.
    pub fn pid(&self) -> Option<i32> {
        match self.life {
            Life::Gone => None,
            Life::Own { pid, .. } | Life::Adopted { pid, .. } => Some(pid),
        }
    }

    /// That is our child, the daemon.
    pub fn is_own(&self, child: i32) -> bool {
        matches!(self.life, Life::Own { pid, .. } if pid == child)
    }

    /// There is one, and it is our child.
    pub fn has_own(&self) -> bool {
        matches!(self.life, Life::Own { .. })
    }

    /// That child, which an earlier program has started, is it.
    pub fn resume(&mut self, pid: i32) {
        self.life = Life::Own { pid, since: Instant::now(), pipe: None };
    }

    /// That process, which has started us, is it.
    pub fn adopt(&mut self, pid: i32, pidfd: Pidfd) {
        self.life = Life::Adopted { pid, pidfd };
    }

    /// How long to wait before the next start.
    fn next_wait(&mut self, young: bool) -> Duration {
        let wait = if young { self.wait.unwrap_or(Duration::ZERO) } else { Duration::ZERO };
        self.wait = Some((wait * 2).clamp(FIRST_WAIT, LONGEST_WAIT));
        wait
    }
}

/// Both ends of a new line, non-blocking and closed at exec.
pub fn new_line() -> nix::Result<(OwnedFd, OwnedFd)> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)
}

/// This program, by whatever name it has.
pub const MYSELF: &str = "/proc/self/exe";

/// The name of the program that is the daemon: this one, wherever it was at the start.
pub fn program() -> PathBuf {
    let other = std::env::var_os(OTHER_PROGRAM).map(PathBuf::from);
    other.or_else(|| std::env::current_exe().ok()).unwrap_or_else(|| PathBuf::from(MYSELF))
}

/// What to execute to have `program` run, which is this one or a test's. A file of that name may
/// be another by now: somebody has removed or replaced it. Keeper and daemon stay of one program
/// until they are asked to change together, so then it is what we are ourselves.
pub fn executable(program: &Path) -> &Path {
    let same = |one: &Path, other: &Path| {
        let identity = |path: &Path| fs::metadata(path).map(|meta| (meta.dev(), meta.ino())).ok();
        identity(one).is_some_and(|one| Some(one) == identity(other))
    };
    let other = std::env::var_os(OTHER_PROGRAM).is_some_and(|name| name == program.as_os_str());
    if other || same(program, Path::new(MYSELF)) { program } else { Path::new(MYSELF) }
}

impl Keeper {
    /// Starts the daemon with a line of its own.
    pub fn start_daemon(&mut self) {
        if self.quit.is_ending() || self.daemon.pid().is_some() || !self.may_start_daemon() {
            return;
        }
        let started = new_line().and_then(|(ours, theirs)| {
            let (pid, pipe) = self.fork_daemon(theirs.as_fd())?;
            Ok((ours, pid, pipe))
        });
        match started {
            Ok((ours, pid, pipe)) => {
                say::info!("the daemon is pid {pid}");
                self.daemon.life = Life::Own { pid, since: Instant::now(), pipe: Some(pipe) };
                self.connect(ours);
            }
            Err(error) => {
                say::warning!("cannot start the daemon: {error}");
                self.start_daemon_later(true);
            }
        }
    }

    fn fork_daemon(&self, line: BorrowedFd<'_>) -> nix::Result<(i32, OwnedFd)> {
        let text = |bytes: &[u8]| CString::new(bytes).map_err(|_| nix::errno::Errno::EINVAL);
        let program = text(executable(&self.daemon_program).as_os_str().as_bytes())?;
        let name = text(self.daemon_program.as_os_str().as_bytes())?;
        let mut home = OsString::from("PMDAEMON_HOME=");
        home.push(&self.home);
        let mut env = vec![text(&home.into_vec())?];
        for (name, value) in std::env::vars_os() {
            // A keeper that was started from within a run is no part of it.
            if name != "PMDAEMON_HOME"
                && name != tree::MARK
                && !notify::VARIABLES.iter().any(|ours| name == *ours)
            {
                env.push(text(&[name.as_bytes(), b"=", value.as_bytes()].concat())?);
            }
        }
        let (output, error) = (std::io::stdout(), std::io::stderr());
        let child = child::spawn(&Plan {
            args: vec![name, c"daemon".to_owned()],
            program,
            env,
            cwd: None,
            input: self.null.as_fd(),
            output: output.as_fd(),
            error: error.as_fd(),
            line: Some(line),
            socket: None,
            channel: None,
            leaf: None,
            session: false,
            umask: None,
            limits: Limits::inherited(self.descriptors),
        })?;
        Ok(child.let_go())
    }

    /// A signal to the daemon.
    pub fn signal_daemon(&self, signal: i32) {
        match &self.daemon.life {
            Life::Gone => {}
            // Our child that we have not waited for: the number is its own.
            // SAFETY: kill takes two integers.
            Life::Own { pid, .. } => drop(unsafe { libc::kill(*pid, signal) }),
            Life::Adopted { pidfd, .. } => drop(pidfd.signal(signal)),
        }
    }

    /// Our child, the daemon, is no more.
    pub fn own_daemon_ended(&mut self, end: Ending) {
        let Life::Own { pid, since, pipe } = std::mem::take(&mut self.daemon.life) else { return };
        match pipe.as_ref().map_or(Outcome::Executed, child::outcome) {
            Outcome::Failed(failure) => {
                say::warning!("{}", failure.sentence(&self.daemon_program, Path::new(".")));
            }
            Outcome::Open | Outcome::Executed => {
                say::warning!("the daemon, pid {pid}, {}", process::ending_words(end))
            }
        }
        let young = since.elapsed() < YOUNG || end == Ending::Code(LOCKED);
        self.daemon_ended(young);
    }

    /// The daemon that is not our child is no more.
    pub fn adopted_daemon_ended(&mut self) {
        if let Life::Adopted { pid, .. } = self.daemon.life {
            let how = process::stat(pid)
                .filter(|stat| stat.zombie)
                .and_then(|stat| process::zombie_ending(pid, stat.start));
            say::warning!("the daemon, pid {pid}, {}", process::ending_words(how.unwrap_or(Ending::Unknown)));
            self.daemon.life = Life::Gone;
            self.daemon_ended(false);
        }
    }

    fn daemon_ended(&mut self, young: bool) {
        self.hear_out();
        self.disconnect();
        if self.quit.is_ending() {
            self.alarms.set(Alarm::Quit, Instant::now());
        } else if young && self.quit.asked().is_some() {
            // One that keeps dying will not stop anything.
            self.ask_trees();
        } else {
            self.start_daemon_later(young);
        }
    }

    fn start_daemon_later(&mut self, young: bool) {
        let wait = self.daemon.next_wait(young);
        self.alarms.set(Alarm::StartDaemon, Instant::now() + wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_restart_is_at_once_and_the_wait_doubles_up_to_five_seconds() {
        let mut daemon = Daemon::default();
        let waits: Vec<u128> = (0..9).map(|_| daemon.next_wait(true).as_millis()).collect();
        assert_eq!(waits, [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(daemon.next_wait(false), Duration::ZERO);
        assert_eq!(daemon.next_wait(true), FIRST_WAIT);
    }
}
