//! The restart rules of acceptance row A12, told once more.

use std::time::Duration;

use crate::model::{End, RestartPolicy, SpawnFailure, SpawnStep};

/// What is counted of a process.
#[derive(Clone, Copy, Default, Debug)]
pub struct Counts {
    pub unstable: u32,
    pub waits: u32,
    pub restarts: u32,
    pub restart_asked: bool,
}

/// What must follow the end of a life.
#[derive(Clone, PartialEq, Debug)]
pub enum Expected {
    /// It is launched in the same step.
    Launch,
    /// It is launched in the same step, if the host's budget allows.
    Restart,
    /// It waits, from the first to the second.
    Wait(Duration, Duration),
    Stopped,
    Finished,
    /// Given up after so many unstable runs.
    GivenUp(u32),
    /// Given up for another reason.
    Errored,
    Gone,
}

/// How a life ended.
pub(super) enum Ended {
    Exited(End, Duration),
    NotSpawned(SpawnFailure),
    /// It was ended for its health; whether it had been well, and after how long.
    Unwell(bool, Duration),
    /// It was ended because it used too much memory, after that long.
    OverMemory(Duration),
    /// It was ended because it was not ready in time.
    NotReady,
}

/// What must follow.
pub(super) fn rule(policy: &RestartPolicy, counts: &mut Counts, ended: &Ended) -> Expected {
    let (uptime, unstable) = match ended {
        Ended::NotSpawned(failure) => match (failure.step, failure.errno) {
            (SpawnStep::Lost | SpawnStep::CalledOff, _) => return Expected::Launch,
            (SpawnStep::EnvFiles, _) => return Expected::Errored,
            (SpawnStep::Exec | SpawnStep::Chdir, libc::ENOENT) => return Expected::Errored,
            _ if !policy.auto => return Expected::Errored,
            _ => (Duration::ZERO, true),
        },
        Ended::NotReady if !policy.auto => return Expected::Errored,
        Ended::NotReady => (Duration::ZERO, true),
        Ended::OverMemory(uptime) => (*uptime, *uptime < policy.min_uptime),
        Ended::Unwell(true, uptime) => (*uptime, *uptime < policy.min_uptime),
        Ended::Unwell(false, _) => (Duration::ZERO, true),
        Ended::Exited(end, uptime) => {
            let code = match end {
                End::Code(code) => Some(*code),
                End::Signal(_) | End::OutOfMemory | End::Unknown => None,
            };
            match code {
                Some(code) if policy.stop_exit_codes.contains(&code) => return Expected::Finished,
                Some(0) if !policy.auto => return Expected::Finished,
                _ if !policy.auto => return Expected::Errored,
                _ => (*uptime, *uptime < policy.min_uptime),
            }
        }
    };
    // That the disk is full says nothing about the program.
    let disk = matches!(ended, Ended::NotSpawned(failure) if failure.errno == libc::ENOSPC);
    counts.unstable = match unstable {
        true if disk => counts.unstable,
        true => counts.unstable + 1,
        false => 0,
    };
    if uptime >= Duration::from_secs(30) {
        counts.waits = 0;
    }
    if unstable && !disk && counts.unstable >= policy.max_unstable.max(1) {
        return Expected::GivenUp(counts.unstable);
    }
    if !unstable && matches!(ended, Ended::OverMemory(_)) {
        return Expected::Restart;
    }
    let waits = counts.waits;
    counts.waits += 1;
    if !policy.delay.is_zero() {
        return Expected::Wait(policy.delay, policy.delay);
    }
    let (first, others) = match (policy.backoff, waits) {
        (Some(first), waits) => (first, waits),
        (None, 0) => return Expected::Restart,
        (None, waits) => (Duration::from_millis(100), waits - 1),
    };
    let cap = Duration::from_secs(15);
    let least = (0..others).fold(first, |wait, _| wait.mul_f64(1.5).min(cap));
    Expected::Wait(least - Duration::from_micros(100), least.mul_f64(1.1).min(cap))
}
