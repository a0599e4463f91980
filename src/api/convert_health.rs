//! Introduces health checks to the API, in both directions.

use std::time::Duration;

use super::ApiError;
use super::convert::{millis, number};
use crate::model::{Health, HealthCheck, HealthPolicy, State};
use crate::wire;

const TIMEOUT: Duration = Duration::from_secs(5);
const INTERVAL: Duration = Duration::from_secs(10);
const RETRIES: i64 = 3;
const MAX_MS: i64 = 86_400_000;

/// The policy that was asked for, not resolved yet: a script has no program. `ready_within`: so long a
/// run may take to become healthy.
///
/// # Errors
/// 422 with the member that is wrong.
pub fn policy(asked: wire::HealthCheck, ready_within: Option<Duration>) -> Result<HealthPolicy, ApiError> {
    let check = match (asked.url, asked.tcp, asked.script) {
        (Some(url), None, None) => HealthCheck::Http { url },
        (None, Some(address), None) => HealthCheck::Tcp { address },
        (None, None, Some(script)) => {
            HealthCheck::Script { script, program: Default::default(), args: Vec::new() }
        }
        (None, None, None) => {
            let detail = "there is no health check to apply it to: give one of url, tcp and script";
            return Err(ApiError::member("/health_check", detail));
        }
        (_, _, _) => {
            let detail = "an app has one health check: give one of url, tcp and script";
            return Err(ApiError::member("/health_check", detail));
        }
    };
    let span = |member: &str, given: Option<i64>, default| -> Result<Duration, ApiError> {
        let ms = number(&format!("/health_check/{member}"), given, millis(default), 1, MAX_MS)?;
        Ok(Duration::from_millis(ms as u64))
    };
    Ok(HealthPolicy {
        check,
        timeout: span("timeout_ms", asked.timeout_ms, TIMEOUT)?,
        interval: span("interval_ms", asked.interval_ms, INTERVAL)?,
        retries: number("/health_check/retries", asked.retries, RETRIES, 1, 1_000_000)? as u32,
        start_limit: match asked.start_limit_ms {
            Some(_) => Some(span("start_limit_ms", asked.start_limit_ms, HealthPolicy::USUAL_START_LIMIT)?),
            None => None,
        },
        ready_within,
    })
}

/// The check as the API shows it, every value said but a start limit that nobody gave: one that was
/// given is a grace that the usual one is not.
pub fn check(policy: &HealthPolicy) -> wire::HealthCheck {
    let mut shown = wire::HealthCheck {
        timeout_ms: Some(millis(policy.timeout)),
        interval_ms: Some(millis(policy.interval)),
        retries: Some(i64::from(policy.retries)),
        start_limit_ms: policy.start_limit.map(millis),
        ..wire::HealthCheck::default()
    };
    match &policy.check {
        HealthCheck::Http { url } => shown.url = Some(url.clone()),
        HealthCheck::Tcp { address } => shown.tcp = Some(address.clone()),
        HealthCheck::Script { script, .. } => shown.script = Some(script.clone()),
    }
    shown
}

/// The word for the health of a process that is checked, and what the latest check complained of.
pub fn health(state: &State) -> Option<(&'static str, Option<String>)> {
    let vitals = match state {
        State::Running { vitals, .. } => vitals.as_ref()?,
        State::Idle(_)
        | State::Waiting { .. }
        | State::Backoff { .. }
        | State::Starting { .. }
        | State::Stopping { .. } => {
            return None;
        }
    };
    Some(match &vitals.health {
        Health::Unknown { complaint } => ("unknown", complaint.clone()),
        Health::Healthy => ("healthy", None),
        Health::Unhealthy { reason } => ("unhealthy", Some(reason.clone())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_said_is_5_s_every_10_s_3_times_and_60_s_to_start() {
        let asked = wire::HealthCheck { tcp: Some("localhost:80".into()), ..Default::default() };
        let policy = policy(asked, None).unwrap();
        let seconds = [policy.timeout, policy.interval, policy.start_limit()].map(|span| span.as_secs());
        assert_eq!((seconds, policy.retries), ([5, 10, 60], 3));
        assert_eq!((check(&policy).interval_ms, check(&policy).start_limit_ms), (Some(10_000), None));
    }

    #[test]
    fn none_or_two_checks_and_useless_numbers_are_refused() {
        let check = |asked: wire::HealthCheck, part: &str| {
            let refused = policy(asked, None).unwrap_err();
            assert!(refused.detail.contains(part), "{}", refused.detail);
        };
        let tcp = || wire::HealthCheck { tcp: Some("localhost:80".into()), ..Default::default() };
        check(wire::HealthCheck { retries: Some(3), ..Default::default() }, "no health check to apply it to");
        check(wire::HealthCheck { url: Some("http://localhost".into()), ..tcp() }, "one health check");
        check(wire::HealthCheck { retries: Some(0), ..tcp() }, "1 to");
        check(wire::HealthCheck { timeout_ms: Some(0), ..tcp() }, "1 to");
        check(wire::HealthCheck { interval_ms: Some(-1), ..tcp() }, "1 to");
    }
}
