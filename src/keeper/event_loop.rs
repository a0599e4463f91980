//! The loop: one thread, one epoll set, one table of runs. It waits for the kernel, the daemon or
//! an alarm, does what follows, and never waits for anything else.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::Instant;

use nix::sys::epoll::EpollFlags;
use nix::sys::signalfd::SignalFd;

use super::alarms::{Alarm, Alarms};
use super::asking::Ask;
use super::capture::Capture;
use super::cgroup::Cgroups;
use super::daemon_child::Daemon;
use super::held::Held;
use super::notify::Listener;
use super::poll::{Poller, Source, Which};
use super::protocol::{Order, Report, Succession, version};
use super::pulse::Pulse;
use super::quit::{OnExit, Quit};
use super::run::Run;
use super::sets::FileSets;
use super::sockets::Sockets;
use super::succession::Change;
use super::trash::Trash;
use super::tree::{Look, Scope};
use super::{line, say};

/// At most so many orders before something else gets its turn.
const ORDERS_AT_ONCE: usize = 64;

/// The whole process.
pub struct Keeper {
    /// Of the home; absolute, without links.
    pub home: PathBuf,
    /// Records and FIFOs.
    pub run_dir: PathBuf,
    /// The program that is the daemon.
    pub daemon_program: PathBuf,
    /// Eight letters that stand for the home.
    pub mark: String,
    /// This boot of the host.
    pub boot: String,
    /// The limit of descriptors with which the keeper was started: soft, hard.
    pub descriptors: (u64, u64),
    /// Where leaves are made, if anywhere.
    pub cgroups: Option<Cgroups>,
    /// What is waited for.
    pub poller: Poller,
    /// SIGCHLD, SIGTERM, SIGINT.
    pub signals: SignalFd,
    /// What is to happen at a time.
    pub alarms: Alarms,
    /// `/dev/null`, the standard input of everybody.
    pub null: OwnedFd,
    /// Every run that is not over and forgotten.
    pub runs: BTreeMap<u64, Run>,
    /// Listening sockets that runs share.
    pub sockets: Sockets,
    /// The way of the bytes.
    pub capture: Capture,
    /// The daemon's process.
    pub daemon: Daemon,
    /// Our end of the line, while the daemon has the other.
    pub line: Option<OwnedFd>,
    /// What the line could not take yet.
    pub outbox: VecDeque<Report>,
    /// Whether we are about to end.
    pub quit: Quit,
    /// What becomes of the services when we are asked to end.
    pub on_exit: OnExit,
    /// Sockets that outlive the daemon.
    pub held: Held,
    /// Whether another program is to take our place, or has.
    pub change: Change,
    /// What came of the latest such change.
    pub succession: Option<Succession>,
    /// Locked as long as there is this keeper.
    pub lock: File,
    /// The latest look at the host's processes, and when it was over: kept for a moment.
    pub recent_look: Option<(Instant, Look)>,
    /// Whom to tell how we are.
    pub notify: Listener,
    /// Whether the daemon still does anything.
    pub pulse: Pulse,
    /// Runs that have said something that was not heard yet.
    pub speaking: Vec<u64>,
    /// Files of runs that are over.
    pub trash: Trash,
    /// The files of runs.
    pub sets: FileSets,
}

impl Keeper {
    /// Runs until it is time to end.
    ///
    /// # Errors
    /// Only when epoll itself fails.
    pub fn run(&mut self) -> io::Result<()> {
        self.feed_watchdog();
        while !self.quit.is_over() {
            self.drop_old_look();
            let wait = self.alarms.wait(Instant::now());
            for source in self.poller.wait(wait)? {
                self.on_event(source);
            }
            // What is set meanwhile has to wait for the kernel and the daemon to have had their turn.
            let now = Instant::now();
            while let Some(alarm) = self.alarms.pop_due(now) {
                self.on_alarm(alarm);
            }
            self.change_if_ready();
        }
        for run in self.runs.values_mut() {
            for which in Which::BOTH {
                if let Some(stream) = run.stream(which) {
                    self.capture.empty(stream);
                }
            }
        }
        self.sweep_all();
        Ok(())
    }

    fn on_event(&mut self, source: Source) {
        match source {
            Source::Signals => self.read_signals(),
            Source::Line => self.use_line(),
            Source::Daemon => self.adopted_daemon_ended(),
            Source::Launching(run) => self.launch_settled(run),
            Source::Out(run) => self.readable(run, Which::Out),
            Source::Err(run) => self.readable(run, Which::Err),
            Source::Main(run) => self.adopted_main_changed(run),
            Source::Tree(run) => self.tree_changed(run),
            Source::Channel(run) | Source::Notify(run) => self.speaks(run),
        }
    }

    fn on_alarm(&mut self, alarm: Alarm) {
        match alarm {
            Alarm::Drain => self.drain_pending(),
            Alarm::Visit => self.visit(),
            Alarm::Hear => self.hear_speaking(),
            Alarm::RetryWrites => self.retry_refused(),
            Alarm::TellLogs => self.tell_all_news(),
            Alarm::StartDaemon => self.start_daemon(),
            Alarm::Pulse => self.check_pulse(),
            Alarm::Watchdog => self.feed_watchdog(),
            Alarm::Quit => self.quit_step(),
            Alarm::Succession => self.check_change(),
            Alarm::CheckTrees => self.check_trees(),
            Alarm::Sweep => self.sweep(),
            Alarm::Kill(run) => self.kill_round(run),
            Alarm::Ask(run) => self.ask_if_emptied(run),
            Alarm::GiveUpStatus(run) => self.give_up_status(run),
        }
    }

    fn read_signals(&mut self) {
        while let Ok(Some(info)) = self.signals.read_signal() {
            match info.ssi_signo as i32 {
                libc::SIGCHLD => {}
                signal => self.quit_asked(signal),
            }
        }
        // Whatever the signals were: several SIGCHLD can have become one.
        self.reap();
    }

    /// A new line: everything that was to be said on the old one is in the full picture.
    pub fn connect(&mut self, end: OwnedFd) {
        self.disconnect();
        if let Err(error) = self.poller.add(&end, Source::Line, EpollFlags::EPOLLIN) {
            return say::warning!("cannot listen to the daemon: {error}");
        }
        self.line = Some(end);
        self.pulse.forget();
        self.sockets.keep_all();
        self.greet(self.held.len());
        self.hand_over_held();
        if let Some(signal) = self.quit.asked() {
            self.tell(Report::QuitAsked { signal });
        }
    }

    /// Says who we are and what we have; `held` sockets follow.
    pub fn greet(&mut self, held: usize) {
        let remembered = |run: &&Run| !run.record.forgotten;
        let runs = self.runs.values().filter(remembered).map(Run::report).collect();
        let (keeper_pid, succession) = (std::process::id() as i32, self.succession.clone());
        let sockets = self.sockets.ports();
        self.tell(Report::Hello { version: version(), keeper_pid, runs, sockets, held, succession });
    }

    /// Sends a report, or keeps it until the line takes it. Without a line it is not needed: the
    /// next one begins with the full picture.
    pub fn tell(&mut self, report: Report) {
        if self.line.is_some() {
            self.outbox.push_back(report);
            if self.outbox.len() == 1 {
                self.flush();
            }
        }
    }

    /// Sends what waits, as far as the line takes it.
    pub fn flush(&mut self) {
        let mut wanted = self.line_interest();
        let Some(end) = &self.line else { return };
        while let Some(report) = self.outbox.front() {
            let socket = match report {
                Report::Held { name } => self.held.get(name).map(AsFd::as_fd),
                Report::Hello { .. }
                | Report::Spawned { .. }
                | Report::SpawnFailed { .. }
                | Report::Exited { .. }
                | Report::TreeGone { .. }
                | Report::ReplaceFailed(_)
                | Report::Signed { .. }
                | Report::Status { .. }
                | Report::Message { .. }
                | Report::Given { .. }
                | Report::LogsTended { .. }
                | Report::LogChanged { .. }
                | Report::QuitAsked { .. } => None,
            };
            match line::send_with(end.as_fd(), report, socket) {
                Ok(()) => drop(self.outbox.pop_front()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wanted |= EpollFlags::EPOLLOUT;
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return self.disconnect(),
            }
        }
        let _ = self.poller.change(end, Source::Line, wanted);
    }

    /// Nobody is at the other end any more.
    pub fn disconnect(&mut self) {
        if let Some(end) = self.line.take() {
            self.poller.remove(end);
        }
        self.outbox.clear();
    }

    fn use_line(&mut self) {
        self.flush();
        for _ in 0..ORDERS_AT_ONCE {
            if !self.hears_the_line() || !self.obey_next() {
                return;
            }
        }
    }

    /// Carries out everything that a daemon that is gone had still ordered: among that may be the
    /// order to end.
    pub fn hear_out(&mut self) {
        while self.hears_the_line() && self.obey_next() {}
    }

    /// One order. False: there is none now, or nobody to give any.
    fn obey_next(&mut self) -> bool {
        let Some(end) = &self.line else { return false };
        match line::receive_with(end.as_fd()) {
            Ok(Some((order, socket))) => self.perform(order, socket),
            Ok(None) => {
                self.disconnect();
                return false;
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => return false,
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::InvalidData => {
                    say::warning!("the daemon said what nobody understands: {error}")
                }
                _ => {
                    self.disconnect();
                    return false;
                }
            },
        }
        true
    }

    fn perform(&mut self, order: Order, socket: Option<OwnedFd>) {
        match order {
            Order::Launch(launch) => self.launch(*launch),
            Order::Signal { run, signal, tree: false } => self.signal(run, signal, false),
            Order::Signal { run, signal, tree: true } => self.ask(run, Ask::Signal(signal)),
            Order::AskToEnd { run, signal } => self.ask(run, Ask::Message(signal)),
            Order::Give { request, run, to, text } => self.give(request, run, to, &text),
            Order::KeepReady { run, at } => self.keep_ready(run, at),
            Order::KillTree { run } => self.kill_tree(run),
            Order::TendLogs { request, tend, logs } => self.tend_logs(request, tend, &logs),
            Order::Forget { run } => self.forget(run),
            Order::ReleasePort { port } => self.release_port(port),
            Order::Steer { port, to, keep } => self.steer_to(port, to, &keep),
            Order::Ready => {
                self.notify.ready();
                self.daemon_serves();
            }
            Order::Pulse { status } => self.feel_pulse(&status),
            Order::Quit => self.quit_ordered(),
            Order::Hold { name } => self.hold(name, socket),
            Order::Release { name } => self.release(&name),
            Order::Replace(order) => self.replace_ordered(order),
        }
    }

    /// What a look at the host's processes needs to know.
    pub fn scope(&self) -> Scope {
        let me = std::process::id() as i32;
        Scope {
            outside: self.daemon.pid().into_iter().chain([me]).collect(),
            run_dir: self.run_dir.clone(),
            sets: self.runs.iter().map(|(id, run)| (run.record.set, *id)).collect(),
            home_mark: self.mark.clone(),
        }
    }
}
