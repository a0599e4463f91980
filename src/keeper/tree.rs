//! Trees without a fence: who belongs to a run, found by looking at every process of the host.
//!
//! A member is the main process, whoever is in its session, whoever carries its mark
//! (`PMDAEMON_RUN`) in the environment with which it was executed, an orphan without any mark whose
//! output is a FIFO of the run, and every descendant of those. A process that cleared its
//! environment, left session and parent, and redirected its output is not found.
//! The number of a session is used again only when nobody is left in it. So when the main process
//! is gone and another process has its number, that session is somebody else's.
//! One look can miss a process that forks while it is taken, so "empty" needs two looks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use super::process::{self, Stat};
use super::sets::FileSet;

/// The name of the mark in the environment of a run.
pub const MARK: &str = "PMDAEMON_RUN";

/// The mark of one run: the home's hash, then the run.
pub fn mark(home_mark: &str, run: u64) -> String {
    format!("{home_mark}-{run}")
}

/// The processes of the host that live, at one time.
pub struct Look {
    processes: BTreeMap<i32, Living>,
}

struct Living {
    stat: Stat,
    mark: Option<String>,
}

/// What a look needs to know.
pub struct Scope {
    /// The keeper and the daemon: they belong to no run, whatever they inherited.
    pub outside: Vec<i32>,
    /// Where the FIFOs are.
    pub run_dir: PathBuf,
    /// Whose they are.
    pub sets: BTreeMap<FileSet, u64>,
    /// What stands for the home in marks.
    pub home_mark: String,
}

impl Scope {
    /// The mark of the run whose FIFO that process has as its output.
    fn mark_by_output(&self, pid: i32) -> Option<String> {
        let run_of = |fd: i32| {
            let target = fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok()?;
            let set = FileSet::of(target.strip_prefix(&self.run_dir).ok()?)?;
            self.sets.get(&set)
        };
        [1, 2].into_iter().find_map(run_of).map(|run| mark(&self.home_mark, *run))
    }

    /// Lost its parent: what takes such processes in is the keeper, or the first process.
    fn is_orphan(&self, stat: &Stat) -> bool {
        stat.ppid == 1 || self.outside.contains(&stat.ppid)
    }
}

impl Look {
    /// Looks.
    pub fn take(scope: &Scope) -> Look {
        let mut processes = BTreeMap::new();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
                continue;
            };
            if scope.outside.contains(&pid) {
                continue;
            }
            let Some(stat) = process::stat(pid).filter(|stat| !stat.zombie) else { continue };
            let by_output = || if scope.is_orphan(&stat) { scope.mark_by_output(pid) } else { None };
            processes.insert(pid, Living { stat, mark: mark_of(pid).or_else(by_output) });
        }
        Look { processes }
    }

    /// Who belongs to the run of that mark whose main process is, or was, `main` (number and
    /// start time).
    pub fn members(&self, mark: &str, main: Option<(i32, u64)>) -> Vec<Stat> {
        let reused = |(pid, start): (i32, u64)| process::stat(pid).is_some_and(|now| now.start != start);
        let session = main.filter(|main| !reused(*main));
        let belongs = |one: &&Living| one.belongs(mark, session);
        let mut members: BTreeSet<i32> =
            self.processes.values().filter(belongs).map(|one| one.stat.pid).collect();
        // Down from those to their descendants, until a pass finds nobody new.
        loop {
            let before = members.len();
            for one in self.processes.values() {
                if members.contains(&one.stat.ppid) {
                    members.insert(one.stat.pid);
                }
            }
            if members.len() == before {
                break;
            }
        }
        members.iter().map(|pid| self.processes[pid].stat).collect()
    }

    /// The process that leads its own session under that mark: a main process nobody wrote down.
    pub fn leader(&self, mark: &str) -> Option<Stat> {
        let leads = |one: &&Living| one.stat.session == one.stat.pid && one.mark.as_deref() == Some(mark);
        // The oldest: a member may have made a session of its own.
        self.processes.values().filter(leads).map(|one| one.stat).min_by_key(|stat| stat.start)
    }
}

impl Living {
    fn belongs(&self, mark: &str, main: Option<(i32, u64)>) -> bool {
        let marked = self.mark.as_deref() == Some(mark);
        let Some((pid, start)) = main else { return marked };
        let is_main = self.stat.pid == pid && self.stat.start == start;
        // Somebody else's mark: the number of the session was used again after ours was over.
        let in_session = self.stat.session == pid
            && self.stat.start >= start
            && (self.stat.pid != pid || is_main)
            && self.mark.as_deref().is_none_or(|theirs| theirs == mark);
        marked || is_main || in_session
    }
}

/// The mark in the environment with which a process was executed.
pub fn mark_of(pid: i32) -> Option<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    environment.split(|byte| *byte == 0).find_map(|variable| {
        let value = variable.strip_prefix(MARK.as_bytes())?.strip_prefix(b"=")?;
        Some(String::from_utf8_lossy(value).into_owned())
    })
}

/// Two looks, taken when first asked for.
#[derive(Default)]
pub struct TwoLooks {
    looks: Option<(Look, Look)>,
}

impl TwoLooks {
    /// Nobody of that run was there, in neither look.
    pub fn agree_on_empty(&mut self, scope: &Scope, mark: &str, main: Option<(i32, u64)>) -> bool {
        let looks = self.looks.get_or_insert_with(|| (Look::take(scope), Look::take(scope)));
        looks.0.members(mark, main).is_empty() && looks.1.members(mark, main).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_marked_process_and_its_children_are_members_and_nobody_else_is() {
        let mark = format!("test-{}", std::process::id());
        let mut child = Command::new("/bin/sh")
            .args(["-c", "env -i sleep 60 & echo; wait"])
            .env(MARK, &mark)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0]).unwrap();
        let scope = Scope {
            outside: Vec::new(),
            run_dir: "/nowhere".into(),
            sets: BTreeMap::new(),
            home_mark: String::new(),
        };
        let found = Look::take(&scope).members(&mark, None);
        let mut pids: Vec<i32> = found.iter().map(|stat| stat.pid).collect();
        pids.retain(|pid| *pid != child.id() as i32);
        assert_eq!(pids.len(), 1, "the shell and its sleep: {found:?}");
        assert!(Look::take(&scope).members("test-nobody", None).is_empty());
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pids[0]), nix::sys::signal::SIGKILL).unwrap();
        child.wait().unwrap();
    }
}
