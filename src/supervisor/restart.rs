//! What follows an end that nobody asked for (acceptance row A12). Pure policy: no table, no
//! state, only the rules.
//!
//! 1. A launch that was lost with its keeper is done again; it says nothing about the program.
//! 2. A program that cannot be executed, for a reason that does not heal by itself, is given up.
//! 3. A planned end (exit code 0 without autorestart, a stop exit code) is a rest.
//! 4. Without autorestart, every other end gives up.
//! 5. A run that is ended because it is unhealthy is followed by another; if it had never been
//!    healthy it was unstable, however long it ran.
//! 6. A run that was not ready in time is ended like one that was never healthy; without autorestart
//!    it is given up.
//! 7. A run that is ended for its memory is followed by another at once, also without autorestart; if it
//!    used too much before it was stable, it was unstable, and the next rules hold.
//! 8. Too many unstable runs in a row give up. The limit is the number of unstable runs; 0 is as
//!    1: the first one gives up.
//! 9. A launch for which the disk has no room, or is read-only, says nothing about the program: it
//!    is no unstable run, and is tried again until it succeeds.
//! 10. Otherwise it runs again: after the fixed delay if there is one, else the first time at once
//!     and then after growing waits, which begin anew after a run of [`CALM`]. With a back-off, the
//!     first time waits already.

use std::time::Duration;

use crate::model::{End, OverMemory, Reason, Rest, RestartPolicy, RunId, SpawnFailure, SpawnStep};

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
    /// It was ended because it was unhealthy. How its main process ended then says nothing.
    Unhealthy {
        /// What its last check complained of.
        complaint: &'a str,
        /// It had been healthy before.
        was_ready: bool,
        /// How long it had run.
        uptime: Duration,
    },
    /// It was ended because it was not ready in time. How its main process ended then says nothing.
    NotReady {
        /// How long it was given.
        limit: Duration,
    },
    /// It was ended because it used too much memory. How its main process ended then says nothing.
    OverMemory {
        /// How much.
        over: OverMemory,
        /// How long it had run when that was measured.
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
        Ending::NotSpawned(SpawnFailure { step: SpawnStep::Lost | SpawnStep::CalledOff, .. }) => {
            return (Next::Again, tally);
        }
        Ending::NotSpawned(failure) if !policy.auto || never_heals(failure) => {
            return (Next::Rest(Rest::Errored(Reason::CannotSpawn(failure.detail.clone()))), tally);
        }
        Ending::Exited { end, .. } if is_planned(policy, end) => {
            return (Next::Rest(Rest::Finished(end)), tally);
        }
        Ending::Exited { end, .. } if !policy.auto => {
            return (Next::Rest(Rest::Errored(Reason::Ended(end))), tally);
        }
        Ending::NotReady { limit } if !policy.auto => {
            return (Next::Rest(Rest::Errored(Reason::NotReady { count: None, limit })), tally);
        }
        Ending::NotSpawned(_)
        | Ending::Exited { .. }
        | Ending::Unhealthy { .. }
        | Ending::NotReady { .. }
        | Ending::OverMemory { .. } => {}
    }
    let (uptime, stable) = match ending {
        Ending::Exited { uptime, .. } => (uptime, uptime >= policy.min_uptime),
        Ending::Unhealthy { was_ready: true, uptime, .. } => (uptime, uptime >= policy.min_uptime),
        Ending::OverMemory { uptime, .. } => {
            (uptime, uptime >= policy.min_uptime || planted!(ForgivesMemory))
        }
        Ending::Unhealthy { was_ready: false, .. } | Ending::NotReady { .. } => (Duration::ZERO, false),
        Ending::NotSpawned(_) => (Duration::ZERO, false),
    };
    let blameless = matches!(ending, Ending::NotSpawned(failure) if is_the_disks(failure))
        && !planted!(BlamesTheProgramForTheDisk);
    let unstable = match stable {
        true if planted!(HoldsAGrudge) => tally.unstable,
        true => 0,
        false if blameless => tally.unstable,
        false => tally.unstable.saturating_add(1),
    };
    let waits = if uptime >= CALM && !planted!(NeverCalmsDown) { 0 } else { tally.waits };
    let limit = policy.max_unstable.saturating_add(planted!(GivesUpLate).into());
    if !stable && !blameless && unstable >= limit {
        return (Next::Rest(Rest::Errored(given_up(unstable, ending))), Tally { unstable, waits });
    }
    if stable && matches!(ending, Ending::OverMemory { .. }) {
        return (Next::Now, Tally { unstable, waits });
    }
    let next = match (policy.delay, policy.backoff, waits) {
        (Duration::ZERO, Some(first), waits) if !planted!(IgnoresTheBackoff) => {
            Next::After(growing_wait(first, waits, run))
        }
        (Duration::ZERO, _, 0) => Next::Now,
        (Duration::ZERO, _, waits) => Next::After(growing_wait(FIRST_WAIT, waits - 1, run)),
        (delay, _, _) => Next::After(delay),
    };
    (next, Tally { unstable, waits: waits.saturating_add(1) })
}

/// The wait that follows `others` of its kind: `first`, then half as long again each time. Up to a
/// tenth more, so that what fell together does not rise together; taken from the
/// run's id, so that the same story always goes the same way.
fn growing_wait(first: Duration, others: u32, run: RunId) -> Duration {
    let base = first.as_micros() as f64 * 1.5_f64.powi(others.min(64) as i32);
    let scattered = run.0.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54;
    let wait = base * (1.0 + scattered as f64 / 10_240.0);
    let longest = if planted!(WaitsWithoutLimit) { Duration::MAX } else { LONGEST_WAIT };
    Duration::from_micros(wait as u64).min(longest)
}

/// It ended in a way after which it is to stay as it is.
pub(super) fn is_planned(policy: &RestartPolicy, end: End) -> bool {
    match end {
        End::Code(code) => policy.stop_exit_codes.contains(&code) || (code == 0 && !policy.auto),
        End::Signal(_) | End::OutOfMemory | End::Unknown => false,
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
        SpawnStep::Prepare => matches!(failure.errno, libc::EPERM | libc::EACCES | libc::EINVAL),
        SpawnStep::EnvFiles => true,
        // What it looks for may come.
        SpawnStep::Hook => false,
        SpawnStep::Logs | SpawnStep::Fork | SpawnStep::Lost | SpawnStep::CalledOff => false,
    }
}

/// The program was not even tried, because nothing could be written.
fn is_the_disks(failure: &SpawnFailure) -> bool {
    match failure.step {
        SpawnStep::Logs | SpawnStep::Fork => {
            matches!(failure.errno, libc::ENOSPC | libc::EDQUOT | libc::EROFS)
        }
        SpawnStep::Chdir
        | SpawnStep::Prepare
        | SpawnStep::Exec
        | SpawnStep::EnvFiles
        | SpawnStep::Hook
        | SpawnStep::CalledOff
        | SpawnStep::Lost => false,
    }
}

fn given_up(count: u32, ending: Ending<'_>) -> Reason {
    match ending {
        Ending::Exited { end, .. } => Reason::UnstableRuns { count, last: end },
        Ending::Unhealthy { complaint, .. } => Reason::Unhealthy { count, complaint: complaint.to_owned() },
        Ending::NotReady { limit } => Reason::NotReady { count: Some(count), limit },
        Ending::OverMemory { over, .. } => Reason::OverMemory { count, over },
        Ending::NotSpawned(failure) => {
            Reason::CannotSpawn(format!("{}; given up after {count} unstable runs in a row", failure.detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ByteSize;

    const EXIT_1: End = End::Code(1);

    fn exited(end: End, uptime_ms: u64) -> Ending<'static> {
        Ending::Exited { end, uptime: Duration::from_millis(uptime_ms) }
    }

    fn tally(unstable: u32, waits: u32) -> Tally {
        Tally { unstable, waits }
    }

    #[test]
    fn the_rules_as_a_table() {
        let once = RestartPolicy::default();
        let never = RestartPolicy { auto: false, ..once.clone() };
        let planned = RestartPolicy { stop_exit_codes: vec![3], ..once.clone() };
        let fixed = RestartPolicy { delay: Duration::from_millis(700), ..once.clone() };
        let strict = RestartPolicy { max_unstable: 0, ..once.clone() };
        let check = |policy: &RestartPolicy, before: Tally, ending, next: Next, after_: Tally| {
            assert_eq!(after(policy, before, RunId(7), ending), (next, after_));
        };
        let ended = |end| Next::Rest(Rest::Errored(Reason::Ended(end)));
        let unstable = |count| Next::Rest(Rest::Errored(Reason::UnstableRuns { count, last: EXIT_1 }));
        let fixed_wait = Next::After(Duration::from_millis(700));

        check(&once, tally(0, 0), exited(EXIT_1, 10), Next::Now, tally(1, 1));
        check(&once, tally(0, 0), exited(End::Code(0), 10), Next::Now, tally(1, 1));
        check(&once, tally(0, 0), exited(End::Unknown, 10), Next::Now, tally(1, 1));
        check(&once, tally(9, 0), exited(EXIT_1, 1_000), Next::Now, tally(0, 1));
        check(&once, tally(0, 9), exited(EXIT_1, 30_000), Next::Now, tally(0, 1));
        check(&once, tally(14, 0), exited(EXIT_1, 999), Next::Now, tally(15, 1));
        check(&once, tally(15, 3), exited(EXIT_1, 999), unstable(16), tally(16, 3));
        let growing = RestartPolicy { backoff: Some(Duration::from_millis(500)), ..once.clone() };
        for (waits, ms) in [(0, 500), (1, 750), (2, 1_125), (30, 15_000)] {
            let wait = growing_wait(Duration::from_millis(500), waits, RunId(7));
            assert!((ms..=ms * 11 / 10).contains(&(wait.as_millis() as u64)), "{waits}: {wait:?}");
            check(&growing, tally(0, waits), exited(EXIT_1, 10), Next::After(wait), tally(1, waits + 1));
        }
        check(&growing, tally(15, 3), exited(EXIT_1, 999), unstable(16), tally(16, 3));
        check(&strict, tally(0, 0), exited(EXIT_1, 999), unstable(1), tally(1, 0));
        check(&strict, tally(0, 0), exited(EXIT_1, 1_000), Next::Now, tally(0, 1));
        check(&fixed, tally(0, 0), exited(EXIT_1, 10), fixed_wait.clone(), tally(1, 1));
        check(&fixed, tally(3, 3), exited(EXIT_1, 60_000), fixed_wait, tally(0, 1));
        check(&never, tally(0, 0), exited(EXIT_1, 60_000), ended(EXIT_1), tally(0, 0));
        check(&never, tally(0, 0), exited(End::Unknown, 10), ended(End::Unknown), tally(0, 0));
        let over = OverMemory { used: ByteSize(60 << 20), limit: ByteSize(20 << 20) };
        let memory = |ms| Ending::OverMemory { over, uptime: Duration::from_millis(ms) };
        for policy in [&once, &never] {
            check(policy, tally(0, 0), memory(50), Next::Now, tally(1, 1));
            check(policy, tally(9, 9), memory(1_000), Next::Now, tally(0, 9));
            check(policy, tally(9, 9), memory(30_000), Next::Now, tally(0, 0));
            let given_up = Next::Rest(Rest::Errored(Reason::OverMemory { count: 16, over }));
            check(policy, tally(15, 3), memory(999), given_up, tally(16, 3));
        }
        check(
            &once,
            tally(1, 1),
            memory(50),
            Next::After(growing_wait(FIRST_WAIT, 0, RunId(7))),
            tally(2, 2),
        );
        let finished = |code| Next::Rest(Rest::Finished(End::Code(code)));
        check(&never, tally(0, 0), exited(End::Code(0), 10), finished(0), tally(0, 0));
        check(&planned, tally(15, 0), exited(End::Code(3), 10), finished(3), tally(15, 0));
    }

    #[test]
    fn a_launch_that_failed_is_tried_again_only_if_that_can_help() {
        let check = |step, errno, heals: bool| {
            let failure = SpawnFailure { step, errno, detail: "no".to_owned() };
            let policy = RestartPolicy::default();
            let (next, _) = after(&policy, tally(0, 0), RunId(1), Ending::NotSpawned(&failure));
            let given_up = Next::Rest(Rest::Errored(Reason::CannotSpawn("no".to_owned())));
            assert_eq!(next, if heals { Next::Now } else { given_up }, "{step:?} {errno}");
        };
        for errno in [2, 13, 1, 8, 20, 21, 40, 36, 7, 22] {
            check(SpawnStep::Exec, errno, false);
            check(SpawnStep::Chdir, errno, false);
            check(SpawnStep::Logs, errno, true);
        }
        check(SpawnStep::EnvFiles, 0, false);
        check(SpawnStep::Hook, 0, true);
        for errno in [libc::EAGAIN, libc::ENOMEM, libc::ENOSPC, libc::ETXTBSY] {
            check(SpawnStep::Exec, errno, true);
            check(SpawnStep::Fork, errno, true);
            check(SpawnStep::Prepare, errno, true);
        }
    }

    #[test]
    fn a_launch_that_keeps_failing_is_given_up_with_its_reason() {
        let detail = "cannot open web-out.log: input/output error".to_owned();
        let failure = SpawnFailure { step: SpawnStep::Logs, errno: libc::EIO, detail };
        let policy = RestartPolicy::default();
        let (next, _) = after(&policy, tally(15, 15), RunId(1), Ending::NotSpawned(&failure));
        let Next::Rest(Rest::Errored(reason)) = next else { panic!("{next:?}") };
        assert_eq!(
            reason.to_string(),
            "cannot open web-out.log: input/output error; given up after 16 unstable runs in a row"
        );
    }

    #[test]
    fn a_full_disk_gives_nobody_up() {
        for errno in [libc::ENOSPC, libc::EDQUOT, libc::EROFS] {
            let failure = SpawnFailure { step: SpawnStep::Logs, errno, detail: "no room".to_owned() };
            let policy = RestartPolicy::default();
            let mut counts = tally(15, 0);
            for _ in 0..100 {
                let (next, then) = after(&policy, counts, RunId(1), Ending::NotSpawned(&failure));
                assert!(matches!(next, Next::Now | Next::After(_)), "{next:?}");
                assert_eq!(then.unstable, 15);
                counts = then;
            }
        }
    }

    #[test]
    fn waits_grow_by_half_up_to_15_s_and_scatter_by_a_tenth() {
        let mut base = 100_000.0;
        for waits in 0..40 {
            for run in 0..200 {
                let wait = growing_wait(FIRST_WAIT, waits, RunId(run)).as_micros() as f64;
                let most = (base * 1.1_f64).min(15_000_000.0);
                assert!((base.min(15_000_000.0) - 1.0..=most).contains(&wait), "{waits} {run} {wait}");
            }
            base *= 1.5;
        }
        let different: std::collections::BTreeSet<Duration> =
            (0..200).map(|run| growing_wait(FIRST_WAIT, 0, RunId(run))).collect();
        assert!(different.len() > 100, "only {} of 200 waits differ", different.len());
    }
}
