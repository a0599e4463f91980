//! How the runs of each process ended, for what other runs took their place, and how long its health
//! checks took: since this daemon began. For whoever counts (`/metrics`); what is remembered for longer is in the store.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::histogram::Histogram;

use crate::model::{Cause, End, Event, EventKind, ExitCause, ProcessId, RunId};

/// Seconds, from a check within this host to one that hangs.
const CHECKS: [f64; 7] = [0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0];

/// For what another run took the place of one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Why {
    /// It exited by itself.
    Exit,
    /// A signal ended it that was not ours.
    Signal,
    /// The kernel ended it for lack of memory.
    Oom,
    /// It used too much memory.
    MemoryLimit,
    /// It was unhealthy, or not ready in time.
    Health,
    /// A file was changed.
    Watch,
    /// Its schedule said so.
    Schedule,
    /// Somebody wanted it.
    Manual,
    /// It had its turn in a reload.
    Deploy,
}

impl Why {
    /// All of them.
    pub const ALL: [Why; 9] = [
        Why::Exit,
        Why::Signal,
        Why::Oom,
        Why::MemoryLimit,
        Why::Health,
        Why::Watch,
        Why::Schedule,
        Why::Manual,
        Why::Deploy,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Why::Exit => "exit",
            Why::Signal => "signal",
            Why::Oom => "oom",
            Why::MemoryLimit => "memory_limit",
            Why::Health => "health",
            Why::Watch => "watch",
            Why::Schedule => "schedule",
            Why::Manual => "manual",
            Why::Deploy => "deploy",
        }
    }

    /// For what the next run takes the place of one that ended so. `None`: the next one is a start.
    fn of(end: End, cause: &ExitCause) -> Option<Why> {
        match (cause, end) {
            (ExitCause::Itself, End::Signal(_)) => Some(Why::Signal),
            (ExitCause::Itself, End::OutOfMemory) => Some(Why::Oom),
            (ExitCause::Itself, End::Code(_) | End::Unknown) => Some(Why::Exit),
            (ExitCause::OverMemory(_), _) => Some(Why::MemoryLimit),
            (ExitCause::Unhealthy { .. } | ExitCause::NotReady { .. }, _) => Some(Why::Health),
            (ExitCause::Asked(Cause::Restart), _) => Some(Why::Manual),
            (ExitCause::Asked(Cause::Reload), _) => Some(Why::Deploy),
            (ExitCause::Asked(Cause::Schedule), _) => Some(Why::Schedule),
            (ExitCause::Asked(Cause::FilesChanged), _) => Some(Why::Watch),
            (ExitCause::Asked(Cause::Stop | Cause::Delete | Cause::Scale | Cause::Shutdown), _) => None,
            // It takes nobody's place, and nobody takes its.
            (ExitCause::TakenBack | ExitCause::Rehearsed, _) => None,
        }
    }
}

/// What was counted of one process.
#[derive(Clone, Default)]
pub struct Counted {
    /// How often its runs ended so.
    pub ends: Vec<(End, u64)>,
    /// How often another run took the place of one, for that.
    pub restarts: BTreeMap<Why, u64>,
    /// Its newest run, while that lives.
    newest: Option<RunId>,
    /// A run is over, and none has taken its place yet.
    over: Option<Why>,
}

impl Counted {
    fn started(&mut self, run: Option<RunId>) {
        self.newest = run;
        let over = self.over.take();
        self.restarted(over);
    }

    fn exited(&mut self, run: Option<RunId>, end: End, why: Option<Why>) {
        match self.ends.iter_mut().find(|(known, _)| *known == end) {
            Some((_, count)) => *count += 1,
            None => self.ends.push((end, 1)),
        }
        // In a reload the new run is there before the old one goes.
        if self.newest.is_some() && run < self.newest {
            self.restarted(why);
        } else {
            (self.newest, self.over) = (None, why);
        }
    }

    fn restarted(&mut self, why: Option<Why>) {
        if let Some(why) = why {
            *self.restarts.entry(why).or_default() += 1;
        }
    }
}

/// What was counted, by process.
#[derive(Default)]
pub struct Counts {
    runs: Mutex<BTreeMap<ProcessId, Counted>>,
    checks: Mutex<BTreeMap<ProcessId, Histogram>>,
}

impl Counts {
    /// Of that process.
    pub fn of(&self, process: ProcessId) -> Counted {
        self.runs().get(&process).cloned().unwrap_or_default()
    }

    /// How long the health checks of each took, in seconds.
    pub fn checks(&self) -> BTreeMap<ProcessId, Histogram> {
        self.of_checks().clone()
    }

    /// Where those of that process are counted.
    pub(super) fn checks_of(&self, process: ProcessId) -> Histogram {
        self.of_checks().entry(process).or_insert_with(|| Histogram::new(CHECKS)).clone()
    }

    /// Something happened.
    pub(super) fn learn(&self, event: &Event) {
        let mut all = self.runs();
        let counted = all.entry(event.process).or_default();
        match &event.kind {
            EventKind::Started { .. } => counted.started(event.run),
            EventKind::Exited { end, cause, .. } => counted.exited(event.run, *end, Why::of(*end, cause)),
            // Who runs it again starts it.
            EventKind::Stopped | EventKind::Errored { .. } => counted.over = None,
            EventKind::Deleted => {
                all.remove(&event.process);
                self.of_checks().remove(&event.process);
            }
            EventKind::Created
            | EventKind::Waits { .. }
            | EventKind::Needed { .. }
            | EventKind::SpawnFailed { .. }
            | EventKind::Scheduled { .. }
            | EventKind::SlotSkipped
            | EventKind::SlotQueued
            | EventKind::SlotMissed { .. }
            | EventKind::FilesChanged { .. }
            | EventKind::StopAsked { .. }
            | EventKind::StopTakenBack
            | EventKind::Rehearsing { .. }
            | EventKind::Reloading { .. }
            | EventKind::ReloadFailed { .. }
            | EventKind::Signalled { .. }
            | EventKind::CountersReset
            | EventKind::Updated
            | EventKind::OverMemory(_)
            | EventKind::HostBudget
            | EventKind::Killed
            | EventKind::BackingOff { .. }
            | EventKind::Healthy
            | EventKind::Unhealthy { .. }
            | EventKind::Ready { .. }
            | EventKind::NotReady { .. }
            | EventKind::LogRefused { .. }
            | EventKind::LogTakes { .. } => {}
        }
    }

    fn runs(&self) -> MutexGuard<'_, BTreeMap<ProcessId, Counted>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of_checks(&self) -> MutexGuard<'_, BTreeMap<ProcessId, Histogram>> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{AppId, Pid, Reason, Signal};

    const KILLED: End = End::Signal(Signal::KILL);

    fn started(run: u64) -> (u64, EventKind) {
        (run, EventKind::Started { pid: Pid(1) })
    }

    fn exited(run: u64, end: End, cause: ExitCause) -> (u64, EventKind) {
        (run, EventKind::Exited { end, cause, uptime: Duration::ZERO })
    }

    #[track_caller]
    fn check(story: Vec<(u64, EventKind)>, restarts: &[(Why, u64)], ends: &[(End, u64)]) {
        let counts = Counts::default();
        for (run, kind) in story {
            counts.learn(&Event { app: AppId(1), process: ProcessId(1), run: Some(RunId(run)), kind });
        }
        let counted = counts.of(ProcessId(1));
        assert_eq!(counted.restarts, restarts.iter().copied().collect());
        assert_eq!(counted.ends, ends);
    }

    #[test]
    fn a_run_that_takes_the_place_of_another_is_a_restart_for_what_ended_that() {
        let story = vec![
            started(1),
            exited(1, End::Code(3), ExitCause::Itself),
            started(2),
            exited(2, KILLED, ExitCause::Itself),
            started(3),
            exited(3, End::Code(3), ExitCause::Asked(Cause::Restart)),
            started(4),
            exited(4, End::OutOfMemory, ExitCause::Itself),
            started(5),
        ];
        let restarts = [(Why::Exit, 1), (Why::Signal, 1), (Why::Manual, 1), (Why::Oom, 1)];
        check(story, &restarts, &[(End::Code(3), 2), (KILLED, 1), (End::OutOfMemory, 1)]);
    }

    #[test]
    fn what_is_started_after_a_rest_was_not_restarted() {
        let stopped = |run| (run, EventKind::Stopped);
        let story = vec![
            started(1),
            exited(1, End::Code(0), ExitCause::Asked(Cause::Stop)),
            stopped(1),
            started(2),
            exited(2, End::Code(0), ExitCause::Itself),
            stopped(2),
            started(3),
            exited(3, End::Code(1), ExitCause::Itself),
            (3, EventKind::Errored { reason: Reason::Ended(End::Code(1)) }),
            started(4),
        ];
        check(story, &[], &[(End::Code(0), 2), (End::Code(1), 1)]);
    }

    #[test]
    fn in_a_reload_the_new_run_is_there_first_and_one_that_fails_takes_nobodys_place() {
        let reload = || ExitCause::Asked(Cause::Reload);
        let well = vec![started(1), started(2), exited(1, End::Code(0), reload())];
        check(well, &[(Why::Deploy, 1)], &[(End::Code(0), 1)]);
        let fails = vec![started(1), started(2), exited(2, End::Code(1), ExitCause::Itself)];
        check(fails, &[], &[(End::Code(1), 1)]);
    }

    #[test]
    fn nothing_is_left_of_what_was_deleted() {
        check(vec![started(1), exited(1, KILLED, ExitCause::Itself), (1, EventKind::Deleted)], &[], &[]);
    }
}
