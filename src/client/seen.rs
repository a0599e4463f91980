//! Where a follower of logs was when its stream broke.
//!
//! The next daemon is asked for more lines than can have been missed; what was shown already is
//! recognised by its times. Lines of one chunk share a time, so they are counted too.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::wire::{LogRecord, Stream};

/// What a follower has shown.
#[derive(Debug)]
pub struct Seen {
    /// The latest line of each log.
    points: HashMap<Log, Point>,
    /// The latest line of all of them, or when following began.
    latest: Timestamp,
    /// Since the stream broke: how far each log was then.
    resumed: Option<Resumed>,
}

/// One stream of one process.
type Log = (i64, bool);

#[derive(Clone, Copy, Debug)]
struct Point {
    at: Timestamp,
    /// Lines with that time that were shown.
    count: usize,
    /// Whether these are the first ones with that time: an earlier one was seen.
    whole: bool,
}

#[derive(Debug)]
struct Resumed {
    points: HashMap<Log, Point>,
    latest: Timestamp,
}

impl Seen {
    /// Nothing yet, at that time.
    pub fn nothing(now: Timestamp) -> Seen {
        Seen { points: HashMap::new(), latest: now, resumed: None }
    }

    /// The stream broke; the next one begins with lines from before.
    pub fn broken(&mut self) {
        self.resumed = Some(Resumed { points: self.points.clone(), latest: self.latest });
    }

    /// Whether this line is new, and remembers it.
    pub fn is_new(&mut self, record: &LogRecord) -> bool {
        let log = (record.id, record.stream == Stream::Err);
        let at = record.ts.as_ref().and_then(|ts| ts.parse::<Timestamp>().ok());
        if let Some(resumed) = &mut self.resumed
            && resumed.has_seen(log, at)
        {
            return false;
        }
        // Only lines from before our time have no time: they are nothing to go by.
        let Some(at) = at else { return true };
        match self.points.get_mut(&log) {
            Some(point) if point.at == at => point.count += 1,
            Some(point) => *point = Point { at, count: 1, whole: true },
            None => drop(self.points.insert(log, Point { at, count: 1, whole: false })),
        }
        self.latest = self.latest.max(at);
        true
    }
}

impl Resumed {
    fn has_seen(&mut self, log: Log, at: Option<Timestamp>) -> bool {
        let Some(at) = at else { return true };
        match self.points.get_mut(&log) {
            None => at <= self.latest,
            Some(point) if at == point.at && point.whole => {
                let shown = point.count > 0;
                point.count = point.count.saturating_sub(1);
                shown
            }
            Some(point) => at <= point.at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: i64, stream: Stream, second: u32, text: &str) -> LogRecord {
        let ts = Some(format!("2026-01-01T00:00:{second:02}.000001Z"));
        LogRecord { ts, id, name: "web".into(), stream, text: text.into() }
    }

    fn shown(seen: &mut Seen, lines: &[LogRecord]) -> Vec<String> {
        lines.iter().filter(|line| seen.is_new(line)).map(|line| line.text.clone()).collect()
    }

    fn seen() -> Seen {
        Seen::nothing("2026-01-01T00:00:00Z".parse().unwrap())
    }

    #[test]
    fn after_a_break_each_line_is_shown_once_wherever_it_came() {
        let all: Vec<LogRecord> = [(1, "a"), (2, "b"), (2, "b"), (2, "b"), (3, "c"), (4, "d"), (4, "d")]
            .into_iter()
            .map(|(second, text)| line(0, Stream::Out, second, text))
            .collect();
        for cut in 2..all.len() {
            let mut seen = seen();
            let mut texts = shown(&mut seen, &all[..cut]);
            seen.broken();
            texts.extend(shown(&mut seen, &all));
            assert_eq!(texts, ["a", "b", "b", "b", "c", "d", "d"], "cut after {cut}");
        }
    }

    #[test]
    fn a_second_break_changes_nothing() {
        let all: Vec<LogRecord> = (1..9).map(|n| line(0, Stream::Out, n, &n.to_string())).collect();
        let mut seen = seen();
        let mut texts = shown(&mut seen, &all[..3]);
        for upto in [3, 5, 8] {
            seen.broken();
            texts.extend(shown(&mut seen, &all[..upto]));
        }
        assert_eq!(texts, ["1", "2", "3", "4", "5", "6", "7", "8"]);
    }

    #[test]
    fn old_lines_of_logs_that_were_not_shown_stay_unshown() {
        let mut seen = seen();
        assert_eq!(shown(&mut seen, &[line(0, Stream::Out, 5, "x")]), ["x"]);
        seen.broken();
        let mut untimed = line(0, Stream::Out, 0, "untimed");
        untimed.ts = None;
        let lines = [untimed, line(0, Stream::Err, 4, "old"), line(1, Stream::Out, 6, "new")];
        assert_eq!(shown(&mut seen, &lines), ["new"]);
    }
}
