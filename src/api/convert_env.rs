//! Introduces the sources of variables, and the back-off of restarts, to the API's types.

use std::time::Duration;

use super::ApiError;
use super::convert::number;
use crate::model::EnvSources;
use crate::wire;

/// A longer first wait than the longest makes no sense.
const LONGEST_BACKOFF_MS: i64 = 15_000;

/// Where variables come from, with paths as they were given.
///
/// # Errors
/// 422 with the member that is wrong.
pub fn sources(new: &wire::NewApp) -> Result<EnvSources, ApiError> {
    if let Some(path) = new.env_file.iter().find(|path| path.is_empty() || path.contains('\0')) {
        return Err(ApiError::member("/env_file", format!("{path:?} is not the path of a file")));
    }
    if new.filter_env.iter().any(String::is_empty) {
        let detail =
            "an empty text is part of every name: name a part of those variables that are not inherited";
        return Err(ApiError::member("/filter_env", detail));
    }
    if let Some(name) = &new.instance_var
        && (name.starts_with(|c: char| c.is_ascii_digit())
            || name.is_empty()
            || name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
    {
        let detail = format!("{name:?} cannot be a variable here: use letters, digits and _, like WORKER");
        return Err(ApiError::member("/instance_var", detail));
    }
    Ok(EnvSources {
        files: new.env_file.iter().map(Into::into).collect(),
        filter: new.filter_env.clone(),
        instance_var: new.instance_var.clone(),
    })
}

/// The first of the growing waits, if one is asked for.
///
/// # Errors
/// 422 when it is too long, or there is a fixed wait as well.
pub fn backoff(new: &wire::NewApp) -> Result<Option<Duration>, ApiError> {
    let member = "/exp_backoff_restart_delay_ms";
    // PM2 writes 0 for none.
    let Some(ms) = new.exp_backoff_restart_delay_ms.filter(|ms| *ms != 0) else { return Ok(None) };
    let ms = number(member, Some(ms), 0, 1, LONGEST_BACKOFF_MS)?;
    if new.restart_delay_ms.is_some_and(|delay| delay > 0) {
        let detail = "restarts wait either a fixed time or a growing one: leave out the one or the other";
        return Err(ApiError::member(member, detail));
    }
    Ok(Some(Duration::from_millis(ms as u64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused_with_its_member() {
        let check = |change: fn(&mut wire::NewApp), member: &str| {
            let mut new = wire::NewApp::default();
            change(&mut new);
            let refused = sources(&new).map(drop).and_then(|()| backoff(&new).map(drop)).expect_err(member);
            assert!(format!("{refused:?}").contains(member), "{refused:?}");
        };
        check(|new| new.env_file = vec![String::new()], "/env_file");
        check(|new| new.instance_var = Some("MY VAR".into()), "/instance_var");
        check(|new| new.filter_env = vec!["A".into(), String::new()], "/filter_env");
        check(|new| new.exp_backoff_restart_delay_ms = Some(-1), "/exp_backoff");
        check(|new| new.exp_backoff_restart_delay_ms = Some(15_001), "/exp_backoff");
        let both = |new: &mut wire::NewApp| {
            (new.exp_backoff_restart_delay_ms, new.restart_delay_ms) = (Some(100), Some(100));
        };
        check(both, "fixed time or a growing one");
        let zero = wire::NewApp { exp_backoff_restart_delay_ms: Some(0), ..wire::NewApp::default() };
        assert_eq!(backoff(&zero).ok(), Some(None));
    }
}
