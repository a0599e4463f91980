//! Whether the daemon still does anything. It says so every few seconds from the loop that does all
//! its work; one that says nothing for long hangs (it is stopped, or blocked for good). Then the daemon
//! alone is ended and started anew: services do not notice, and the init system has no reason to end
//! anybody.
//!
//! A daemon is judged only after its first word, and never for a time in which the keeper itself got no
//! turn: the whole host may have been asleep.

use std::time::{Duration, Instant};

use super::alarms::Alarm;
use super::event_loop::Keeper;
use super::say;

/// The variable that says after how many seconds of silence; 0: never.
pub const HANG_TIMEOUT: &str = "PMDAEMON_HANG_TIMEOUT";
/// Unless it says otherwise. A disk that takes nothing for half a minute must not trip it.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How often the daemon speaks, or four times within the limit if that is more often.
const PERIOD: Duration = Duration::from_secs(5);
/// An alarm that rings so late tells of the keeper's own sleep.
const LATE: Duration = Duration::from_secs(2);

/// After how much silence a daemon hangs; absent: never.
///
/// # Errors
/// A sentence, when the variable is no number of seconds.
pub fn timeout() -> Result<Option<Duration>, String> {
    parse(&std::env::var_os(HANG_TIMEOUT).unwrap_or_default().to_string_lossy())
}

fn parse(value: &str) -> Result<Option<Duration>, String> {
    if value.is_empty() {
        return Ok(Some(TIMEOUT));
    }
    let seconds: u32 = value.parse().map_err(|_| {
        format!("{HANG_TIMEOUT} is {value:?}: give a whole number of seconds, or 0 for never")
    })?;
    Ok((seconds > 0).then(|| Duration::from_secs(seconds.into())))
}

/// How often the daemon is to say that it is alive.
pub fn period() -> Duration {
    // The keeper has refused what is no number.
    timeout().ok().flatten().map_or(PERIOD, |timeout| PERIOD.min(timeout / 4))
}

/// What is known of it.
#[derive(Default)]
pub struct Pulse {
    timeout: Option<Duration>,
    /// When the present daemon was heard last.
    heard: Option<Instant>,
}

/// What is to be done about a daemon.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    /// Look again then.
    Alive(Instant),
    /// It hangs.
    Hangs,
}

impl Pulse {
    /// Nobody was heard yet.
    pub fn with(timeout: Option<Duration>) -> Pulse {
        Pulse { timeout, heard: None }
    }

    /// Of another daemon, from now on.
    pub fn forget(&mut self) {
        self.heard = None;
    }

    /// It speaks. When to look again.
    fn hear(&mut self, now: Instant) -> Option<Instant> {
        self.heard = Some(now);
        Some(now + self.timeout?)
    }

    fn judge(&mut self, now: Instant) -> Option<Verdict> {
        let due = self.heard? + self.timeout?;
        Some(match now.checked_duration_since(due) {
            None => Verdict::Alive(due),
            Some(late) if late > LATE => Verdict::Alive(self.hear(now)?),
            Some(_) => Verdict::Hangs,
        })
    }
}

impl Keeper {
    /// The daemon is alive; that is to be told to the init system.
    pub fn feel_pulse(&mut self, status: &str) {
        self.notify.status(status);
        if let Some(at) = self.pulse.hear(Instant::now()) {
            self.alarms.set(Alarm::Pulse, at);
        }
    }

    /// See whether it hangs.
    pub fn check_pulse(&mut self) {
        match self.pulse.judge(Instant::now()) {
            None => {}
            Some(Verdict::Alive(until)) => self.alarms.set(Alarm::Pulse, until),
            Some(Verdict::Hangs) => {
                let pid = self.daemon.pid().unwrap_or_default();
                let silence = self.pulse.timeout.unwrap_or_default().as_secs();
                say::warning!(
                    "the daemon, pid {pid}, hangs, it said nothing for {silence} s: it is started anew"
                );
                self.pulse.forget();
                self.signal_daemon(libc::SIGKILL);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_of_seconds_and_0_is_none() {
        assert_eq!(parse(""), Ok(Some(TIMEOUT)));
        assert_eq!(parse("7"), Ok(Some(Duration::from_secs(7))));
        assert_eq!(parse("0"), Ok(None));
        for wrong in ["7s", "-1", "\u{fffd}"] {
            assert!(parse(wrong).unwrap_err().contains("a whole number of seconds, or 0 for never"));
        }
    }

    #[test]
    fn who_is_silent_for_too_long_hangs_and_nobody_is_judged_for_the_keepers_own_sleep() {
        let begun = Instant::now();
        let after = |seconds| begun + Duration::from_secs(seconds);
        let mut pulse = Pulse::with(Some(Duration::from_secs(10)));
        assert_eq!(pulse.judge(after(100)), None, "it never spoke");
        assert_eq!(pulse.hear(begun), Some(after(10)));
        assert_eq!(pulse.judge(after(9)), Some(Verdict::Alive(after(10))));
        assert_eq!(pulse.judge(after(11)), Some(Verdict::Hangs));
        assert_eq!(pulse.judge(after(100)), Some(Verdict::Alive(after(110))), "so late, it was us");
        pulse.forget();
        assert_eq!(pulse.judge(after(111)), None);
        assert_eq!(Pulse::with(None).hear(begun), None);
    }
}
