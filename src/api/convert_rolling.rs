//! Introduces how a reload replaces processes to the API, in both directions.

use std::time::Duration;

use super::ApiError;
use super::convert::millis;
use crate::model::{RollPolicy, Share};
use crate::wire;

const LONGEST_SOAK_MS: u64 = 86_400_000;

/// The policy that was asked for.
///
/// # Errors
/// 422 with the member that is wrong.
pub fn wanted(asked: Option<&wire::Rolling>) -> Result<RollPolicy, ApiError> {
    let usual = RollPolicy::default();
    let Some(asked) = asked else { return Ok(usual) };
    let share = |member: &str, text: Option<&String>, usual| {
        let parse = |text: &String| Share::parse(text).map_err(|why| ApiError::member(member, why));
        text.map(parse).transpose().map(|share| share.unwrap_or(usual))
    };
    let policy = RollPolicy {
        soak: match asked.soak_ms {
            Some(ms) => Some(soak(ms)?),
            None => None,
        },
        max_surge: share("/rolling/max_surge", asked.max_surge.as_ref(), usual.max_surge)?,
        max_unavailable: share(
            "/rolling/max_unavailable",
            asked.max_unavailable.as_ref(),
            usual.max_unavailable,
        )?,
    };
    if policy.max_surge.is_none() && policy.max_unavailable.is_none() {
        let why = "with neither a new run beside an old one nor a process that may be missing, nothing can be \
                   replaced: give max_surge or max_unavailable at least 1";
        return Err(ApiError::member("/rolling/max_surge", why));
    }
    Ok(policy)
}

/// How long a new run has to stay well.
fn soak(ms: i64) -> Result<Duration, ApiError> {
    let why = || format!("the soak time (--soak) is {ms} ms: 0 to 24h (86400000 ms) is allowed");
    let refused = || ApiError::member("/rolling/soak_ms", why());
    let ms = u64::try_from(ms).ok().filter(|ms| *ms <= LONGEST_SOAK_MS).ok_or_else(refused)?;
    Ok(Duration::from_millis(ms))
}

/// Shows it. The usual one is none.
pub fn show(policy: &RollPolicy) -> Option<wire::Rolling> {
    (*policy != RollPolicy::default()).then(|| wire::Rolling {
        soak_ms: policy.soak.map(millis),
        max_surge: Some(policy.max_surge.to_string()),
        max_unavailable: Some(policy.max_unavailable.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(soak_ms: Option<i64>, surge: Option<&str>, unavailable: Option<&str>) -> wire::Rolling {
        let text = |text: Option<&str>| text.map(str::to_owned);
        wire::Rolling { soak_ms, max_surge: text(surge), max_unavailable: text(unavailable) }
    }

    #[test]
    fn a_policy_is_read_and_shown_and_the_usual_one_is_not() {
        let check = |asked: wire::Rolling, shown: Option<wire::Rolling>| {
            assert_eq!(show(&wanted(Some(&asked)).unwrap()), shown, "{asked:?}");
        };
        check(asked(None, None, None), None);
        check(asked(None, Some("1"), Some("0")), None);
        check(asked(Some(0), None, None), Some(asked(Some(0), Some("1"), Some("0"))));
        check(asked(Some(5000), Some("25%"), None), Some(asked(Some(5000), Some("25%"), Some("0"))));
        check(asked(None, Some("0"), Some("2")), Some(asked(None, Some("0"), Some("2"))));
    }

    #[test]
    fn what_could_replace_nothing_is_refused_with_its_member() {
        let check = |asked: wire::Rolling, words: &str| {
            let refused = format!("{:?}", wanted(Some(&asked)).expect_err(words));
            assert!(refused.contains(words), "{refused}");
        };
        check(asked(Some(-1), None, None), "/rolling/soak_ms");
        check(asked(Some(90_000_000), None, None), "(--soak) is 90000000 ms: 0 to 24h");
        check(asked(None, Some("many"), None), "/rolling/max_surge");
        check(asked(None, None, Some("101%")), "/rolling/max_unavailable");
        check(asked(None, Some("0"), None), "nothing can be replaced");
        check(asked(None, Some("0%"), Some("0")), "nothing can be replaced");
    }
}
