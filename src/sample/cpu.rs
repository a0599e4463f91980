//! From CPU time to percent.

use std::collections::HashMap;
use std::iter::Sum;
use std::ops::Add;
use std::time::Duration;

use super::SHORTEST;
use super::stat::Stat;
use crate::model::{Moment, Pid};

/// CPU time by who used it: the program, or the kernel for it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct CpuTime {
    /// In the program.
    pub user: Duration,
    /// In the kernel.
    pub system: Duration,
}

impl CpuTime {
    /// Both together.
    pub fn total(self) -> Duration {
        self.user + self.system
    }

    fn less(self, other: CpuTime) -> CpuTime {
        CpuTime {
            user: self.user.saturating_sub(other.user),
            system: self.system.saturating_sub(other.system),
        }
    }
}

impl Add for CpuTime {
    type Output = CpuTime;

    fn add(self, other: CpuTime) -> CpuTime {
        CpuTime { user: self.user + other.user, system: self.system + other.system }
    }
}

impl Sum for CpuTime {
    fn sum<I: Iterator<Item = CpuTime>>(all: I) -> CpuTime {
        all.fold(CpuTime::default(), CpuTime::add)
    }
}

/// The CPU time of one run, measured from sample to sample.
#[derive(Debug)]
pub(super) struct Meter {
    at: Moment,
    percent: f64,
    /// Since its start.
    total: CpuTime,
    /// What the cgroup had counted.
    leaf: CpuTime,
    /// What each process had used, by number and start time.
    members: HashMap<(Pid, u64), Used>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Used {
    own: CpuTime,
    waited: CpuTime,
}

impl Meter {
    /// A meter for a run that began then; the first measure is the average since.
    pub fn since(start: Moment) -> Meter {
        Meter {
            at: start,
            percent: 0.0,
            total: CpuTime::default(),
            leaf: CpuTime::default(),
            members: HashMap::new(),
        }
    }

    /// Percent of one core since the measure before. `leaf` is what the cgroup has counted, if
    /// there is one that counts.
    pub fn measure(&mut self, now: Moment, leaf: Option<CpuTime>, members: &[Stat]) -> f64 {
        let span = now.since(self.at);
        if span < SHORTEST {
            return self.percent;
        }
        let by_process = self.used_by(members);
        let used = match leaf {
            Some(total) => total.less(std::mem::replace(&mut self.leaf, total)),
            None => by_process,
        };
        self.at = now;
        self.total = self.total + used;
        self.percent = 100.0 * used.total().as_secs_f64() / span.as_secs_f64();
        self.percent
    }

    /// All that was measured.
    pub fn total(&self) -> CpuTime {
        self.total
    }

    /// What the members used since the measure before.
    ///
    /// A process that ended and was waited for by another member has moved its time into that
    /// one's `waited`, where it would count again: so much is taken off. If somebody else waited
    /// for it, its last interval is lost, but nothing becomes negative.
    fn used_by(&mut self, members: &[Stat]) -> CpuTime {
        let mut own = CpuTime::default();
        let mut waited = CpuTime::default();
        let mut before = std::mem::take(&mut self.members);
        for stat in members {
            let key = (stat.pid, stat.started);
            let was = before.remove(&key).unwrap_or_default();
            own = own + stat.own_cpu.less(was.own);
            waited = waited + stat.waited_cpu.less(was.waited);
            self.members.insert(key, Used { own: stat.own_cpu, waited: stat.waited_cpu });
        }
        let ended: CpuTime = before.values().map(|was| was.own + was.waited).sum();
        own + waited.less(ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(ms: u64) -> CpuTime {
        CpuTime { user: Duration::from_millis(ms), system: Duration::ZERO }
    }

    fn process(pid: i32, own_ms: u64, waited_ms: u64) -> Stat {
        Stat::for_test(Pid(pid), user(own_ms), user(waited_ms))
    }

    fn at(ms: u64) -> Moment {
        Moment(ms * 1000)
    }

    #[track_caller]
    fn check(second: &[Stat], percent: f64) {
        let mut meter = Meter::since(at(0));
        let first = meter.measure(at(1000), None, &[process(1, 100, 0), process(2, 400, 0)]);
        assert!((first - 50.0).abs() < 1e-6, "since its start: {first}");
        let then = meter.measure(at(2000), None, second);
        assert!((then - percent).abs() < 1e-6, "{then}, not {percent}");
        let total = meter.total().total().as_secs_f64();
        assert!((total - 0.5 - percent / 100.0).abs() < 1e-6, "{total}");
    }

    #[test]
    fn percent_is_what_was_used_in_the_interval() {
        check(&[process(1, 200, 0), process(2, 1400, 0)], 110.0);
    }

    #[test]
    fn a_child_that_was_waited_for_counts_once() {
        check(&[process(1, 150, 700)], 35.0);
    }

    #[test]
    fn a_child_that_somebody_else_waited_for_takes_nothing_from_the_others() {
        check(&[process(1, 150, 0)], 5.0);
    }

    #[test]
    fn a_child_that_came_and_went_between_two_samples_counts() {
        check(&[process(1, 100, 250), process(2, 400, 0)], 25.0);
    }

    #[test]
    fn the_cgroup_counts_what_no_process_shows_any_more() {
        let mut meter = Meter::since(at(0));
        meter.measure(at(1000), Some(user(100)), &[]);
        let then = CpuTime { user: Duration::from_millis(400), system: Duration::from_millis(500) };
        let percent = meter.measure(at(2000), Some(then), &[]);
        assert!((percent - 80.0).abs() < 1e-6, "{percent}");
        assert_eq!(meter.total(), then);
    }

    #[test]
    fn two_looks_at_once_are_one() {
        let mut meter = Meter::since(at(0));
        meter.measure(at(1000), None, &[process(1, 500, 0)]);
        let again = meter.measure(at(1001), None, &[process(1, 510, 0)]);
        assert!((again - 50.0).abs() < 1e-6, "{again}");
    }
}
