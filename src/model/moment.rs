//! Time as the program counts it.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A point in time: microseconds since the host booted (`CLOCK_BOOTTIME`).
///
/// It goes on while the host sleeps, never jumps with the wall clock, and means the same in the
/// daemon, in the keeper and in the next daemon, so "running since" survives both of them. It
/// means nothing after a reboot, and nothing that runs survives one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Moment(pub u64);

impl Moment {
    /// The time from `earlier` to here; zero if `earlier` is not earlier.
    pub fn since(self, earlier: Moment) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;

    fn add(self, span: Duration) -> Moment {
        Moment(self.0.saturating_add(span.as_micros().min(u64::MAX as u128) as u64))
    }
}

impl Sub for Moment {
    type Output = Duration;

    fn sub(self, earlier: Moment) -> Duration {
        self.since(earlier)
    }
}
