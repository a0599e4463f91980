//! What an earlier keeper left: its runs go on, and this keeper takes them over.
//!
//! Their main processes are not our children, so a pidfd watches them; their output has waited in
//! the FIFOs; their logs are continued at the end. What ended meanwhile is kept as ended, with the
//! ending if the earlier keeper saw it, otherwise as unknown, never as a success.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

use nix::sys::epoll::EpollFlags;

use super::event_loop::Keeper;
use super::flow::ARMED;
use super::inheritance::RunPassed;
use super::poll::{Source, Which};
use super::process::{self, Pidfd, boot_micros};
use super::protocol::Ending;
use super::record::{MainRecord, Record};
use super::run::{Life, Run};
use super::sets::FileSet;
use super::tree::{self, Look, TwoLooks};
use super::{fifo, say};

impl Keeper {
    /// Takes over whatever is recorded, once, at the start.
    /// `passed`: what the program before, in this process, has left of them.
    pub fn adopt_all(&mut self, mut passed: BTreeMap<u64, RunPassed>) -> io::Result<()> {
        let (records, unreadable) = Record::read_all(&self.run_dir)?;
        for path in unreadable {
            say::warning!("{} is not a record of a run; it is removed", path.display());
            let _ = fs::remove_file(path);
        }
        let mut looks = TwoLooks::default();
        for record in records {
            self.sets.begin_after(record.set);
            if record.boot == self.boot {
                let passed = passed.remove(&record.run).unwrap_or_default();
                self.adopt(record, passed, &mut looks);
            } else {
                record.remove(&self.run_dir);
            }
        }
        self.capture.all_settled();
        self.take_sockets_back();
        self.remove_strays()?;
        if let Some(cgroups) = &self.cgroups {
            let known = |path: &std::path::Path| {
                self.runs.values().any(|run| run.record.leaf.as_deref() == Some(path))
            };
            cgroups.sweep(known);
        }
        Ok(())
    }

    fn adopt(&mut self, mut record: Record, mut passed: RunPassed, looks: &mut TwoLooks) {
        let id = record.run;
        if record.main.is_none() {
            record.main = self.find_main(&record);
            let _ = record.write(&self.run_dir);
        }
        if !passed.own && record.ended.is_none() && self.was_never_executed(&record) {
            say::info!("run {id} was being launched and is not: its keeper died too early");
            record.remove(&self.run_dir);
            return;
        }
        let life = match (record.ended, record.main) {
            // Our child still: its end waits for us, also if it has come already.
            (None, Some(_)) if passed.own => Life::Running,
            (None, Some(main)) => Pidfd::open(main.pid, main.start).map_or(Life::Ended, Life::Adopted),
            (Some(_), _) | (None, None) => Life::Ended,
        };
        let mut run = Run::new(record, life);
        self.reopen(&mut run, &mut passed);
        if run.is_ended() && run.record.ended.is_none() {
            run.record.ended = Some((Ending::Unknown, boot_micros()));
            let _ = run.record.write(&self.run_dir);
        }
        let (ended, has_main, forgotten) = (run.is_ended(), run.record.main.is_some(), run.record.forgotten);
        self.runs.insert(id, run);
        self.take_up_talk(id);
        if ended {
            let empty = self.look_for_rest(id, looks);
            if let Some(run) = self.runs.get_mut(&id) {
                run.tree_empty = empty;
            }
            self.drain_run(id);
            self.let_go_if_over(id);
            // Never came to be, or of no interest to anybody.
            if empty && (!has_main || forgotten) {
                self.drop_run(id);
            }
        } else if !passed.own && !self.watch_main(id) {
            say::warning!("cannot watch the main process of run {id}");
        }
        if self.runs.contains_key(&id) {
            say::info!("took over run {id}");
        }
    }

    /// The keeper that forked it did not live to write its number down.
    fn find_main(&self, record: &Record) -> Option<MainRecord> {
        let mark = tree::mark(&self.mark, record.run);
        let leader = Look::take(&self.scope()).leader(&mark)?;
        Some(MainRecord { pid: leader.pid, start: leader.start, at: boot_micros() })
    }

    /// Only who lives has something to say.
    fn take_up_talk(&mut self, id: u64) {
        let main = self.runs.get(&id).filter(|run| !run.is_ended()).and_then(Run::main);
        if let Some(pidfd) = main.and_then(|(pid, start)| Pidfd::open(pid, start)) {
            self.talk_again(id, &pidfd);
        }
    }

    /// Whether the main process is a child that still waits for that keeper to let it become its
    /// program, or was just about to. It does not become that any more: the daemon, which hears of
    /// no such run, orders another one.
    fn was_never_executed(&self, record: &Record) -> bool {
        let Some(main) = record.main else { return false };
        let Some(pidfd) = Pidfd::open(main.pid, main.start) else { return false };
        let program = |pid: &str| fs::read_link(format!("/proc/{pid}/exe")).ok();
        let is_a_keeper = program(&main.pid.to_string()).is_some_and(|one| Some(one) == program("self"));
        // A program gets its mark by being executed.
        let unborn =
            is_a_keeper && tree::mark_of(main.pid).as_deref() != Some(&tree::mark(&self.mark, record.run));
        if unborn {
            let _ = pidfd.signal(libc::SIGKILL);
        }
        unborn
    }

    fn watch_main(&self, id: u64) -> bool {
        let Some(Life::Adopted(pidfd)) = self.runs.get(&id).map(|run| &run.life) else { return false };
        // Edges: between the end of the process and its parent's waiting for it, the level stays.
        let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
        self.poller.add(pidfd, Source::Main(id), flags).is_ok()
    }

    fn reopen(&mut self, run: &mut Run, passed: &mut RunPassed) {
        let id = run.record.run;
        for which in Which::BOTH {
            let log = match which {
                Which::Out => run.record.out_file.clone(),
                Which::Err => run.record.err_file.clone(),
            };
            let opened = passed
                .fifo(which)
                .map_or_else(|| fifo::open(&run.record.set.fifo(&self.run_dir, which)), Ok)
                .and_then(|fifo| Ok(self.capture.open(fifo, &log, &run.record.logs)?))
                .and_then(|stream| {
                    self.capture.settle(&stream);
                    self.poller.add(&stream, Source::fifo(id, which), ARMED)?;
                    Ok(stream)
                });
            match opened {
                Ok(stream) => *run.stream(which) = Some(stream),
                // An ended run has given its FIFOs up already.
                Err(_) if run.is_ended() => {}
                Err(error) => say::warning!("cannot go on with {}: {error}", log.display()),
            }
        }
    }

    /// Sets that waited for a run, sockets, and what is without a record.
    fn remove_strays(&mut self) -> io::Result<()> {
        let taken: BTreeSet<FileSet> = self.runs.values().map(|run| run.record.set).collect();
        for entry in fs::read_dir(&self.run_dir)? {
            let path = entry?.path();
            let kind = path.extension().and_then(|extension| extension.to_str());
            let number = FileSet::of(&path);
            let stray = match kind {
                Some("out" | "err" | "app" | "json") => number.is_some_and(|set| !taken.contains(&set)),
                Some("notify") => number.is_some_and(|FileSet(run)| !self.runs.contains_key(&run)),
                Some("tmp") => number.is_some(),
                Some(_) | None => false,
            };
            if stray {
                let _ = fs::remove_file(path);
            }
        }
        Ok(())
    }

    /// Watches the daemon that has started us. If it is gone already, another one is started.
    pub fn watch_adopted_daemon(&mut self, pid: i32) {
        let alive = process::stat(pid).and_then(|stat| Pidfd::open(pid, stat.start));
        let watched =
            alive.filter(|pidfd| self.poller.add(pidfd, Source::Daemon, EpollFlags::EPOLLIN).is_ok());
        match watched {
            Some(pidfd) => self.daemon.adopt(pid, pidfd),
            None => {
                say::warning!("the daemon that started this keeper, pid {pid}, is gone");
                self.start_daemon();
            }
        }
    }
}
