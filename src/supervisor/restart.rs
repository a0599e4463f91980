//! What follows an end that nobody asked for (acceptance row A12). Pure policy: no table, no
//! state, only the rules.
//!
//! 1. A launch that was lost with its keeper is done again; it says nothing about the program.
//! 2. A program that cannot be executed, for a reason that does not heal by itself, is given up.
//! 3. A planned end (exit code 0 without autorestart, a stop exit code) is a rest.
//! 4. Without autorestart, every other end gives up.
//! 5. Too many unstable runs in a row give up. The limit is the number of unstable runs; 0 is as
//!    1: the first one gives up.
//! 6. Otherwise it runs again: after the fixed delay if there is one, else the first time at once
//!    and then after growing waits, which begin anew after a run of [`CALM`].

use std::time::Duration;

use crate::model::{End, Reason, Rest, RestartPolicy, RunId, SpawnFailure, SpawnStep};

/// The second automatic restart waits this long.
pub const FIRST_WAIT: Duration = Duration::from_millis(100);
/// No growing wait is longer.
pub const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// After a run of this length the waits begin anew.
pub const CALM: Duration = Duration::from_secs(30);

/// How a life ended that nobody had asked to end.
#[derive(Clone, Copy, Debug)]
pub enum Ending<'a> {
    /// The main process ended.
    Exited {
        /// How.
        end: End,
        /// After how long.
        uptime: Duration,
    },
    /// The program was not executed.
    NotSpawned(&'a SpawnFailure),
}

/// What the rules count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Unstable runs in a row.
    pub unstable: u32,
    /// Automatic restarts since the last calm.
    pub waits: u32,
}

/// What comes next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Next {
    /// The same launch again, which does not count.
    Again,
    /// A restart at once.
    Now,
    /// A restart after that wait.
    After(Duration),
    /// Nothing.
    Rest(Rest),
}

/// Decides what follows the end of `run`. Answers with the new counts.
pub fn after(policy: &RestartPolicy, tally: Tally, run: RunId, ending: Ending<'_>) -> (Next, Tally) {
    match ending {
        Ending::NotSpawned(failure) if failure.step == SpawnStep::Lost => return (Next::Again, tally),
        Ending::NotSpawned(failure) if !policy.auto || never_heals(failure) => {
            return (Next::Rest(Rest::Errored(Reason::CannotSpawn(failure.detail.clone()))), tally);
        }
        Ending::Exited { end, .. } if is_planned(policy, end) => {
            return (Next::Rest(Rest::Finished(end)), tally);
        }
        Ending::Exited { end, .. } if !policy.auto => {
            return (Next::Rest(Rest::Errored(Reason::Ended(end))), tally);
        }
        Ending::NotSpawned(_) | Ending::Exited { .. } => {}
    }
    let uptime = match ending {
        Ending::Exited { uptime, .. } => uptime,
        Ending::NotSpawned(_) => Duration::ZERO,
    };
    let stable = matches!(ending, Ending::Exited { .. }) && uptime >= policy.min_uptime;
    let unstable = match stable {
        true if planted!(HoldsAGrudge) => tally.unstable,
        true => 0,
        false => tally.unstable.saturating_add(1),
    };
    let waits = if uptime >= CALM && !planted!(NeverCalmsDown) { 0 } else { tally.waits };
    let limit = policy.max_unstable.saturating_add(planted!(GivesUpLate).into());
    if !stable && unstable >= limit {
        return (Next::Rest(Rest::Errored(given_up(unstable, ending))), Tally { unstable, waits });
    }
    let next = match (policy.delay, waits) {
        (Duration::ZERO, 0) => Next::Now,
        (Duration::ZERO, waits) => Next::After(growing_wait(waits, run)),
        (delay, _) => Next::After(delay),
    };
    (next, Tally { unstable, waits: waits.saturating_add(1) })
}

/// The wait before the restart that follows `waits` others: 100 ms, then half as long again each
/// time. Up to a tenth more, so that what fell together does not rise together; taken from the
/// run's id, so that the same story always goes the same way.
fn growing_wait(waits: u32, run: RunId) -> Duration {
    let base = FIRST_WAIT.as_micros() as f64 * 1.5_f64.powi(waits.saturating_sub(1).min(64) as i32);
    let scattered = run.0.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54;
    let wait = base * (1.0 + scattered as f64 / 10_240.0);
    let longest = if planted!(WaitsWithoutLimit) { Duration::MAX } else { LONGEST_WAIT };
    Duration::from_micros(wait as u64).min(longest)
}

/// It ended in a way after which it is to stay as it is.
fn is_planned(policy: &RestartPolicy, end: End) -> bool {
    match end {
        End::Code(code) => policy.stop_exit_codes.contains(&code) || (code == 0 && !policy.auto),
        End::Signal(_) | End::Unknown => false,
    }
}

/// Trying again would give the same answer until somebody repairs something.
fn never_heals(failure: &SpawnFailure) -> bool {
    match failure.step {
        SpawnStep::Chdir | SpawnStep::Exec => matches!(
            failure.errno,
            libc::ENOENT
                | libc::EACCES
                | libc::EPERM
                | libc::ENOEXEC
                | libc::ENOTDIR
                | libc::EISDIR
                | libc::ELOOP
                | libc::ENAMETOOLONG
                | libc::E2BIG
                | libc::EINVAL
        ),
        SpawnStep::Logs | SpawnStep::Fork | SpawnStep::Prepare | SpawnStep::Lost => false,
    }
}

fn given_up(count: u32, ending: Ending<'_>) -> Reason {
    match ending {
        Ending::Exited { end, .. } => Reason::UnstableRuns { count, last: end },
        Ending::NotSpawned(failure) => {
            Reason::CannotSpawn(format!("{}; given up after {count} unstable runs in a row", failure.detail))
        }
    }
}
