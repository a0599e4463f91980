//! Everything that is to happen at a time. An alarm says only *that* somebody should look;
//! whoever it wakes looks at the state and may find that there is nothing to do any more.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// What to look at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Alarm {
    /// Move what waits in the FIFOs.
    Drain,
    /// Visit the FIFOs that fill fast.
    Visit,
    /// Hear what runs have said.
    Hear,
    /// Try the outputs again whose file took nothing.
    RetryWrites,
    /// Tell the daemon how logs are.
    TellLogs,
    /// Start the daemon.
    StartDaemon,
    /// See whether the daemon hangs.
    Pulse,
    /// Tell the init system that we are alive.
    Watchdog,
    /// The next step of ending.
    Quit,
    /// See whether a change of programs takes too long.
    Succession,
    /// See which trees without a cgroup have become empty.
    CheckTrees,
    /// Remove files of runs that are over.
    Sweep,
    /// The next round of killing that tree.
    Kill(u64),
    /// See whether that run can be asked to end.
    Ask(u64),
    /// Nobody told how that run ended: say so.
    GiveUpStatus(u64),
}

/// The alarms that are set, soonest first. Each at most once.
#[derive(Default)]
pub struct Alarms(BTreeSet<(Instant, Alarm)>);

impl Alarms {
    /// Rings at that time, or sooner if it was set sooner already.
    pub fn set(&mut self, alarm: Alarm, at: Instant) {
        let before = self.0.iter().find(|(_, other)| *other == alarm).copied();
        match before {
            Some((earlier, _)) if earlier <= at => return,
            Some(later) => self.0.remove(&later),
            None => false,
        };
        self.0.insert((at, alarm));
    }

    /// The next alarm that is due, which is then no longer set.
    pub fn pop_due(&mut self, now: Instant) -> Option<Alarm> {
        let first = *self.0.first()?;
        if first.0 > now {
            return None;
        }
        self.0.remove(&first);
        Some(first.1)
    }

    /// How long until the next one.
    pub fn wait(&self, now: Instant) -> Option<Duration> {
        self.0.first().map(|(at, _)| at.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_ring_in_order_once_and_not_before_their_time() {
        let now = Instant::now();
        let after = |millis| now + Duration::from_millis(millis);
        let mut alarms = Alarms::default();
        alarms.set(Alarm::Quit, after(30));
        alarms.set(Alarm::Drain, after(20));
        alarms.set(Alarm::Drain, after(5));
        alarms.set(Alarm::Drain, after(10));
        assert_eq!(alarms.wait(now), Some(Duration::from_millis(5)));
        assert_eq!(alarms.pop_due(after(4)), None);
        assert_eq!(alarms.pop_due(after(40)), Some(Alarm::Drain));
        assert_eq!(alarms.pop_due(after(40)), Some(Alarm::Quit));
        assert_eq!(alarms.pop_due(after(40)), None);
        assert_eq!(alarms.wait(now), None);
    }
}
