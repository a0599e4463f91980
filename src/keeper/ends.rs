//! How runs end: the main process, then the rest of its tree, then, when the daemon has written
//! that down, everything that reminds of it.
//!
//! `Exited` is said when everything that the run wrote until then is in its logs. The keeper is
//! the parent of the main processes and, as a subreaper, of whoever lost his parent; it waits for
//! all of them.

use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;

use super::alarms::Alarm;
use super::event_loop::Keeper;
use super::poll::Source;
use super::process::{self, boot_micros};
use super::protocol::{Ending, Report};
use super::run::{Life, Run};
use super::say;
use super::tree::{self, TwoLooks};
use crate::fault;

/// Without waiting; also those that are stopped, and those that go on.
const REPORTS: libc::c_int = libc::WNOHANG | libc::WUNTRACED | libc::WCONTINUED;
/// How long after the end of an adopted main process its status is waited for.
const STATUS_WAIT: Duration = Duration::from_secs(5);
/// Trees without a cgroup are looked at this long after a child ended (many end together) ...
const LOOK_SOON: Duration = Duration::from_millis(20);
/// ... and this often in any case.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl Keeper {
    /// Waits for every child that has ended, and hears of those that were stopped or go on.
    pub fn reap(&mut self) {
        // One look at the host serves all that ended together.
        let mut looks = TwoLooks::default();
        loop {
            let mut status = 0;
            // SAFETY: all zero is a valid value of this struct of numbers.
            let mut used: libc::rusage = unsafe { std::mem::zeroed() };
            // SAFETY: writes one int and one struct to the places that it is given. Not nix's wait: its
            // enum has no place for real-time signals.
            let pid = unsafe { libc::wait4(-1, &mut status, REPORTS, &mut used) };
            if pid <= 0 {
                if pid < 0 && Errno::last() == Errno::EINTR {
                    continue;
                }
                break;
            }
            if libc::WIFSTOPPED(status) || libc::WIFCONTINUED(status) {
                self.paused(pid, libc::WIFSTOPPED(status));
                continue;
            }
            let end = process::ending(status);
            fault::point!("end.after_reap");
            let run = self.runs.iter().find(|(_, run)| run.own_child() == Some(pid)).map(|(id, _)| *id);
            match run {
                Some(id) => {
                    if let Some(run) = self.runs.get_mut(&id) {
                        run.peak = Some(used.ru_maxrss.max(0) as u64 * 1024);
                    }
                    self.own_main_ended(id, end, &mut looks);
                }
                None if self.daemon.is_own(pid) => self.own_daemon_ended(end),
                None => {}
            }
        }
        if self.awaits_looks() {
            self.alarms.set(Alarm::CheckTrees, Instant::now() + LOOK_SOON);
        }
    }

    /// A child was stopped, or goes on.
    fn paused(&mut self, pid: i32, paused: bool) {
        let run = self.runs.iter_mut().find(|(_, run)| run.own_child() == Some(pid));
        if let Some((id, run)) = run {
            run.paused = paused;
            let id = *id;
            self.steer_around(id);
        }
    }

    fn own_main_ended(&mut self, id: u64, end: Ending, looks: &mut TwoLooks) {
        // It may have been quicker than the news of its start.
        self.launch_settled(id);
        if !self.failing_ended(id) {
            self.main_ended(id, end, looks);
        }
    }

    /// The main process of a run is no more.
    fn main_ended(&mut self, id: u64, end: Ending, looks: &mut TwoLooks) {
        if self.runs.get(&id).is_none_or(Run::is_ended) {
            return;
        }
        self.drain_run(id);
        self.end_talk(id);
        let tree_empty = self.look_for_rest(id, looks);
        let at = boot_micros();
        let Some(run) = self.runs.get_mut(&id) else { return };
        run.life = Life::Ended;
        run.tree_empty = tree_empty;
        run.record.ended = Some((end, at));
        if let Err(error) = run.record.write(&self.run_dir) {
            // The daemon is told all the same; only the next keeper would not know it.
            say::warning!("cannot write down the end of run {id}: {error}");
        }
        fault::point!("end.after_record");
        say::info!("run {id} of process {} {}", run.record.process, process::ending_words(end));
        if tree_empty {
            self.end_tree(id);
        }
        self.steer_around(id);
        let remembered = self.runs.get(&id).filter(|run| !run.record.forgotten);
        if let Some(peak) = remembered.map(|run| run.peak) {
            self.tell(Report::Exited { run: id, end, at, tree_empty, peak });
            fault::point!("end.after_report");
        }
        self.drop_if_over(id);
    }

    /// Whether nothing is left of the tree. If something is, waits for its end.
    pub fn look_for_rest(&mut self, id: u64, looks: &mut TwoLooks) -> bool {
        let scope = self.scope();
        let Some(run) = self.runs.get_mut(&id) else { return true };
        let Some(leaf) = run.leaf() else {
            let mark = tree::mark(&self.mark, id);
            let empty = looks.agree_on_empty(&scope, &mark, run.main());
            if !empty {
                self.alarms.set(Alarm::CheckTrees, Instant::now() + LOOK_AGAIN);
            }
            return empty;
        };
        // A leaf that is gone has nobody in it.
        let Ok(events) = leaf.events() else { return true };
        // In the set before it is read: a change after the reading is then reported.
        let added = self.poller.add(&events.0, Source::Tree(id), EpollFlags::EPOLLPRI | EpollFlags::EPOLLET);
        if events.is_empty() {
            return true;
        }
        if let Err(error) = added {
            say::warning!("cannot watch {}: {error}", leaf.0.display());
        }
        run.events = Some(events);
        false
    }

    /// The cgroup of a run has become empty, or was empty and is not.
    pub fn tree_changed(&mut self, id: u64) {
        let Some(run) = self.runs.get(&id) else { return };
        if run.events.as_ref().is_some_and(super::cgroup::Events::is_empty) {
            self.tree_gone(id);
        }
    }

    /// Looks which of the trees without a cgroup are over.
    pub fn check_trees(&mut self) {
        let scope = self.scope();
        let mut looks = TwoLooks::default();
        let waiting = |run: &&Run| run.is_ended() && !run.tree_empty && run.record.leaf.is_none();
        let gone: Vec<u64> = self
            .runs
            .values()
            .filter(waiting)
            .filter(|run| looks.agree_on_empty(&scope, &tree::mark(&self.mark, run.record.run), run.main()))
            .map(|run| run.record.run)
            .collect();
        for id in gone {
            self.tree_gone(id);
        }
        if self.awaits_looks() {
            self.alarms.set(Alarm::CheckTrees, Instant::now() + LOOK_AGAIN);
        }
    }

    fn awaits_looks(&self) -> bool {
        self.runs.values().any(|run| run.is_ended() && !run.tree_empty && run.record.leaf.is_none())
    }

    /// The main process had ended before, and now the rest has.
    pub fn tree_gone(&mut self, id: u64) {
        let Some(run) = self.runs.get_mut(&id).filter(|run| run.is_ended() && !run.tree_empty) else {
            return;
        };
        run.tree_empty = true;
        self.end_tree(id);
        if self.runs.get(&id).is_some_and(|run| !run.record.forgotten) {
            self.tell(Report::TreeGone { run: id });
        }
        self.drop_if_over(id);
    }

    /// Nobody is left who could write or be killed.
    fn end_tree(&mut self, id: u64) {
        if let Some(run) = self.runs.get_mut(&id) {
            run.events = None;
            run.killing = None;
            if let Some(leaf) = run.leaf() {
                leaf.remove();
            }
        }
        self.close_sockets();
        self.let_go_if_over(id);
    }

    /// The daemon has written the end down.
    pub fn forget(&mut self, id: u64) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        fault::point!("forget.before");
        run.record.forgotten = true;
        if !(run.is_ended() && run.tree_empty) {
            // What is left of it is still captured and can still be killed.
            let _ = run.record.write(&self.run_dir);
        }
        self.drop_if_over(id);
    }

    fn drop_if_over(&mut self, id: u64) {
        if self.runs.get(&id).is_some_and(|run| run.record.forgotten && run.is_ended() && run.tree_empty) {
            self.drop_run(id);
        }
    }

    /// Lets go of a run; its files are removed a moment later.
    pub fn drop_run(&mut self, id: u64) {
        if self.drain_run(id) {
            say::warning!("the last output of run {id} is lost: its file takes nothing");
        }
        self.close_streams(id);
        self.end_talk(id);
        fault::point!("forget.before_drop");
        if let Some(run) = self.runs.remove(&id) {
            run.leaf().into_iter().for_each(|leaf| leaf.remove());
            self.throw_away(id, run.record.set);
        }
        self.close_sockets();
        fault::point!("forget.after");
    }

    /// Something happened to an adopted main process: it became a zombie, or its parent has waited
    /// for it.
    pub fn adopted_main_changed(&mut self, id: u64) {
        let Some(run) = self.runs.get(&id) else { return };
        let (Life::Adopted(pidfd), Some((pid, start))) = (&run.life, run.main()) else { return };
        match pidfd.exit_info().or_else(|| process::zombie_ending(pid, start)) {
            Some(end) => self.main_ended(id, end, &mut TwoLooks::default()),
            // The second event, when its parent has waited for it, tells.
            None => self.alarms.set(Alarm::GiveUpStatus(id), Instant::now() + STATUS_WAIT),
        }
    }

    /// Nobody told how an adopted main process ended.
    pub fn give_up_status(&mut self, id: u64) {
        let Some(run) = self.runs.get(&id) else { return };
        if let Life::Adopted(pidfd) = &run.life {
            let end = pidfd.exit_info().unwrap_or(Ending::Unknown);
            self.main_ended(id, end, &mut TwoLooks::default());
        }
    }
}
