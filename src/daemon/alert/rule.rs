//! A rule: what is to be told, of whom, and to whom.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Mistake;
use crate::daemon::event_text::span;
use crate::logs::{Grep, Stream};
use crate::model::Name;

/// How long the same alert is not told again, unless somebody says otherwise.
const COOL_DOWN_MS: u64 = 300_000;
const WEEK_MS: u64 = 604_800_000;
const DAY_MS: u64 = 86_400_000;
/// What goes on is not told again more often than this.
const LEAST_REPEAT_MS: u64 = 60_000;
/// Channels of one rule.
const MOST_CHANNELS: usize = 16;

/// A rule as it is kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// What is to be told.
    pub when: Condition,
    /// References to apps or processes; none: all.
    pub apps: Vec<String>,
    /// Who is told.
    pub channels: Vec<String>,
    /// How bad it is.
    pub severity: Severity,
    /// The same alert is told at most once in this time.
    pub cool_down_ms: u64,
    /// What goes on is told again after this time.
    pub repeat_ms: Option<u64>,
    /// It tells nothing.
    pub paused: bool,
    /// When it was made, in milliseconds since 1970.
    pub created_at_ms: u64,
}

/// What is to be told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Condition {
    /// A process was given up.
    Errored,
    /// So many restarts that nobody asked for.
    RestartLoop {
        /// How many.
        restarts: u32,
        /// Within how long.
        within_ms: u64,
    },
    /// A process fails its health checks.
    Unhealthy {
        /// For so long.
        for_ms: u64,
    },
    /// A process uses so much of its memory limit, or of the machine's memory where it has none.
    Memory {
        /// More than so much.
        above_percent: u32,
        /// For so long.
        for_ms: u64,
    },
    /// A process uses so much CPU; 100 is one core.
    Cpu {
        /// More than so much.
        above_percent: u32,
        /// For so long.
        for_ms: u64,
    },
    /// A line matches.
    LogMatch {
        /// What.
        pattern: String,
        /// Only of this stream.
        stream: Option<Only>,
    },
    /// A reload or another operation has failed.
    OperationFailed,
    /// A certificate expires.
    Certificate {
        /// Within so many days.
        within_days: u32,
    },
    /// Little room is left, or nothing can be saved.
    Disk {
        /// Less than so much is free.
        below_percent: u32,
    },
}

/// One of the two streams.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Only {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

impl From<Only> for Stream {
    fn from(only: Only) -> Stream {
        match only {
            Only::Out => Stream::Out,
            Only::Err => Stream::Err,
        }
    }
}

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look.
    #[default]
    Warning,
    /// Somebody should look now.
    Critical,
}

impl Severity {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }

    fn of_word(word: &str) -> Result<Severity, Mistake> {
        let all = [Severity::Info, Severity::Warning, Severity::Critical];
        all.into_iter().find(|severity| severity.as_str() == word).ok_or_else(|| {
            Mistake("/severity", format!("{word:?} is no severity: write info, warning or critical"))
        })
    }
}

/// What somebody asked for.
pub struct RuleWish {
    /// Its name.
    pub name: String,
    /// What is to be told.
    pub when: Condition,
    /// References.
    pub apps: Vec<String>,
    /// Names of channels.
    pub channels: Vec<String>,
    /// A word.
    pub severity: Option<String>,
    /// In milliseconds.
    pub cool_down_ms: Option<i64>,
    /// In milliseconds.
    pub repeat_ms: Option<i64>,
    /// It is only kept.
    pub paused: bool,
}

impl RuleWish {
    /// The rule.
    ///
    /// # Errors
    /// The first mistake.
    pub fn define(self, now_ms: u64) -> Result<Rule, Mistake> {
        let name = Name::parse(&self.name).map_err(|bad| Mistake("/name", bad.to_string()))?;
        self.when.check()?;
        if self.when.is_about_no_app() && !self.apps.is_empty() {
            let told = "this condition is about no app: leave apps out";
            return Err(Mistake("/apps", told.to_owned()));
        }
        if self.channels.len() > MOST_CHANNELS {
            let told = format!("a rule has at most {MOST_CHANNELS} channels: make a second rule");
            return Err(Mistake("/channels", told));
        }
        let mut channels = Vec::new();
        for channel in self.channels {
            if !channels.contains(&channel) {
                channels.push(channel);
            }
        }
        let cool_down = self.cool_down_ms.map(|ms| bounded("/cool_down_ms", ms, 0, WEEK_MS)).transpose()?;
        let repeat = self.repeat_ms.map(|ms| bounded("/repeat_ms", ms, LEAST_REPEAT_MS, WEEK_MS));
        Ok(Rule {
            name: name.to_string(),
            when: self.when,
            apps: self.apps,
            channels,
            severity: self.severity.as_deref().map(Severity::of_word).transpose()?.unwrap_or_default(),
            cool_down_ms: cool_down.unwrap_or(COOL_DOWN_MS),
            repeat_ms: repeat.transpose()?,
            paused: self.paused,
            created_at_ms: now_ms,
        })
    }
}

fn bounded(member: &'static str, value: i64, least: u64, most: u64) -> Result<u64, Mistake> {
    let fits = u64::try_from(value).ok().filter(|value| (least..=most).contains(value));
    fits.ok_or_else(|| Mistake(member, format!("{value} is out of bounds: {least} to {most} are allowed")))
}

fn within(member: &'static str, value: u64, least: u64, most: u64) -> Result<(), Mistake> {
    bounded(member, i64::try_from(value).unwrap_or(i64::MAX), least, most).map(drop)
}

impl Condition {
    fn check(&self) -> Result<(), Mistake> {
        match self {
            Condition::Errored | Condition::OperationFailed => Ok(()),
            Condition::RestartLoop { restarts, within_ms } => {
                within("/when/restart_loop/restarts", (*restarts).into(), 2, 1000)?;
                within("/when/restart_loop/within_ms", *within_ms, 1000, DAY_MS)
            }
            Condition::Unhealthy { for_ms } => within("/when/unhealthy/for_ms", *for_ms, 0, DAY_MS),
            Condition::Memory { above_percent, for_ms } => {
                within("/when/memory/above_percent", (*above_percent).into(), 1, 100_000)?;
                within("/when/memory/for_ms", *for_ms, 0, DAY_MS)
            }
            Condition::Cpu { above_percent, for_ms } => {
                within("/when/cpu/above_percent", (*above_percent).into(), 1, 100_000)?;
                within("/when/cpu/for_ms", *for_ms, 0, DAY_MS)
            }
            Condition::LogMatch { pattern, .. } => {
                let bad = |e: String| Mistake("/when/log_match/pattern", e);
                if pattern.is_empty() {
                    return Err(bad(
                        "the pattern is empty and matches every line: say what to look for".into()
                    ));
                }
                Grep::new(pattern).map(drop).map_err(|e| bad(e.to_string()))
            }
            Condition::Certificate { within_days } => {
                within("/when/certificate/within_days", (*within_days).into(), 1, 365)
            }
            Condition::Disk { below_percent } => {
                within("/when/disk/below_percent", (*below_percent).into(), 1, 99)
            }
        }
    }

    /// It is about the machine, or about pmdaemon.
    pub fn is_about_no_app(&self) -> bool {
        match self {
            Condition::Certificate { .. } | Condition::Disk { .. } => true,
            Condition::Errored
            | Condition::RestartLoop { .. }
            | Condition::Unhealthy { .. }
            | Condition::Memory { .. }
            | Condition::Cpu { .. }
            | Condition::LogMatch { .. }
            | Condition::OperationFailed => false,
        }
    }

    /// So long it has to hold before it is told.
    pub fn for_ms(&self) -> u64 {
        match self {
            Condition::Unhealthy { for_ms }
            | Condition::Memory { for_ms, .. }
            | Condition::Cpu { for_ms, .. } => *for_ms,
            Condition::Errored
            | Condition::RestartLoop { .. }
            | Condition::LogMatch { .. }
            | Condition::OperationFailed
            | Condition::Certificate { .. }
            | Condition::Disk { .. } => 0,
        }
    }

    /// It happens, and does not last: it is over when it has not happened again for the cool-down.
    pub fn is_a_moment(&self) -> bool {
        matches!(self, Condition::LogMatch { .. } | Condition::OperationFailed)
    }

    /// It is looked for in what is measured.
    pub fn is_measured(&self) -> bool {
        matches!(self, Condition::Memory { .. } | Condition::Cpu { .. })
    }

    /// As a sentence.
    pub fn sentence(&self) -> String {
        let lasting = |what: String, for_ms: u64| match for_ms {
            0 => what,
            ms => format!("{what} for {}", time(ms)),
        };
        match self {
            Condition::Errored => "a process is given up".to_owned(),
            Condition::RestartLoop { restarts, within_ms } => {
                format!("{restarts} restarts within {}", time(*within_ms))
            }
            Condition::Unhealthy { for_ms } => lasting("a process is unhealthy".to_owned(), *for_ms),
            Condition::Memory { above_percent, for_ms } => {
                lasting(format!("more than {above_percent} % of the memory limit is used"), *for_ms)
            }
            Condition::Cpu { above_percent, for_ms } => {
                lasting(format!("more than {above_percent} % CPU is used"), *for_ms)
            }
            Condition::LogMatch { pattern, stream } => {
                let of = match stream {
                    None => "",
                    Some(Only::Out) => " of stdout",
                    Some(Only::Err) => " of stderr",
                };
                format!("a line{of} matches {pattern}")
            }
            Condition::OperationFailed => "an operation has failed".to_owned(),
            Condition::Certificate { within_days } => {
                format!("a certificate expires within {within_days} days")
            }
            Condition::Disk { below_percent } => {
                format!("less than {below_percent} % of a disk is free, or nothing can be saved")
            }
        }
    }
}

pub(super) fn time(ms: u64) -> String {
    span(Duration::from_millis(ms)).replace(".0 s", " s")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(when: Condition) -> RuleWish {
        RuleWish {
            name: "a".into(),
            when,
            apps: Vec::new(),
            channels: Vec::new(),
            severity: None,
            cool_down_ms: None,
            repeat_ms: None,
            paused: false,
        }
    }

    #[test]
    fn what_is_not_said_has_a_default_and_it_comes_back_as_it_was() {
        let rule = wish(Condition::Errored).define(5).unwrap();
        assert_eq!((rule.severity, rule.cool_down_ms, rule.repeat_ms), (Severity::Warning, 300_000, None));
        let text = serde_json::to_string(&rule).unwrap();
        assert_eq!(serde_json::from_str::<Rule>(&text).unwrap(), rule);
        let twice = RuleWish { channels: vec!["x".into(), "x".into()], ..wish(Condition::Errored) };
        assert_eq!(twice.define(0).unwrap().channels, ["x"]);
    }

    #[test]
    fn what_is_out_of_bounds_or_makes_no_sense_is_refused_with_its_place() {
        let refused = |wish: RuleWish, member: &str, words: &str| {
            let Mistake(at, told) = wish.define(0).expect_err(words);
            assert!(at == member && told.contains(words), "{at}: {told}");
        };
        let errored = || wish(Condition::Errored);
        refused(RuleWish { name: "a b".into(), ..errored() }, "/name", "a b");
        refused(RuleWish { severity: Some("bad".into()), ..errored() }, "/severity", "critical");
        refused(RuleWish { cool_down_ms: Some(-1), ..errored() }, "/cool_down_ms", "0 to 604800000");
        refused(RuleWish { repeat_ms: Some(59_999), ..errored() }, "/repeat_ms", "60000");
        let pattern = |pattern: &str| wish(Condition::LogMatch { pattern: pattern.into(), stream: None });
        refused(pattern("a("), "/when/log_match/pattern", "unclosed group");
        refused(pattern(""), "/when/log_match/pattern", "empty");
        refused(pattern(&"x".repeat(513)), "/when/log_match/pattern", "512");
        let disk = wish(Condition::Disk { below_percent: 100 });
        refused(disk, "/when/disk/below_percent", "1 to 99");
        let of_web = RuleWish { apps: vec!["web".into()], ..wish(Condition::Disk { below_percent: 5 }) };
        refused(of_web, "/apps", "no app");
        let once = Condition::RestartLoop { restarts: 1, within_ms: 1000 };
        refused(wish(once), "/when/restart_loop/restarts", "2 to 1000");
    }

    #[test]
    fn a_condition_reads_as_a_sentence() {
        let check = |when: Condition, text: &str| assert_eq!(when.sentence(), text);
        check(Condition::RestartLoop { restarts: 5, within_ms: 600_000 }, "5 restarts within 10 min");
        check(Condition::Unhealthy { for_ms: 30_000 }, "a process is unhealthy for 30 s");
        let memory = Condition::Memory { above_percent: 90, for_ms: 0 };
        check(memory, "more than 90 % of the memory limit is used");
        let line = Condition::LogMatch { pattern: "panic".into(), stream: Some(Only::Err) };
        check(line, "a line of stderr matches panic");
    }
}
