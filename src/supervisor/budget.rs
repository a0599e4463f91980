//! How many automatic restarts a host bears (acceptance row K7).
//!
//! When a common cause ends everything at once (a database, a disk, a network), every process
//! comes back at once too, and again, and the host has no time left for anything else. So
//! automatic restarts of all processes draw from one bucket; who finds it empty is queued, and
//! starts when it is its turn: who was due first goes first. Single crashes never notice.
//!
//! Commands neither draw nor wait: they overtake the queue. Nor do starts that are not restarts,
//! such as those after a boot.

use std::time::Duration;

use super::Supervisor;
use crate::model::{EventKind, Moment, ProcessId, State};

/// So many restarts may come at once.
pub const BURST: u32 = 20;
/// After a burst so many restarts follow in a second, for each CPU.
pub const PER_SECOND_AND_CPU: u32 = 2;

/// What the host bears.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Restarts that may come at once; at least 1.
    pub burst: u32,
    /// One more each time this has passed.
    pub interval: Duration,
}

impl Limits {
    /// The limits of a host with that many CPUs.
    pub fn of_host(cpus: usize) -> Limits {
        let per_second = PER_SECOND_AND_CPU.saturating_mul(u32::try_from(cpus).unwrap_or(u32::MAX).max(1));
        Limits { burst: BURST, interval: Duration::from_secs(1) / per_second }
    }

    /// The same with what somebody said instead; absent: nothing. `per_second` is more than 0.
    pub fn or_as_set(self, burst: Option<u32>, per_second: Option<f64>) -> Limits {
        Limits {
            burst: burst.map_or(self.burst, |burst| burst.max(1)),
            interval: per_second.map_or(self.interval, |number| Duration::from_secs_f64(1.0 / number)),
        }
    }
}

/// The bucket. It is full at the beginning.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    limits: Limits,
    /// When the bucket will be full again. That is all there is to know: each restart moves it on
    /// by one interval.
    full_at: Moment,
}

impl Budget {
    pub fn new(limits: Limits) -> Budget {
        Budget { limits, full_at: Moment(0) }
    }

    /// When the next restart may come; a moment that has passed: now.
    pub fn free_at(&self) -> Moment {
        let Limits { burst, interval } = self.limits;
        let room = interval.saturating_mul(burst.saturating_sub(1));
        Moment(self.full_at.0.saturating_sub(room.as_micros() as u64))
    }

    /// Takes one restart, if there is one.
    fn take(&mut self, now: Moment) -> bool {
        let free = self.free_at() <= now || planted!(IgnoresTheBudget);
        if free {
            self.full_at = self.full_at.max(now) + self.limits.interval;
        }
        free
    }
}

impl Supervisor {
    /// Says what this host bears; without it, a host with one CPU is assumed. The bucket is full
    /// afterwards.
    pub fn limit_restarts(&mut self, limits: Limits) {
        self.budget = Budget::new(limits);
    }

    /// Restarts a process that was due at that moment, or queues it.
    pub(super) fn restart_in_turn(&mut self, now: Moment, id: ProcessId, due: Moment) {
        // What has no port is parked, which costs the host nothing.
        if self.port_at_launch(id).is_err() || (self.queue.is_empty() && self.budget.take(now)) {
            return self.launch(now, id, true);
        }
        self.change(id, |process| process.state = State::Backoff { until: due, queued: true });
        self.serve_queue(now);
        if let State::Backoff { .. } = self.processes[&id].state {
            let run = self.processes[&id].latest_run;
            self.publish(id, run, EventKind::HostBudget);
        }
    }

    /// Restarts those whose turn it is.
    pub(super) fn serve_queue(&mut self, now: Moment) {
        loop {
            let next = if planted!(ServesTheNewestFirst) { self.queue.last() } else { self.queue.first() };
            let Some((_, id)) = next.copied() else { return };
            if self.port_at_launch(id).is_ok() && !self.budget.take(now) {
                return;
            }
            self.launch(now, id, true);
        }
    }

    /// When the first of the queue may start.
    pub(super) fn next_turn(&self) -> Option<Moment> {
        self.queue.first().map(|_| self.budget.free_at())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_at_once_then_two_a_second_and_cpu() {
        let mut budget = Budget::new(Limits::of_host(2));
        let now = Moment(1_000_000_000);
        assert_eq!((0..30).filter(|_| budget.take(now)).count(), 20);
        assert_eq!(budget.free_at(), now + Duration::from_millis(250));
        assert!(!budget.take(now + Duration::from_millis(249)));
        let second = (0..1_000).filter(|ms| budget.take(now + Duration::from_millis(*ms))).count();
        assert_eq!(second, 3, "at 250, 500 and 750 ms");
        let later = now + Duration::from_secs(60);
        assert_eq!((0..30).filter(|_| budget.take(later)).count(), 20);
    }

    #[test]
    fn what_somebody_set_replaces_what_the_host_bears() {
        let limits = Limits::of_host(2).or_as_set(Some(3), Some(0.5));
        assert_eq!(limits, Limits { burst: 3, interval: Duration::from_secs(2) });
        assert_eq!(Limits::of_host(2).or_as_set(None, None), Limits::of_host(2));
    }

    #[test]
    fn a_host_of_any_size_has_limits() {
        assert_eq!(Limits::of_host(0), Limits::of_host(1));
        assert!(Limits::of_host(usize::MAX).interval <= Duration::from_micros(1));
    }
}
