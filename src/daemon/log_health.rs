//! How the logs of processes are: what takes no output, and what was dropped for that.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;

use crate::keeper::protocol::{LogReport, LogStream};
use crate::model::{ByteSize, EventKind, ProcessId};

/// What the keeper has told last of each log that is not, or was not, well in the present run of
/// its process.
#[derive(Default)]
pub struct LogHealth(Mutex<BTreeMap<(ProcessId, LogStream), LogReport>>);

impl LogHealth {
    /// The logs of that process that are, or were, not well.
    pub fn of(&self, process: ProcessId) -> Vec<LogReport> {
        let all = self.all();
        let range = all.range((process, LogStream::Out)..=(process, LogStream::ErrCopy));
        range.map(|(_, report)| report.clone()).collect()
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
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<(ProcessId, LogStream), LogReport>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
}
