//! Introduces where logs go, and how much of them is kept, to the API's types.

use std::path::PathBuf;
use std::time::Duration;

use super::ApiError;
use super::convert::{millis, number};
use crate::model::{ByteSize, LogPolicy, LogTarget, WhenFull};
use crate::wire;

/// The longest that a limit may be: a hundred years.
const MAX_AGE_MS: i64 = 3_155_760_000_000;
/// The longest format of times.
const MAX_FORMAT: usize = 100;

/// The logs that somebody asked for. Paths are looked at later: see
/// [`define_logs`](crate::daemon::define_logs).
///
/// # Errors
/// 422 with the member that is wrong.
pub fn wanted(new: wire::LogPolicy) -> Result<LogPolicy, ApiError> {
    let defaults = LogPolicy::default();
    let size = number("/logs/max_size_bytes", new.max_size_bytes, size_default(&defaults), 0, 1 << 53)?;
    if (1..1024).contains(&size) {
        let detail =
            format!("logs.max_size_bytes is {size}: 1024 at least, or 0 for files that grow without end");
        return Err(ApiError::member("/logs/max_size_bytes", detail));
    }
    let files = number("/logs/max_files", new.max_files, files_default(&defaults), -1, 1_000_000)?;
    let age = number("/logs/max_age_ms", new.max_age_ms, 0, 0, MAX_AGE_MS)?;
    if (1..1000).contains(&age) {
        let detail = format!("logs.max_age_ms is {age}: 1000 at least, or 0 for any age");
        return Err(ApiError::member("/logs/max_age_ms", detail));
    }
    let disable = new.disable.unwrap_or(false);
    let given = [&new.out_file, &new.error_file, &new.combined_file];
    if disable && given.into_iter().flatten().any(|file| !is_null(file)) {
        let detail = "there are to be no log files, and one is named: leave out one of the two";
        return Err(ApiError::member("/logs/disable", detail));
    }
    let target = |member: &str, file: Option<String>| match file {
        _ if disable => Ok(LogTarget::Null),
        None => Ok(LogTarget::Own),
        Some(file) if is_null(&file) => Ok(LogTarget::Null),
        Some(file) => path(member, file).map(LogTarget::File),
    };
    let combined = new.combined_file.filter(|file| !is_null(file));
    let combined = combined.map(|file| path("/logs/combined_file", file)).transpose()?;
    Ok(LogPolicy {
        out: target("/logs/out_file", new.out_file)?,
        err: target("/logs/error_file", new.error_file)?,
        combined,
        merge: new.merge.unwrap_or(defaults.merge),
        max_size: (size > 0).then_some(ByteSize(size as u64)),
        max_files: u32::try_from(files).ok(),
        max_age: (age > 0).then_some(Duration::from_millis(age as u64)),
        when_full: match new.when_full {
            Some(wire::WhenFull::Block) | None => WhenFull::Block,
            Some(wire::WhenFull::Drop) => WhenFull::Drop,
        },
        date_format: new.date_format.map(date_format).transpose()?,
    })
}

fn size_default(defaults: &LogPolicy) -> i64 {
    defaults.max_size.map_or(0, |size| size.0 as i64)
}

fn files_default(defaults: &LogPolicy) -> i64 {
    defaults.max_files.map_or(-1, i64::from)
}

/// As in PM2.
fn is_null(file: &str) -> bool {
    file == "NULL" || file == "/dev/null"
}

fn path(member: &str, file: String) -> Result<PathBuf, ApiError> {
    if file.is_empty() || file.contains('\0') || file.ends_with('/') {
        let detail = format!("{file:?} is not the path of a file: such as logs/app.log, or NULL for none");
        return Err(ApiError::member(member, detail));
    }
    Ok(file.into())
}

fn date_format(text: String) -> Result<String, ApiError> {
    if text.trim().is_empty() || text.len() > MAX_FORMAT || text.chars().any(char::is_control) {
        let detail = format!(
            "the date format {text:?} is not one: up to {MAX_FORMAT} printable characters such as YYYY-MM-DD \
             HH:mm:ss"
        );
        return Err(ApiError::member("/logs/date_format", detail));
    }
    Ok(text)
}

/// Shows them in a definition, with every default.
pub fn show(logs: &LogPolicy) -> wire::LogPolicy {
    let LogPolicy { out, err, combined, merge, max_size, max_files, max_age, when_full, date_format } = logs;
    let file = |target: &LogTarget| match target {
        LogTarget::Own => None,
        LogTarget::Null => Some("/dev/null".to_owned()),
        LogTarget::File(path) => Some(path.display().to_string()),
    };
    wire::LogPolicy {
        out_file: file(out),
        error_file: file(err),
        combined_file: combined.as_ref().map(|path| path.display().to_string()),
        merge: Some(*merge),
        disable: None,
        max_size_bytes: Some(max_size.map_or(0, |size| size.0 as i64)),
        max_files: Some(max_files.map_or(-1, i64::from)),
        max_age_ms: Some(max_age.map_or(0, millis)),
        when_full: Some(match when_full {
            WhenFull::Block => wire::WhenFull::Block,
            WhenFull::Drop => wire::WhenFull::Drop,
        }),
        date_format: date_format.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_given_again() {
        let json = serde_json::json!({
            "out_file": "/l/o", "error_file": "NULL", "combined_file": "c.log", "merge": true, "max_size_bytes": 0,
            "max_files": -1, "max_age_ms": 1000, "when_full": "drop", "date_format": "HH:mm",
        });
        let policy = wanted(serde_json::from_value(json).unwrap()).unwrap();
        assert_eq!((policy.max_size, policy.max_files), (None, None));
        assert_eq!((&policy.err, policy.when_full), (&LogTarget::Null, WhenFull::Drop));
        for policy in [policy, LogPolicy::default()] {
            assert_eq!(wanted(show(&policy)).unwrap(), policy);
        }
        let disabled = wire::LogPolicy { disable: Some(true), ..Default::default() };
        let disabled = wanted(disabled).unwrap();
        assert_eq!((disabled.out, disabled.err), (LogTarget::Null, LogTarget::Null));
    }

    #[test]
    fn logs_that_cannot_be_are_refused_with_their_member() {
        let check = |change: fn(&mut wire::LogPolicy), member: &str| {
            let mut new = wire::LogPolicy::default();
            change(&mut new);
            let refused = format!("{:?}", wanted(new).expect_err(member));
            assert!(refused.contains(member), "{refused}");
        };
        check(|new| new.max_size_bytes = Some(1023), "/logs/max_size_bytes");
        check(|new| new.max_files = Some(-2), "/logs/max_files");
        check(|new| new.max_age_ms = Some(999), "/logs/max_age_ms");
        check(|new| new.out_file = Some("logs/".to_owned()), "/logs/out_file");
        check(|new| new.combined_file = Some(String::new()), "/logs/combined_file");
        check(|new| new.date_format = Some("\n".to_owned()), "/logs/date_format");
        check(|new| (new.disable, new.out_file) = (Some(true), Some("x".to_owned())), "/logs/disable");
    }
}
