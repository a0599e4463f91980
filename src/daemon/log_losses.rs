//! Logs that were removed since all together took too much of the disk: who had them is told.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::handle::Handle;
use super::log_disk::Segment;
use super::own_events::Own;
use crate::model::ByteSize;

/// What is removed is told this often at most.
const TOLD_EVERY: Duration = Duration::from_secs(60);
/// So many logs are named then.
const NAMED: usize = 3;

/// What was removed because of the budget, by log, and was not told yet.
#[derive(Default)]
pub struct Losses {
    bytes: BTreeMap<PathBuf, u64>,
    budget: u64,
    told: Option<Instant>,
}

impl Losses {
    /// That was removed, of a budget of so many bytes.
    pub fn add(&mut self, removed: Vec<Segment>, budget: u64) {
        for segment in removed {
            *self.bytes.entry(segment.log).or_default() += segment.bytes;
        }
        self.budget = budget;
    }

    /// Tells it, not too often: who writes much loses something every few seconds.
    pub fn tell(&mut self, handle: &Handle) {
        if self.bytes.is_empty() || self.told.is_some_and(|at| at.elapsed() < TOLD_EVERY) {
            return;
        }
        self.told = Some(Instant::now());
        handle.tell_from_thread(Own::LogsRemoved, self.sentence());
        self.bytes.clear();
    }

    fn sentence(&self) -> String {
        let mut most: Vec<(&PathBuf, u64)> = self.bytes.iter().map(|(log, bytes)| (log, *bytes)).collect();
        most.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        let named = most.iter().take(NAMED).map(|(log, bytes)| {
            let name = log.file_name().unwrap_or_default().to_string_lossy();
            format!("{} of {name}", ByteSize(*bytes))
        });
        let mut named: Vec<String> = named.collect();
        if most.len() > NAMED {
            named.push(format!("and some of {} more", most.len() - NAMED));
        }
        format!(
            "the oldest logs were removed, since all together may take {} (PMDAEMON_LOG_BUDGET): {}",
            ByteSize(self.budget),
            named.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn what_the_budget_removes_is_told_by_log_the_most_first() {
        let modified = SystemTime::UNIX_EPOCH;
        let removed = |log: &str, bytes| Segment {
            log: log.into(),
            number: 1,
            plain: true,
            compressed: false,
            modified,
            bytes,
        };
        let mut losses = Losses::default();
        losses.add(vec![removed("a.log", 1 << 20), removed("a.log", 1 << 20)], 4 << 30);
        let told = "the oldest logs were removed, since all together may take 4 GiB (PMDAEMON_LOG_BUDGET): ";
        assert_eq!(losses.sentence(), format!("{told}2 MiB of a.log"));
        losses.add(vec![removed("b", 1 << 30), removed("c", 2 << 30), removed("d", 3 << 30)], 4 << 30);
        assert_eq!(
            losses.sentence(),
            format!("{told}3 GiB of d, 2 GiB of c, 1 GiB of b, and some of 1 more")
        );
    }
}
