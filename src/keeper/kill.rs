//! Signals to a run: to its main process, to the whole tree, and the one that nobody survives.
//!
//! A tree in a cgroup is killed by the kernel at once. Otherwise everybody is stopped first, so
//! that nobody can fork away, then killed, round after round, until two looks in a row find nobody.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::alarms::Alarm;
use super::event_loop::Keeper;
use super::process::{Pidfd, Stat, stat};
use super::run::{Killing, Life};
use super::say;
use super::tree::{self, Look};
use crate::fault;

/// Between two rounds at first; doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(15);
/// A process that does not die of SIGKILL (it waits for a dead disk) is not worth more.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long a look at the host serves for signals.
const LOOK_SERVES: Duration = Duration::from_millis(20);
/// Rounds of stopping before killing: each can find children of somebody not yet stopped.
const STOP_ROUNDS: usize = 10;

impl Keeper {
    /// Sends a signal to the main process, or to everybody of the tree.
    pub fn signal(&mut self, id: u64, signal: i32, whole_tree: bool) {
        fault::point!("stop.before_signal");
        if whole_tree {
            for member in self.members_lately(id) {
                send(&member, signal);
            }
        } else {
            self.signal_main(id, signal);
        }
        fault::point!("stop.after_signal");
    }

    fn signal_main(&self, id: u64, signal: i32) {
        let Some(run) = self.runs.get(&id) else { return };
        match (&run.life, run.record.main) {
            (Life::Adopted(pidfd), _) => {
                let _ = pidfd.signal(signal);
            }
            (Life::Launching(_) | Life::Failing(_) | Life::Running, Some(main)) => {
                // Our child, and only we wait for it: the number cannot be anybody else's.
                // SAFETY: kill takes two integers. Not nix's: its enum has no real-time signals.
                unsafe { libc::kill(main.pid, signal) };
            }
            (Life::Launching(_) | Life::Failing(_) | Life::Running, None) | (Life::Ended, _) => {}
        }
    }

    /// Everybody who belongs to a run now.
    fn members(&self, id: u64) -> Vec<Stat> {
        let Some(run) = self.runs.get(&id) else { return Vec::new() };
        let Some(leaf) = run.leaf() else {
            return Look::take(&self.scope()).members(&tree::mark(&self.mark, id), run.main());
        };
        let mut pids = leaf.members();
        // A child that has not joined its cgroup yet.
        pids.extend(run.own_child().filter(|pid| !pids.contains(pid)));
        pids.into_iter().filter_map(stat).filter(|stat| !stat.zombie).collect()
    }

    /// Everybody who belonged to a run a moment ago. A look at the host costs as much as it has
    /// processes, so one serves all runs that are signalled in a row: with 500 of them, 500 looks
    /// would take seconds. Who was born since then is found when the rest of the tree is killed.
    fn members_lately(&mut self, id: u64) -> Vec<Stat> {
        let Some(run) = self.runs.get(&id) else { return Vec::new() };
        if run.leaf().is_some() {
            return self.members(id);
        }
        let (main, own_child) = (run.main(), run.own_child());
        self.drop_old_look();
        let mark = tree::mark(&self.mark, id);
        let scope = self.scope();
        let (_, look) = self.recent_look.get_or_insert_with(|| {
            let look = Look::take(&scope);
            (Instant::now(), look)
        });
        let mut members = look.members(&mark, main);
        let is_new = |pid: &i32| !members.iter().any(|member| member.pid == *pid);
        let newer = own_child.filter(is_new).and_then(stat).filter(|stat| !stat.zombie);
        members.extend(newer);
        members
    }

    /// Forgets a look that is too old to serve.
    pub fn drop_old_look(&mut self) {
        if self.recent_look.as_ref().is_some_and(|(at, _)| at.elapsed() > LOOK_SERVES) {
            self.recent_look = None;
        }
    }

    /// SIGKILL to everybody, until nobody is left.
    pub fn kill_tree(&mut self, id: u64) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        if run.is_ended() && run.tree_empty {
            return;
        }
        run.killing = Some(Killing { pause: FIRST_PAUSE, empty_looks: 0 });
        fault::point!("stop.before_kill");
        self.kill_round(id);
        fault::point!("stop.after_kill");
    }

    /// One round of it.
    pub fn kill_round(&mut self, id: u64) {
        let Some(run) = self.runs.get(&id).filter(|run| run.killing.is_some()) else { return };
        let ended = run.is_ended();
        let found = match run.leaf() {
            Some(leaf) => {
                if let Err(error) = leaf.kill() {
                    say::warning!("cannot kill {}: {error}", leaf.0.display());
                }
                // It need not have joined its cgroup yet.
                self.signal_main(id, libc::SIGKILL);
                !leaf.is_empty()
            }
            None => self.stop_and_kill(id),
        };
        let Some(run) = self.runs.get_mut(&id) else { return };
        let Some(killing) = &mut run.killing else { return };
        killing.empty_looks = if found { 0 } else { killing.empty_looks + 1 };
        if ended && killing.empty_looks >= 2 {
            return self.tree_gone(id);
        }
        self.alarms.set(Alarm::Kill(id), Instant::now() + killing.pause);
        killing.pause = (killing.pause * 2).min(LONGEST_PAUSE);
    }

    /// Returns whether there was anybody.
    fn stop_and_kill(&self, id: u64) -> bool {
        let mut stopped: Vec<(i32, u64)> = Vec::new();
        let mut members = Vec::new();
        for _ in 0..STOP_ROUNDS {
            members = self.members(id);
            let is_new = |one: &&Stat| !stopped.contains(&(one.pid, one.start));
            let fresh: Vec<Stat> = members.iter().filter(is_new).copied().collect();
            if fresh.is_empty() {
                break;
            }
            for one in fresh {
                send(&one, libc::SIGSTOP);
                stopped.push((one.pid, one.start));
            }
        }
        for one in &members {
            send(one, libc::SIGKILL);
        }
        !members.is_empty()
    }
}

/// Signals the process that was seen, and no other that has got its number since.
fn send(seen: &Stat, signal: i32) {
    match Pidfd::open_any(seen.pid) {
        Ok(pidfd) => {
            if stat(seen.pid).is_some_and(|now| now.start == seen.start) {
                let _ = pidfd.signal(signal);
            }
        }
        // Without descriptors left, better without this one than not at all.
        Err(nix::errno::Errno::EMFILE | nix::errno::Errno::ENFILE) => {
            if let Ok(signal) = Signal::try_from(signal) {
                let _ = kill(Pid::from_raw(seen.pid), signal);
            }
        }
        Err(_) => {}
    }
}
