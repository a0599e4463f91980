//! How a reload replaces the processes of an app: how many at a time, and how long a new run has to
//! prove itself. Names and meaning are those of a Deployment in Kubernetes.

use std::fmt;
use std::time::Duration;

/// How a reload replaces the processes of an app.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RollPolicy {
    /// So long a new run has to stay well, from when it is ready, before it counts and the reload
    /// goes on. Absent: [`RollPolicy::USUAL_SOAK`], or the app's minimal uptime if that is shorter.
    pub soak: Option<Duration>,
    /// So many new runs may be beside the old ones at a time.
    pub max_surge: Share,
    /// So many fewer processes than are wanted may be ready meanwhile.
    pub max_unavailable: Share,
}

impl RollPolicy {
    /// The usual soak time, unless the app's minimal uptime is shorter.
    pub const USUAL_SOAK: Duration = Duration::from_secs(1);

    /// What these are of so many processes: a part of the surge counts as a whole one, a part of the
    /// unavailable as none. One of both is at least 1, or nothing could ever be replaced.
    pub fn limits(&self, processes: u32) -> RollLimits {
        let surge = self.max_surge.of(processes, u64::div_ceil);
        let unavailable = self.max_unavailable.of(processes, |hundredths, whole| hundredths / whole);
        let none = surge == 0 && unavailable == 0;
        RollLimits { surge, unavailable: if none { 1 } else { unavailable } }
    }
}

impl Default for RollPolicy {
    /// One more at a time, and never fewer.
    fn default() -> Self {
        RollPolicy { soak: None, max_surge: Share::Count(1), max_unavailable: Share::Count(0) }
    }
}

/// What the shares of a policy are for an app.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RollLimits {
    /// New runs beside old ones at a time.
    pub surge: u32,
    /// Processes that are not ready at a time.
    pub unavailable: u32,
}

/// Some of the processes of an app.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Share {
    /// So many.
    Count(u32),
    /// So many of a hundred.
    Percent(u32),
}

impl Share {
    /// The most that can be counted: no app has more processes.
    pub const MOST: u32 = 1000;

    /// Reads `2` or `25%`.
    ///
    /// # Errors
    /// One sentence with what is possible.
    pub fn parse(text: &str) -> Result<Share, String> {
        let number = |text: &str, most: u32| {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            text.parse().ok().filter(|number| digits && *number <= most)
        };
        let share = match text.strip_suffix('%') {
            Some(percent) => number(percent, 100).map(Share::Percent),
            None => number(text, Share::MOST).map(Share::Count),
        };
        share.ok_or_else(|| {
            format!(
                "{text:?} is no share of the processes: use a number up to {}, or 0% to 100%",
                Share::MOST
            )
        })
    }

    /// It is none, of however many.
    pub fn is_none(self) -> bool {
        matches!(self, Share::Count(0) | Share::Percent(0))
    }

    fn of(self, processes: u32, divide: impl Fn(u64, u64) -> u64) -> u32 {
        match self {
            Share::Count(count) => count,
            Share::Percent(percent) => divide(u64::from(percent) * u64::from(processes), 100) as u32,
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Share::Count(count) => write!(f, "{count}"),
            Share::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_as_it_is_shown_and_another_is_refused_with_what_can_be() {
        for text in ["0", "1", "1000", "0%", "25%", "100%"] {
            assert_eq!(Share::parse(text).map(|share| share.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "%", "-1", "+1", "1001", "101%", "half", "1.5", "99999999999"] {
            assert!(Share::parse(text).unwrap_err().ends_with("0% to 100%"), "{text}");
        }
    }

    #[test]
    fn parts_are_rounded_such_that_more_are_added_and_fewer_taken_away() {
        let check = |surge: &str, unavailable: &str, processes, expected: (u32, u32)| {
            let (max_surge, max_unavailable) = (Share::parse(surge), Share::parse(unavailable));
            let policy = RollPolicy {
                soak: None,
                max_surge: max_surge.unwrap(),
                max_unavailable: max_unavailable.unwrap(),
            };
            let limits = policy.limits(processes);
            assert_eq!((limits.surge, limits.unavailable), expected, "{surge} {unavailable} of {processes}");
        };
        check("1", "0", 4, (1, 0));
        check("25%", "25%", 4, (1, 1));
        check("25%", "25%", 3, (1, 0));
        check("100%", "0", 4, (4, 0));
        // Nothing could be replaced.
        check("0", "30%", 3, (0, 1));
        check("0", "2", 3, (0, 2));
    }
}
