//! What processes and the host have used: the lowest, the mean and the highest value over the last
//! hour, day, week and month.
//!
//! ```text
//!   measurement ─┬─► buckets of 15 s, kept for an hour ─┐
//!                ├─► buckets of 5 min, for a day        ├─► in memory ── every 5 min, one transaction ──► file
//!                ├─► buckets of 30 min, for a week      │
//!                └─► buckets of 2 h, for a month ───────┘
//! ```
//!
//! The file is a SQLite database of its own, since this is not worth what the store costs: it is
//! written rarely, not synced, and made anew if it is damaged. A process that runs all the time
//! takes about 85 KiB of it. It has at most [`MOST`] bytes, and a few MiB of journal besides; what is
//! oldest goes first.
//!
//! Times come in as arguments, in milliseconds since 1970.

mod file;

use std::collections::BTreeMap;
use std::path::Path;

use crate::model::ProcessId;
use file::File;

/// The file has at most so many bytes.
pub const MOST: u64 = 64 << 20;

/// What is in memory is written down so often.
const FLUSH_MS: u64 = 5 * 60 * 1000;

/// Whose figures.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Series {
    /// The machine's. Its CPU is 100 when all of its cores are busy.
    Host,
    /// Those of a process with its whole tree.
    Process(ProcessId),
}

impl Series {
    /// As the file names it.
    fn number(self) -> i64 {
        match self {
            Series::Host => -1,
            Series::Process(id) => i64::from(id.0),
        }
    }
}

/// How far back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Range {
    /// An hour.
    Hour,
    /// 24 hours.
    Day,
    /// 7 days.
    Week,
    /// 30 days.
    Month,
}

impl Range {
    /// All of them, the shortest first.
    pub const ALL: [Range; 4] = [Range::Hour, Range::Day, Range::Week, Range::Month];

    /// The word that the API uses for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Range::Hour => "1h",
            Range::Day => "24h",
            Range::Week => "7d",
            Range::Month => "30d",
        }
    }

    /// The range of that word.
    pub fn of_word(word: &str) -> Option<Range> {
        Range::ALL.into_iter().find(|range| range.as_str() == word)
    }

    /// How long a bucket is, in milliseconds.
    pub fn step_ms(self) -> u64 {
        const MINUTE: u64 = 60_000;
        match self {
            Range::Hour => MINUTE / 4,
            Range::Day => 5 * MINUTE,
            Range::Week => 30 * MINUTE,
            Range::Month => 120 * MINUTE,
        }
    }

    /// How long it is, in milliseconds.
    pub fn span_ms(self) -> u64 {
        const HOUR: u64 = 3_600_000;
        match self {
            Range::Hour => HOUR,
            Range::Day => 24 * HOUR,
            Range::Week => 7 * 24 * HOUR,
            Range::Month => 30 * 24 * HOUR,
        }
    }

    /// As the file names it.
    fn number(self) -> i64 {
        self as i64
    }
}

/// The values of one figure in a bucket.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Spread {
    /// The lowest.
    pub min: f64,
    /// Their sum.
    pub sum: f64,
    /// The highest.
    pub max: f64,
}

impl Spread {
    fn of(value: f64) -> Spread {
        Spread { min: value, sum: value, max: value }
    }

    fn and(self, other: Spread) -> Spread {
        Spread { min: self.min.min(other.min), sum: self.sum + other.sum, max: self.max.max(other.max) }
    }
}

/// What was measured in one stretch of time.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Bucket {
    /// How many measurements.
    pub count: u32,
    /// CPU in percent.
    pub cpu: Spread,
    /// Memory in bytes.
    pub memory: Spread,
}

impl Bucket {
    /// Both together.
    pub fn and(self, other: Bucket) -> Bucket {
        Bucket {
            count: self.count.saturating_add(other.count),
            cpu: self.cpu.and(other.cpu),
            memory: self.memory.and(other.memory),
        }
    }
}

/// Where a bucket belongs: its range, its begin in milliseconds since 1970, and whose it is.
type Place = (Range, u64, Series);

/// The history. Without a file it remembers what was measured since the last five minutes only.
#[derive(Default)]
pub struct History {
    file: Option<File>,
    /// What is not in the file yet.
    fresh: BTreeMap<Place, Bucket>,
    /// When that was last written down, or begun.
    flushed_ms: Option<u64>,
}

impl History {
    /// The history in the file at `path`, made if there is none, and made anew if it is damaged.
    pub fn open(path: &Path) -> History {
        match File::open(path, MOST) {
            Ok(file) => History { file: Some(file), ..History::default() },
            Err(e) => {
                tracing::warn!("there is no history of CPU and memory: {}: {e}", path.display());
                History::default()
            }
        }
    }

    /// Takes up what was measured at one moment: CPU in percent and memory in bytes.
    pub fn add(&mut self, at_ms: u64, figures: impl IntoIterator<Item = (Series, f64, u64)>) {
        for (series, cpu, memory) in figures {
            let new = Bucket { count: 1, cpu: Spread::of(cpu), memory: Spread::of(memory as f64) };
            for range in Range::ALL {
                let begin = at_ms - at_ms % range.step_ms();
                self.fresh
                    .entry((range, begin, series))
                    .and_modify(|bucket| *bucket = bucket.and(new))
                    .or_insert(new);
            }
        }
        let last = *self.flushed_ms.get_or_insert(at_ms);
        // A clock that was put back must not stop the writing.
        if at_ms.abs_diff(last) >= FLUSH_MS {
            self.flush(at_ms);
        }
    }

    /// Writes down what is in memory, and forgets what is too old.
    pub fn flush(&mut self, now_ms: u64) {
        self.flushed_ms = Some(now_ms);
        let fresh = std::mem::take(&mut self.fresh);
        if let Some(file) = &mut self.file
            && let Err(e) = file.write(&fresh, now_ms)
        {
            tracing::warn!("five minutes of the history of CPU and memory could not be written: {e}");
        }
    }

    /// The buckets of that range up to `now_ms`, by their begin, the oldest first.
    pub fn read(&self, series: Series, range: Range, now_ms: u64) -> Vec<(u64, Bucket)> {
        self.between(series, range, now_ms.saturating_sub(range.span_ms()), now_ms)
    }

    /// The buckets of that range that begin from `from_ms` up to `to_ms`, the oldest first.
    pub fn between(&self, series: Series, range: Range, from_ms: u64, to_ms: u64) -> Vec<(u64, Bucket)> {
        // Each is looked for by its begin: those of other series, which lie between, are not read.
        let first = from_ms.next_multiple_of(range.step_ms());
        let mut buckets = BTreeMap::new();
        if let Some(file) = &self.file {
            match file.read(series, range, first, to_ms) {
                Ok(rows) => buckets.extend(rows),
                Err(e) => tracing::warn!("the history of CPU and memory cannot be read: {e}"),
            }
        }
        for begin in (first..=to_ms).step_by(range.step_ms() as usize) {
            if let Some(bucket) = self.fresh.get(&(range, begin, series)) {
                let old = buckets.entry(begin);
                old.and_modify(|old: &mut Bucket| *old = old.and(*bucket)).or_insert(*bucket);
            }
        }
        buckets.into_iter().collect()
    }
}

#[cfg(test)]
mod tests;
