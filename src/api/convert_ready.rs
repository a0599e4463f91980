//! Introduces readiness to the API, in both directions.

use std::time::Duration;

use super::ApiError;
use super::convert::{millis, number};
use crate::daemon::view::ProcessView;
use crate::model::{Readiness, ReadyBy, ReadyPolicy, State, in_words};
use crate::supervisor::Unwell;
use crate::wire;

const MAX_MS: i64 = 86_400_000;

/// The policy that was asked for.
///
/// # Errors
/// 422 with the member that is wrong.
pub fn policy(new: &wire::NewApp) -> Result<ReadyPolicy, ApiError> {
    let by = match &new.ready {
        Some(text) => ReadyBy::parse(text).map_err(|why| ApiError::member("/ready", why))?,
        None => ReadyBy::Auto,
    };
    let usual = millis(ReadyPolicy::USUAL_LIMIT);
    let limit = number("/listen_timeout_ms", new.listen_timeout_ms, usual, 1, MAX_MS)?;
    if new.listen_timeout_ms.is_some() && !by.is_awaited() && new.health_check.is_none() {
        let detail = "there is nothing that has to happen within it: add --ready (ready: notify, message, port or \
                      log:REGEX) or a health check, or leave the listen timeout out";
        return Err(ApiError::member("/listen_timeout_ms", detail));
    }
    Ok(ReadyPolicy { by, limit: Duration::from_millis(limit as u64) })
}

/// How long a run may take to become healthy, if that was said and is what makes it ready.
pub fn healthy_within(new: &wire::NewApp, ready: &ReadyPolicy) -> Option<Duration> {
    let is_said = new.listen_timeout_ms.is_some() && new.health_check.is_some();
    (is_said && !ready.by.is_awaited()).then_some(ready.limit)
}

/// How long after its execution a run became ready.
pub fn after(state: &State) -> Option<Duration> {
    match state {
        State::Running { since, readiness: Readiness::Reached { at }, .. } => Some(at.since(*since)),
        State::Running { readiness: Readiness::Unasked | Readiness::Awaited { .. }, .. }
        | State::Idle(_)
        | State::Waiting { .. }
        | State::Backoff { .. }
        | State::Starting { .. }
        | State::Stopping { .. } => None,
    }
}

/// Why a run is being ended that was not ready in time.
pub fn not_ready(view: &ProcessView) -> Option<String> {
    match view.unwell.as_ref()? {
        Unwell::NotReady { limit } => Some(format!("not ready within {}", in_words(*limit))),
        Unwell::Unhealthy { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_one_of_the_health_check_when_that_makes_it_ready() {
        let check = |ready: Option<&str>, limit: Option<i64>, expected: Option<u64>| {
            let new = wire::NewApp {
                ready: ready.map(str::to_owned),
                listen_timeout_ms: limit,
                health_check: Some(wire::HealthCheck::default()),
                ..wire::NewApp::default()
            };
            let within = healthy_within(&new, &policy(&new).unwrap());
            assert_eq!(within, expected.map(Duration::from_millis));
        };
        check(None, None, None);
        check(None, Some(3_000), Some(3_000));
        check(Some("auto"), Some(3_000), Some(3_000));
        // It is the limit of the sign.
        check(Some("port"), Some(3_000), None);
    }

    #[test]
    fn a_policy_is_read_and_nonsense_refused() {
        let check = |ready: Option<&str>, limit: Option<i64>, expected: Result<u64, &str>| {
            let new = wire::NewApp {
                ready: ready.map(str::to_owned),
                listen_timeout_ms: limit,
                ..wire::NewApp::default()
            };
            match (policy(&new), expected) {
                (Ok(policy), Ok(ms)) => assert_eq!(policy.limit, Duration::from_millis(ms)),
                (Err(refused), Err(part)) => assert!(refused.detail.contains(part), "{}", refused.detail),
                (other, expected) => panic!("{other:?}, not {expected:?}"),
            }
        };
        check(None, None, Ok(60_000));
        check(Some("port"), Some(3_000), Ok(3_000));
        check(Some("soon"), None, Err("is no way to become ready"));
        check(Some("notify"), Some(0), Err("1 to"));
        check(None, Some(3_000), Err("add --ready"));
    }
}
