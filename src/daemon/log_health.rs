//! How the logs of processes are: how much they took, what takes no output, and what was dropped for that.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;

use crate::keeper::protocol::{LogReport, LogStream};
use crate::model::{ByteSize, EventKind, ProcessId, RunId};

/// What the keeper has told last of each log that is not, or was not, well in the present run of
/// its process; and how much each took of all runs since this daemon began.
#[derive(Default)]
pub struct LogHealth {
    unwell: Mutex<BTreeMap<(ProcessId, LogStream), LogReport>>,
    taken: Mutex<BTreeMap<(ProcessId, LogStream), Taken>>,
}

/// The bytes of the runs that were heard of last, and of all before those.
#[derive(Default)]
struct Taken {
    runs: VecDeque<(RunId, u64)>,
    before: u64,
}

/// A process has at most so many runs of which anything may still come.
const RUNS: usize = 8;

impl Taken {
    /// So much it is of that run now. A new keeper counts from its own beginning.
    fn learn(&mut self, run: RunId, bytes: u64) {
        match self.runs.iter_mut().find(|(known, _)| *known == run) {
            Some((_, known)) if bytes >= *known => *known = bytes,
            Some((_, known)) => self.before += std::mem::replace(known, bytes),
            None => self.runs.push_back((run, bytes)),
        }
        while self.runs.len() > RUNS {
            self.before += self.runs.pop_front().map_or(0, |(_, bytes)| bytes);
        }
    }

    fn bytes(&self) -> u64 {
        self.before + self.runs.iter().map(|(_, bytes)| bytes).sum::<u64>()
    }
}

impl LogHealth {
    /// The logs of that process that are, or were, not well.
    pub fn of(&self, process: ProcessId) -> Vec<LogReport> {
        let all = self.all();
        let range = all.range((process, LogStream::Out)..=(process, LogStream::ErrCopy));
        range.map(|(_, report)| report.clone()).collect()
    }

    /// How much the logs of its standard output and of its standard error took.
    pub fn taken(&self, process: ProcessId) -> [u64; 2] {
        let all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        [LogStream::Out, LogStream::Err].map(|stream| all.get(&(process, stream)).map_or(0, Taken::bytes))
    }

    /// Takes over how much a log took of a run.
    pub(super) fn count(&self, process: ProcessId, run: RunId, report: &LogReport) {
        let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry((process, report.stream)).or_default().learn(run, report.taken_bytes);
    }

    /// Takes over what the keeper tells. Answers what is worth remembering: that a log takes
    /// nothing any more, or that it does again.
    pub(super) fn learn(&self, process: ProcessId, report: LogReport) -> Option<EventKind> {
        let mut all = self.all();
        let key = (process, report.stream);
        let before = all.get(&key).and_then(|before| before.errno);
        let event = match (before, report.errno) {
            (None, Some(errno)) => Some(EventKind::LogRefused {
                log: report.path.display().to_string(),
                reason: reason(errno),
                drops: report.drops,
            }),
            (Some(_), None) => Some(EventKind::LogTakes {
                log: report.path.display().to_string(),
                dropped: ByteSize(report.dropped_bytes),
                lines: report.dropped_lines,
            }),
            (None, None) | (Some(_), Some(_)) => None,
        };
        if report.errno.is_none() && report.dropped_bytes == 0 {
            all.remove(&key);
        } else {
            all.insert(key, report);
        }
        event
    }

    /// That process is no more.
    pub(super) fn forget(&self, process: ProcessId) {
        self.all().retain(|(of, _), _| *of != process);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|(of, _), _| *of != process);
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<(ProcessId, LogStream), LogReport>> {
        self.unwell.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The kernel's reason in words: `no space left on device`.
pub fn reason(errno: i32) -> String {
    let words = Errno::from_raw(errno).desc();
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_and_its_end_are_events_once() {
        let health = LogHealth::default();
        let learn = |errno, dropped_bytes| {
            let path = "/l".into();
            let report = LogReport {
                stream: LogStream::Err,
                path,
                errno,
                drops: true,
                taken_bytes: 0,
                dropped_bytes,
                dropped_lines: dropped_bytes / 10,
            };
            health.learn(ProcessId(3), report)
        };
        assert_eq!(learn(None, 0), None);
        assert!(health.of(ProcessId(3)).is_empty());
        let refused = EventKind::LogRefused {
            log: "/l".to_owned(),
            reason: "no space left on device".to_owned(),
            drops: true,
        };
        assert_eq!(learn(Some(28), 0), Some(refused));
        assert_eq!(learn(Some(28), 70), None);
        assert_eq!(health.of(ProcessId(3))[0].dropped_lines, 7);
        let takes = EventKind::LogTakes { log: "/l".to_owned(), dropped: ByteSize(90), lines: 9 };
        assert_eq!(learn(None, 90), Some(takes));
        assert_eq!((health.of(ProcessId(3)).len(), health.of(ProcessId(4)).len()), (1, 0));
        health.forget(ProcessId(3));
        assert!(health.of(ProcessId(3)).is_empty());
    }

    #[test]
    fn what_a_log_took_is_that_of_all_runs_also_when_a_keeper_counts_anew() {
        let mut taken = Taken::default();
        let mut check = |run, bytes, all| {
            taken.learn(RunId(run), bytes);
            assert_eq!(taken.bytes(), all, "run {run}: {bytes}");
        };
        check(1, 10, 10);
        check(1, 30, 30);
        // In a reload both run for a while.
        check(2, 5, 35);
        check(1, 40, 45);
        check(2, 3, 48);
        for run in 3..20 {
            check(run, 1, 48 + run - 2);
        }
    }
}
