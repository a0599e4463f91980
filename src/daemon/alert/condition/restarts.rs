//! Restarts that nobody asked for.

use std::collections::{BTreeMap, VecDeque};

use crate::model::ProcessId;

/// More than so many of a process are not remembered: rules ask for no more.
const MOST: usize = 1000;

/// What is known of each process.
#[derive(Default)]
pub struct Restarts {
    of: BTreeMap<ProcessId, Seen>,
}

#[derive(Default)]
struct Seen {
    /// It ended, or could not be started, and nobody wanted that: why.
    fell: Option<String>,
    /// When it was started after that, in milliseconds since 1970.
    times: VecDeque<u64>,
    /// The last of those reasons.
    why: String,
}

impl Restarts {
    /// An event of a process.
    pub fn hear(&mut self, process: ProcessId, kind: &str, asked: bool, detail: &str, at_ms: u64) {
        match kind {
            "process.exited" | "process.spawn_failed" if !asked => {
                self.of.entry(process).or_default().fell = Some(detail.to_owned());
            }
            // Whoever starts it after that wants it.
            "process.errored" | "process.stopped" | "process.exited" => {
                if let Some(seen) = self.of.get_mut(&process) {
                    seen.fell = None;
                }
            }
            "process.started" => {
                if let Some(seen) = self.of.get_mut(&process)
                    && let Some(why) = seen.fell.take()
                {
                    seen.times.push_back(at_ms);
                    seen.why = why;
                    if seen.times.len() > MOST {
                        seen.times.pop_front();
                    }
                }
            }
            "process.deleted" => drop(self.of.remove(&process)),
            _ => {}
        }
    }

    /// So many were within so long.
    pub fn hold(
        &self,
        name: impl FnOnce() -> String,
        process: ProcessId,
        restarts: u32,
        within_ms: u64,
        now_ms: u64,
    ) -> Option<String> {
        let seen = self.of.get(&process)?;
        let from = now_ms.saturating_sub(within_ms);
        let count = seen.times.iter().rev().take_while(|at| **at > from).count();
        (count >= restarts as usize).then(|| {
            let span = super::super::rule::time(within_ms);
            format!("{} was restarted {count} times within {span}; the last time {}", name(), seen.why)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEB: ProcessId = ProcessId(1);

    fn heard(events: &[(&str, bool, u64)]) -> Restarts {
        let mut restarts = Restarts::default();
        for (kind, asked, at) in events {
            restarts.hear(WEB, &format!("process.{kind}"), *asked, "web exited with code 1", *at);
        }
        restarts
    }

    #[test]
    fn so_many_restarts_within_so_long() {
        let crash = |at| [("exited", false, at), ("started", false, at + 1)];
        let restarts = heard(&[crash(1000), crash(2000), crash(3000)].concat());
        let hold = |restarts: &Restarts, count, now| restarts.hold(|| "web".into(), WEB, count, 10_000, now);
        assert_eq!(
            hold(&restarts, 3, 3001).unwrap(),
            "web was restarted 3 times within 10 s; the last time web exited with code 1"
        );
        assert_eq!(hold(&restarts, 4, 3001), None);
        // The first is too long ago by then.
        assert!(hold(&restarts, 2, 11_002).is_some() && hold(&restarts, 3, 11_002).is_none());
        assert_eq!(restarts.hold(|| "db".into(), ProcessId(2), 1, 10_000, 3001), None);
    }

    #[test]
    fn what_somebody_asked_for_is_none() {
        let asked =
            heard(&[("exited", true, 1), ("started", false, 2), ("exited", true, 3), ("started", false, 4)]);
        assert_eq!(asked.hold(|| "web".into(), WEB, 1, 1000, 5), None);
        let given_up = heard(&[("exited", false, 1), ("errored", false, 2), ("started", false, 3)]);
        assert_eq!(given_up.hold(|| "web".into(), WEB, 1, 1000, 5), None);
        let deleted = heard(&[("exited", false, 1), ("started", false, 2), ("deleted", false, 3)]);
        assert_eq!(deleted.hold(|| "web".into(), WEB, 1, 1000, 5), None);
    }
}
