//! The clocks. Only the daemon's shell reads them; everybody else is told.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};

use crate::model::Moment;

/// Now, on the clock that never jumps.
pub fn now() -> Moment {
    let time = clock_gettime(ClockId::CLOCK_BOOTTIME).expect("CLOCK_BOOTTIME exists since Linux 2.6.39");
    Moment(time.tv_sec() as u64 * 1_000_000 + time.tv_nsec() as u64 / 1_000)
}

/// Milliseconds since 1970, on the clock on the wall.
pub fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis() as u64
}

/// The wall clock's time of a moment, in microseconds since 1970.
pub fn unix_us_of(moment: Moment) -> u64 {
    let now_us = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_micros() as u64;
    now_us.saturating_sub(now().since(moment).as_micros() as u64)
}

/// The wall clock's time of a moment, in milliseconds since 1970.
pub fn unix_ms_of(moment: Moment) -> u64 {
    unix_ms().saturating_sub(now().since(moment).as_millis() as u64)
}
