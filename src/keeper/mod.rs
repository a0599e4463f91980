//! The hands: a small process that holds the services, so that everything else may die.
//!
//! One thread, one epoll loop, no policy. The keeper is the parent of the daemon and of every run.
//! It launches what the daemon orders, waits for what ends, moves what programs write into their
//! logs, and tells the daemon what happened. It starts the daemon again when that dies, and hands
//! it the full picture. It decides nothing: no restart, no time limit, no order of stopping (but
//! see [`quit`] and [`asking`] for the exceptions).
//!
//! ```text
//!   daemon ◀── line: orders, reports ──▶ keeper ── fork, exec ──▶ run: main process and its tree
//!                                          ▲  └─── splice ──▶ logs       │ writes
//!                                          └────────── FIFOs ◀───────────┘
//! ```
//!
//! **When the keeper dies**, the runs go on: they hold their FIFOs open themselves. The daemon
//! notices and starts a new keeper, which finds the runs by their [`record`]s and takes them over
//! ([`adopt`]). A lock makes sure that there is one keeper per home.
//!
//! | question | where |
//! |---|---|
//! | what is said on the line | [`protocol`], [`line`] |
//! | what happens when | [`event_loop`], [`poll`], [`alarms`] |
//! | how a run begins | [`launch`], [`child`], [`fork`], [`resources`], [`fifo`], [`record`] |
//! | on what several of them listen | [`sockets`], [`reuseport`] |
//! | what it says to us | [`talk`] |
//! | where its output goes | [`flow`], [`pace`], [`capture`], [`bulk`], [`health`], [`log`], [`log_file`], [`segments`], [`index`] |
//! | who belongs to it | [`cgroup`], or [`tree`] where there are no cgroups |
//! | how it ends | [`asking`], [`ends`], [`kill`], [`process`], [`trash`], [`sets`] |
//! | how the daemon is kept | [`daemon_child`], [`held`] |
//! | how another program takes our place | [`succession`], [`passed`], [`inheritance`] |
//! | what the init system is told | [`notify`], [`standby`] |

mod adopt;
mod alarms;
mod asking;
mod bulk;
mod capture;
mod cgroup;
mod child;
mod daemon_child;
mod ends;
mod event_loop;
mod fifo;
mod filters;
mod flow;
mod fork;
mod health;
mod held;
pub mod index;
mod inheritance;
pub mod inherited;
mod kill;
mod launch;
pub mod line;
mod line_end;
mod log;
mod log_file;
mod notify;
mod pace;
mod passed;
mod poll;
mod process;
pub mod protocol;
pub mod pulse;
mod quit;
mod record;
mod resources;
mod reuseport;
mod run;
mod say;
mod segments;
mod sets;
mod sockets;
mod standby;
mod succession;
mod talk;
mod trash;
mod tree;

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

use nix::sys::epoll::EpollFlags;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::fault;
use crate::home::Home;
pub use cgroup::{Leaf, own_cgroup};
pub use process::{Pidfd, boot_id, stat};
pub use resources::yield_to_others;

pub use daemon_child::executable;
use event_loop::Keeper;
use inheritance::Inheritance;
use poll::{Poller, Source};
use protocol::LINE_FD;
pub use quit::{ON_EXIT, OnExit};

/// What the daemon gave along with the launch of each run, in that directory of runs.
///
/// # Errors
/// When the directory cannot be read, or the keepsake of one.
pub fn keepsakes(run_dir: &Path) -> io::Result<BTreeMap<u64, io::Result<String>>> {
    let sets = sets::by_run(run_dir)?;
    Ok(sets.into_iter().map(|(run, set)| (run, record::keepsake(run_dir, set))).collect())
}

/// Exit code of a keeper that finds another one at work (`EX_TEMPFAIL`).
pub const LOCKED: u8 = 75;

/// How the keeper was started.
#[derive(Clone, Debug)]
pub struct KeeperArgs {
    /// Whose services it holds.
    pub home: Home,
    /// The daemon that lost its keeper and started this one, with one end of a line as
    /// [`LINE_FD`]. Absent: the keeper starts the daemon.
    pub adopt_daemon: Option<i32>,
    /// What SIGTERM does; absent: as [`ON_EXIT`] in the environment says, or [`OnExit::Stop`].
    pub on_exit: Option<OnExit>,
    /// The descriptor of what an earlier program in this process has left.
    pub resume: Option<i32>,
    /// When another keeper is at work, wait behind it instead of ending.
    pub stand_by: bool,
}

/// Why there is no keeper.
enum Refusal {
    Locked,
    Broken(String),
}

/// The whole life of a keeper. Must be called before the process has a second thread.
///
/// Exit code 0 after an orderly end, its own or of the keeper behind which it waited; [`LOCKED`] when the home has a keeper already, 1 with a
/// sentence on standard error when it cannot work.
pub fn main(args: KeeperArgs) -> ExitCode {
    let mut begun = begin(&args);
    while args.stand_by && matches!(begun, Err(Refusal::Locked)) {
        say::info!("{} has a keeper already; this one waits behind it", args.home.path().display());
        match standby::wait(&args.home.keeper_lock(), &notify::Listener::from_env()) {
            standby::Waited::Free => begun = begin(&args),
            standby::Waited::Ended => return ExitCode::SUCCESS,
        }
    }
    let code = match begun {
        Ok(mut keeper) => match keeper.run() {
            Ok(()) => 0,
            Err(error) => {
                say::warning!("the keeper cannot go on: {error}");
                1
            }
        },
        Err(Refusal::Locked) => {
            say::warning!("{} has a keeper already; this one ends", args.home.path().display());
            LOCKED
        }
        Err(Refusal::Broken(why)) => {
            say::warning!("the keeper cannot start: {why}");
            1
        }
    };
    ExitCode::from(code)
}

fn begin(args: &KeeperArgs) -> Result<Keeper, Refusal> {
    let broken = |what: &str| {
        let what = what.to_owned();
        move |error: &dyn std::fmt::Display| Refusal::Broken(format!("{what}: {error}"))
    };
    // Before anything is opened that could get its number.
    let line = args.adopt_daemon.map(|_| inherited::line()).transpose();
    let line = line.map_err(|e| broken("--adopt-daemon needs a line")(&e))?;
    let inheritance = args.resume.map(Inheritance::take).transpose();
    let inheritance = inheritance.map_err(|e| broken("cannot go on from the program before")(&e))?;
    args.home.create().map_err(Refusal::Broken)?;
    fault::arm(&args.home);
    fault::point!("keeper.start");
    let (lock, passed, resumed, known_limit) = match inheritance {
        Some(Inheritance { lock, descriptors, runs, resumed }) => {
            (lock, runs, Some(resumed), Some(descriptors))
        }
        None => (take_lock(&args.home)?, BTreeMap::new(), None, None),
    };
    // What the starter left open is not for the services.
    child::close_inherited_on_exec(LINE_FD);
    // Executed by its descriptor, a program has the name of a number.
    let _ = nix::sys::prctl::set_name(c"pmdaemon");
    // SAFETY: umask cannot fail and touches no memory.
    unsafe { libc::umask(0o077) };
    nix::sys::prctl::set_child_subreaper(true).map_err(|e| broken("cannot become a subreaper")(&e))?;
    let signals = take_signals().map_err(|e| broken("cannot take signals")(&e))?;
    let on_exit = quit::policy(args.on_exit).map_err(Refusal::Broken)?;
    let hang_timeout = pulse::timeout().map_err(Refusal::Broken)?;
    let descriptors = raise_limit().map_err(|e| broken("cannot read the limit of descriptors")(&e))?;
    let poller = Poller::new().map_err(|e| broken("cannot make an epoll set")(&e))?;
    let watched = poller.add(&signals, Source::Signals, EpollFlags::EPOLLIN);
    watched.map_err(|e| broken("cannot watch for signals")(&e))?;
    let null = OpenOptions::new().read(true).open("/dev/null");
    let null = null.map_err(|e| broken("cannot open /dev/null")(&e))?.into();
    // One home, one mark, whatever way leads to it.
    let home = fs::canonicalize(args.home.path()).map_err(|e| broken("cannot find the home")(&e))?;
    let mark = mark_of(&home);
    let cgroups = match cgroup::Cgroups::probe(&mark) {
        Ok(cgroups) => Some(cgroups),
        Err(why) => {
            say::info!("services run without cgroups of their own: {why}");
            None
        }
    };
    let mut keeper = Keeper {
        run_dir: Home::at(&home).run_dir(),
        home,
        daemon_program: daemon_child::program(),
        mark,
        boot: process::boot_id(),
        descriptors: known_limit.unwrap_or(descriptors),
        cgroups,
        poller,
        signals,
        alarms: alarms::Alarms::default(),
        null,
        runs: BTreeMap::new(),
        sockets: sockets::Sockets::default(),
        capture: capture::Capture::with(bulk::Bulk::at(&args.home.move_note())),
        daemon: daemon_child::Daemon::default(),
        line: None,
        outbox: VecDeque::new(),
        quit: quit::Quit::default(),
        on_exit,
        held: held::Held::new(),
        change: succession::Change::default(),
        succession: None,
        lock,
        recent_look: None,
        notify: notify::Listener::from_env(),
        pulse: pulse::Pulse::with(hang_timeout),
        speaking: Vec::new(),
        sets: sets::FileSets::default(),
        trash: trash::Trash::default(),
    };
    keeper.adopt_all(passed).map_err(|e| broken("cannot read the records of runs")(&e))?;
    match (resumed, args.adopt_daemon, line) {
        (Some(resumed), _, _) => {
            keeper.resume(resumed);
            // Signals that came between the two programs are pending, but not those before.
            keeper.reap();
        }
        (None, Some(pid), Some(line)) => {
            keeper.connect(line);
            keeper.watch_adopted_daemon(pid);
        }
        (None, Some(_), None) | (None, None, _) => keeper.start_daemon(),
    }
    Ok(keeper)
}

fn take_lock(home: &Home) -> Result<File, Refusal> {
    let path = home.keeper_lock();
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = file.map_err(|e| Refusal::Broken(format!("cannot open {}: {e}", path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Refusal::Locked),
        Err(TryLockError::Error(e)) => Err(Refusal::Broken(format!("cannot lock {}: {e}", path.display()))),
    }
}

/// Signals come as events. What would end or stop us by accident is ignored.
fn take_signals() -> nix::Result<SignalFd> {
    for signal in [Signal::SIGHUP, Signal::SIGPIPE, Signal::SIGXFSZ, Signal::SIGTTOU, Signal::SIGTSTP] {
        // SAFETY: SIG_IGN installs no code.
        unsafe { nix::sys::signal::signal(signal, nix::sys::signal::SigHandler::SigIgn) }?;
    }
    let wanted: SigSet = [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT].into_iter().collect();
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&wanted), None)?;
    SignalFd::with_flags(&wanted, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
}

/// Takes all the descriptors that we may have (about ten a run). Returns the limit as it was, for
/// the children: programs with `select` rely on it.
fn raise_limit() -> nix::Result<(u64, u64)> {
    let before = getrlimit(Resource::RLIMIT_NOFILE)?;
    let _ = setrlimit(Resource::RLIMIT_NOFILE, before.1, before.1);
    Ok(before)
}

/// Eight letters that stand for a home: FNV-1a of its path, the same in every version.
fn mark_of(home: &Path) -> String {
    let bytes = home.as_os_str().as_bytes();
    let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    format!("{:08x}", bytes.iter().fold(0x811c_9dc5, step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_of_a_home_never_changes() {
        assert_eq!(mark_of(Path::new("/root/.pmdaemon")), mark_of(Path::new("/root/.pmdaemon")));
        assert_eq!(mark_of(Path::new("")), "811c9dc5");
        assert_eq!(mark_of(Path::new("a")), "e40c292c");
    }
}
