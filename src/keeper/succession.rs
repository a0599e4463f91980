//! How one program takes the place of another, in the same process: an upgrade in place.
//!
//! ```text
//!            Order::Replace             execve             Order::Ready  
//!   Settled ───────────────▶ Wanted ───────────▶ OnTrial ─────────────────▶ Settled
//!      ▲                       │ refused             │ its daemon ends, or does not serve in time
//!      └───────────────────────┘                     ▼
//!      └──────────────────── execve ────────────── Returning
//! ```
//!
//! First the keeper becomes the new program; children stay children, descriptors stay open
//! ([`passed`]), and the daemon hears a new `Hello` on its line. Should the new program end
//! instead, the daemon, which is still the old one, starts a keeper of its own program, as it does
//! whenever a keeper dies. Then that daemon ends, and the keeper starts one of the new program. If
//! that one does not come to serve, the keeper becomes the old program again, of which it has kept
//! the file open: that works also when the file is gone.

use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::epoll::EpollFlags;
use nix::sys::stat::Mode;

use super::alarms::Alarm;
use super::event_loop::Keeper;
use super::inheritance::Resumed;
use super::passed::{self, DaemonState, RunState, State};
use super::poll::Source;
use super::protocol::{Replace, Report, Succession};
use super::run::{Life, Run};
use super::say;
use crate::fault;

/// Runs that are being launched have this long to become their programs.
const LAUNCH_TIME: Duration = Duration::from_secs(5);
/// The old daemon has this long to finish its users' requests and end.
const LEAVE_TIME: Duration = Duration::from_secs(30);
/// The new daemon has this long to serve.
const SERVE_TIME: Duration = Duration::from_secs(30);

/// Where a change of programs stands.
#[derive(Default)]
pub enum Change {
    /// There is none.
    #[default]
    Settled,
    /// Ordered. Nothing more is heard from the line until it is done or refused.
    Wanted {
        /// What was ordered.
        order: Replace,
        /// When to give up.
        until: Instant,
    },
    /// This is the new program; whether it is any good is not known yet.
    OnTrial {
        /// Which change.
        id: u64,
        /// The program before.
        former: OwnedFd,
        /// The daemon is of the new program.
        daemon_started: bool,
        /// When to give up.
        until: Instant,
    },
    /// The new program is no good.
    Returning {
        /// Which change.
        id: u64,
        /// The program before.
        former: OwnedFd,
        /// What is wrong.
        why: String,
    },
}

/// What becomes of this process.
enum Next<'a> {
    Path(&'a Path),
    Open(RawFd),
}

impl Keeper {
    /// The daemon orders another program.
    pub fn replace_ordered(&mut self, order: Replace) {
        let settled = matches!(self.change, Change::Settled);
        if !settled || self.quit.asked().is_some() || self.quit.is_ending() {
            let why = if settled { "everything is being stopped" } else { "another change is under way" };
            return self.refuse_change(order.id, why.to_owned());
        }
        say::info!("becoming {}", order.program.display());
        let until = Instant::now() + LAUNCH_TIME;
        self.change = Change::Wanted { order, until };
        self.alarms.set(Alarm::Succession, until);
        // What comes now is the next program's to hear.
        self.flush();
    }

    /// What the line is to be watched for besides room to write.
    pub fn hears_the_line(&self) -> bool {
        !matches!(self.change, Change::Wanted { .. })
    }

    fn refuse_change(&mut self, id: u64, why: String) {
        say::warning!("staying the same program: {why}");
        self.change = Change::Settled;
        // It hears again.
        self.flush();
        self.tell(Report::ReplaceFailed(Succession { id, failure: Some(why) }));
    }

    /// Called once each turn of the loop: becomes another program when that is wanted and nothing
    /// is in between two states that could not be passed.
    pub fn change_if_ready(&mut self) {
        let launching = |run: &Run| matches!(run.life, Life::Launching(_) | Life::Failing(_));
        if self.runs.values().any(launching) {
            return;
        }
        match std::mem::take(&mut self.change) {
            Change::Wanted { order, .. } => self.become_new(order),
            Change::Returning { id, former, why } => self.become_former(id, former, why),
            other @ (Change::Settled | Change::OnTrial { .. }) => self.change = other,
        }
    }

    fn become_new(&mut self, order: Replace) {
        if self.capture.holds_bytes() {
            let why = "a log takes nothing, and what is meant for it would be lost: make room on its disk";
            return self.refuse_change(order.id, why.to_owned());
        }
        let flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
        let failure = match nix::fcntl::open("/proc/self/exe", flags, Mode::empty()) {
            Ok(former) => {
                let succession = Succession { id: order.id, failure: None };
                self.execute(Next::Path(&order.program), Some(&former), succession)
            }
            Err(errno) => errno.into(),
        };
        let why =
            format!("cannot execute {}: {}", order.program.display(), super::process::io_words(&failure));
        self.refuse_change(order.id, why);
    }

    fn become_former(&mut self, id: u64, former: OwnedFd, why: String) {
        say::warning!("returning to the program before: {why}");
        let succession = Succession { id, failure: Some(why.clone()) };
        let failure = self.execute(Next::Open(former.as_raw_fd()), None, succession);
        say::warning!("cannot return to the program before: {failure}; going on with this one");
        self.succession = Some(Succession { id, failure: Some(why) });
        self.start_daemon();
    }

    /// Returns only when it fails; then everything is as before.
    fn execute(&mut self, next: Next<'_>, former: Option<&OwnedFd>, succession: Succession) -> io::Error {
        // It would not know of them.
        self.sweep_all();
        let state = self.state_to_pass(former.map(AsRawFd::as_raw_fd), succession);
        let numbers: Vec<RawFd> = state.descriptors().collect();
        let failed = state.write().and_then(|memory| {
            for number in &numbers {
                passed::stay_open(*number, true)?;
            }
            fault::point!("upgrade.before_exec");
            Err(self.exec_keeper(next, memory.as_raw_fd()))
        });
        for number in numbers {
            // It is open: it has just been marked, or is still as it was.
            let _ = passed::stay_open(number, false);
        }
        match failed {
            Err(error) => error,
            Ok(never) => never,
        }
    }

    fn exec_keeper(&self, next: Next<'_>, state: RawFd) -> io::Error {
        let text = |value: OsString| CString::new(value.into_vec()).map_err(io::Error::other);
        let name = match next {
            Next::Path(path) => path.as_os_str().to_owned(),
            Next::Open(_) => self.daemon_program.clone().into_os_string(),
        };
        let build = || -> io::Result<(Vec<CString>, Vec<CString>)> {
            let words = ["keeper".into(), "--home".into(), self.home.clone().into_os_string()];
            let resume = ["--resume".into(), state.to_string().into()];
            let args = [name.clone()].into_iter().chain(words).chain(resume).map(text);
            let variable = |(name, value): (OsString, OsString)| {
                text(OsString::from_vec([name.as_bytes(), b"=", value.as_bytes()].concat()))
            };
            Ok((
                args.collect::<io::Result<_>>()?,
                std::env::vars_os().map(variable).collect::<io::Result<_>>()?,
            ))
        };
        let (args, env) = match build() {
            Ok(built) => built,
            Err(error) => return error,
        };
        let pointers = |texts: &[CString]| {
            let ends = std::iter::once(std::ptr::null());
            texts.iter().map(|text| text.as_ptr()).chain(ends).collect::<Vec<_>>()
        };
        let (arg_pointers, env_pointers) = (pointers(&args), pointers(&env));
        let (directory, path, flags) = match next {
            Next::Path(_) => (libc::AT_FDCWD, args[0].as_ptr(), 0),
            Next::Open(file) => (file, c"".as_ptr(), libc::AT_EMPTY_PATH),
        };
        // SAFETY: the path and both lists are NUL-terminated, the lists end with a null pointer,
        // and all of it lives. This process has one thread.
        unsafe {
            libc::syscall(
                libc::SYS_execveat,
                directory,
                path,
                arg_pointers.as_ptr(),
                env_pointers.as_ptr(),
                flags,
            )
        };
        Errno::last().into()
    }

    fn state_to_pass(&mut self, former: Option<RawFd>, succession: Succession) -> State {
        let number = |stream: &Option<super::capture::Stream>| {
            stream.as_ref().map(|stream| stream.as_fd().as_raw_fd())
        };
        let run = |run: &Run| RunState {
            run: run.record.run,
            own: run.own_child().is_some(),
            out: number(&run.out),
            err: number(&run.err),
            killing: run.killing.is_some(),
        };
        State {
            lock: self.lock.as_raw_fd(),
            line: self.line.as_ref().map(AsRawFd::as_raw_fd),
            daemon: self.daemon.pid().map(|pid| DaemonState { pid, own: self.daemon.has_own() }),
            descriptors: self.descriptors,
            held: self.held.iter().map(|(name, socket)| (name.clone(), socket.as_raw_fd())).collect(),
            runs: self.runs.values().map(run).collect(),
            outbox: self.outbox.iter().cloned().collect(),
            former,
            succession: Some(succession),
        }
    }

    /// Goes on where the program before has stopped. Its runs are adopted already.
    pub fn resume(&mut self, passed: Resumed) {
        let Resumed { line, daemon, held, outbox, former, succession, killing } = passed;
        self.held = held;
        self.succession = succession.clone();
        if let (Some(former), Some(Succession { id, failure: None })) = (former, succession) {
            let until = Instant::now() + LEAVE_TIME;
            self.change = Change::OnTrial { id, former, daemon_started: false, until };
            self.alarms.set(Alarm::Succession, until);
        }
        for run in killing {
            self.kill_tree(run);
        }
        match (line, daemon) {
            (Some(line), Some(daemon)) => {
                self.go_on_with(line, outbox);
                if daemon.own {
                    self.daemon.resume(daemon.pid);
                } else {
                    self.watch_adopted_daemon(daemon.pid);
                }
            }
            (Some(_) | None, _) => self.start_daemon(),
        }
    }

    /// A daemon is about to be started, after the earlier one has ended. False: not by this
    /// program.
    pub fn may_start_daemon(&mut self) -> bool {
        match &mut self.change {
            Change::Settled | Change::Wanted { .. } => true,
            Change::Returning { .. } => false,
            Change::OnTrial { daemon_started: true, .. } => {
                self.return_to_former("its daemon ended before it served anybody".to_owned());
                false
            }
            Change::OnTrial { daemon_started, until, .. } => {
                *daemon_started = true;
                *until = Instant::now() + SERVE_TIME;
                self.alarms.set(Alarm::Succession, Instant::now() + SERVE_TIME);
                true
            }
        }
    }

    /// The daemon serves its users.
    pub fn daemon_serves(&mut self) {
        if let Change::OnTrial { daemon_started: true, .. } = self.change {
            say::info!("the new program is at work");
            self.change = Change::Settled;
        }
    }

    fn return_to_former(&mut self, why: String) {
        match std::mem::take(&mut self.change) {
            Change::OnTrial { id, former, .. } => self.change = Change::Returning { id, former, why },
            other @ (Change::Settled | Change::Wanted { .. } | Change::Returning { .. }) => {
                self.change = other
            }
        }
    }

    /// Something took too long, perhaps.
    pub fn check_change(&mut self) {
        let now = Instant::now();
        match &self.change {
            Change::Settled | Change::Returning { .. } => {}
            Change::Wanted { until, .. } | Change::OnTrial { until, .. } if now < *until => {
                self.alarms.set(Alarm::Succession, *until);
            }
            Change::Wanted { order, .. } => {
                self.refuse_change(order.id, "a program that is being launched does not come up".to_owned());
            }
            Change::OnTrial { daemon_started, .. } => {
                let why = match daemon_started {
                    true => format!("its daemon did not serve within {} s", SERVE_TIME.as_secs()),
                    false => format!("the old daemon did not end within {} s", LEAVE_TIME.as_secs()),
                };
                if *daemon_started {
                    self.return_to_former(why);
                } else {
                    say::warning!("{why}: it is killed");
                }
                self.signal_daemon(libc::SIGKILL);
            }
        }
    }

    /// What the line is watched for.
    pub fn line_interest(&self) -> EpollFlags {
        if self.hears_the_line() { EpollFlags::EPOLLIN } else { EpollFlags::empty() }
    }

    /// Takes up a line that the program before has left, and introduces itself on it.
    fn go_on_with(&mut self, line: OwnedFd, outbox: Vec<Report>) {
        if let Err(error) = self.poller.add(&line, Source::Line, EpollFlags::EPOLLIN) {
            return say::warning!("cannot listen to the daemon: {error}");
        }
        self.line = Some(line);
        self.outbox = outbox.into();
        // It has its sockets, and heard everything else or will.
        self.greet(0);
        self.flush();
    }
}
