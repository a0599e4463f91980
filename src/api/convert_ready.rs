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
    if new.listen_timeout_ms.is_some() && !by.is_awaited() {
        let detail = "there is nothing that has to happen within it: give ready as well (notify, message, port or \
                      log:REGEX); the limit of a health check is its own";
        return Err(ApiError::member("/listen_timeout_ms", detail));
    }
    Ok(ReadyPolicy { by, limit: Duration::from_millis(limit as u64) })
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
        check(None, Some(3_000), Err("nothing that has to happen"));
    }
}
