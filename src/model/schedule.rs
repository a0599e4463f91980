//! When something happens by itself: a cron pattern in a time zone (acceptance rows J12, K18).

use std::fmt;
use std::str::FromStr;

use croner::Cron;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// When an app is restarted, or a job is run, and what becomes of a slot that does not suit.
#[derive(Clone)]
pub struct Schedule {
    pattern: String,
    cron: Cron,
    zone: TimeZone,
    zone_name: String,
    /// What a job does whose run before goes on.
    pub overlap: Overlap,
    /// What is made up for.
    pub catch_up: CatchUp,
}

/// What a job does that is due while its run before goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Overlap {
    /// It is not run.
    #[default]
    Skip,
    /// It is run once when that is over.
    Queue,
    /// That is ended, and it is run.
    Replace,
}

/// What becomes of slots that nobody saw: no daemon ran, or the clock jumped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CatchUp {
    /// They are passed over.
    #[default]
    Skip,
    /// One run for all of them.
    Once,
}

/// What is wrong with a schedule, as a sentence.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadSchedule {
    /// Not so many fields.
    #[error(
        "the schedule {0:?} has {1} fields: 5 (minute hour day month weekday), or 6 with seconds in front, \
         for example \"0 3 * * *\""
    )]
    Fields(String, usize),
    /// One of them is none.
    #[error("the schedule {pattern:?} is wrong in field {position} ({name}): {field:?}")]
    Field {
        /// All of it.
        pattern: String,
        /// From 1.
        position: usize,
        /// What it is for.
        name: &'static str,
        /// What it says.
        field: String,
    },
    /// Another mistake.
    #[error("the schedule {0:?} is none: {1}")]
    Other(String, String),
    /// There is no such time.
    #[error("the schedule {0:?} never comes")]
    Never(String),
    /// There is no such zone.
    #[error("there is no time zone {0:?}: write it as Europe/Berlin or UTC")]
    Zone(String),
}

impl Schedule {
    /// Reads a pattern with 5 fields, or 6 with seconds in front (7 with a year behind), or a name
    /// such as `@daily`.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(pattern: &str, zone: &str) -> Result<Schedule, BadSchedule> {
        let pattern = pattern.split_whitespace().collect::<Vec<_>>().join(" ");
        if pattern.split(' ').any(is_empty_list) {
            return Err(mistake(&pattern, "nothing stands between its commas"));
        }
        let cron = Cron::from_str(&pattern).map_err(|e| mistake(&pattern, &e.to_string()))?;
        let time_zone = TimeZone::get(zone).map_err(|_| BadSchedule::Zone(zone.to_owned()))?;
        let (overlap, catch_up) = (Overlap::default(), CatchUp::default());
        Ok(Schedule { pattern, cron, zone: time_zone, zone_name: zone.to_owned(), overlap, catch_up })
    }

    /// With these policies.
    pub fn with(self, overlap: Overlap, catch_up: CatchUp) -> Schedule {
        Schedule { overlap, catch_up, ..self }
    }

    /// As it was written.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Its time zone by name.
    pub fn zone(&self) -> &str {
        &self.zone_name
    }

    /// The first slot after that time, both in milliseconds since 1970; `None` if none comes.
    ///
    /// A time of day that a change of the clocks leaves out comes when the clocks have changed; one
    /// that comes twice is a slot once, unless the pattern means every hour.
    pub fn next_after(&self, unix_ms: u64) -> Option<u64> {
        let at = Timestamp::from_millisecond(i64::try_from(unix_ms).ok()?).ok()?;
        let next = self.cron.find_next_occurrence(&at.to_zoned(self.zone.clone()), false).ok()?;
        u64::try_from(next.timestamp().as_millisecond()).ok()
    }
}

/// A list of nothing. Croner takes `,` for a field without values, and looks through thousands of years
/// for a time that it fits, which takes seconds.
fn is_empty_list(field: &str) -> bool {
    field.split(',').all(str::is_empty)
}

/// Which field is wrong: each is tried by itself.
fn mistake(pattern: &str, why: &str) -> BadSchedule {
    const NAMES: [&str; 7] =
        ["second", "minute", "hour", "day of the month", "month", "day of the week", "year"];
    let fields: Vec<&str> = pattern.split(' ').filter(|field| !field.is_empty()).collect();
    if pattern.starts_with('@') {
        return BadSchedule::Other(pattern.to_owned(), why.to_owned());
    }
    if !(5..=7).contains(&fields.len()) {
        return BadSchedule::Fields(pattern.to_owned(), fields.len());
    }
    let first = usize::from(fields.len() == 5);
    for (at, field) in fields.iter().enumerate() {
        let mut alone = ["*"; 7];
        alone[first + at] = field;
        if is_empty_list(field) || Cron::from_str(&alone.join(" ")).is_err() {
            let (position, name) = (at + 1, NAMES[first + at]);
            return BadSchedule::Field {
                pattern: pattern.to_owned(),
                position,
                name,
                field: (*field).to_owned(),
            };
        }
    }
    BadSchedule::Other(pattern.to_owned(), why.to_owned())
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Schedule) -> bool {
        let all = |it: &Schedule| (it.pattern.clone(), it.zone_name.clone(), it.overlap, it.catch_up);
        all(self) == all(other)
    }
}

impl Eq for Schedule {}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {:?}, {:?})", self.pattern, self.zone_name, self.overlap, self.catch_up)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.pattern, self.zone_name)
    }
}

macro_rules! words {
    ($type:ident, $($variant:ident = $word:literal),*) => {
        impl $type {
            /// The word for it.
            pub fn as_str(self) -> &'static str {
                match self { $($type::$variant => $word),* }
            }

            /// What the word means.
            pub fn parse(text: &str) -> Option<$type> {
                match text { $($word => Some($type::$variant),)* _ => None }
            }
        }
    };
}

words!(Overlap, Skip = "skip", Queue = "queue", Replace = "replace");
words!(CatchUp, Skip = "skip", Once = "once");

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> u64 {
        text.parse::<Timestamp>().unwrap().as_millisecond() as u64
    }

    /// The first slots after that time, as they are in UTC.
    #[track_caller]
    fn check(pattern: &str, zone: &str, from: &str, expected: &[&str]) {
        let schedule = Schedule::parse(pattern, zone).unwrap();
        let mut at = ms(from);
        for next in expected {
            at = schedule.next_after(at).unwrap();
            let shown = Timestamp::from_millisecond(at as i64).unwrap().to_string();
            assert_eq!(shown, *next, "{pattern} in {zone}");
        }
    }

    #[test]
    fn slots_follow_the_pattern_in_its_zone() {
        check("0 3 * * *", "UTC", "2026-01-01T03:00:00Z", &["2026-01-02T03:00:00Z", "2026-01-03T03:00:00Z"]);
        check("0 3 * * *", "Europe/Berlin", "2026-01-01T03:00:00Z", &["2026-01-02T02:00:00Z"]);
        check(
            "*/20 * * * * *",
            "UTC",
            "2026-01-01T00:00:00.5Z",
            &["2026-01-01T00:00:20Z", "2026-01-01T00:00:40Z"],
        );
        check("@daily", "UTC", "2026-01-01T00:00:00Z", &["2026-01-02T00:00:00Z"]);
        check(
            "0 3,,4, * * *",
            "UTC",
            "2026-01-01T00:00:00Z",
            &["2026-01-01T03:00:00Z", "2026-01-01T04:00:00Z"],
        );
    }

    #[test]
    fn a_time_that_is_left_out_in_spring_comes_when_the_clocks_have_changed() {
        // 02:30 does not exist on 29 March 2026 in Berlin: 02:00 is 03:00.
        check(
            "30 2 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00:00Z",
            &["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
        );
        // Each hour stays each hour.
        check(
            "0 * * * *",
            "Europe/Berlin",
            "2026-03-29T00:00:00Z",
            &["2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"],
        );
    }

    #[test]
    fn a_time_that_comes_twice_in_autumn_is_one_slot_and_each_hour_stays_each_hour() {
        // 02:30 comes twice on 25 October 2026 in Berlin.
        check(
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00:00Z",
            &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        );
        check(
            "30 * * * *",
            "Europe/Berlin",
            "2026-10-25T00:00:00Z",
            &["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"],
        );
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_the_position() {
        let check = |pattern: &str, part: &str| {
            let why = Schedule::parse(pattern, "UTC").unwrap_err().to_string();
            assert!(why.contains(part), "{why}");
        };
        check("0 3 * *", "has 4 fields");
        check("", "has 0 fields");
        check("0 25 * * *", "field 2 (hour): \"25\"");
        check("61 * * * * *", "field 1 (second)");
        check("0 3 * foo *", "field 4 (month)");
        check("@nosuch", "@nosuch");
        check("04 , * * * 1-5", "field 2 (minute): \",\"");
        check("0 3 * * ,,", "field 5 (day of the week): \",,\"");
        assert_eq!(Schedule::parse("0 0 30 2 *", "UTC").unwrap().next_after(0), None);
        let why = Schedule::parse("0 3 * * *", "Europe/Berlim").unwrap_err().to_string();
        assert!(why.contains("Europe/Berlim") && why.contains("Europe/Berlin"), "{why}");
    }
}
