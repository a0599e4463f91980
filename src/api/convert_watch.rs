//! Introduces watched files to the API's types.

use std::time::Duration;

use super::ApiError;
use super::convert::{millis, number};
use crate::model::WatchPolicy;
use crate::model::watch::USUAL_DELAY;
use crate::wire;

/// More than this is a mistake.
const MOST: usize = 200;
const LONGEST_DELAY_MS: i64 = 3_600_000;

/// What is to be watched, with paths as they were given.
///
/// # Errors
/// 422 with the member that is wrong.
pub fn policy(given: wire::FileWatch) -> Result<WatchPolicy, ApiError> {
    let wire::FileWatch { paths, ignore, extensions, delay_ms } = given;
    for (member, texts) in
        [("/watch/paths", &paths), ("/watch/ignore", &ignore), ("/watch/extensions", &extensions)]
    {
        if texts.len() > MOST {
            return Err(ApiError::member(member, format!("there are {}: {MOST} are the most", texts.len())));
        }
        if let Some(text) = texts.iter().find(|text| text.is_empty() || text.contains('\0')) {
            return Err(ApiError::member(member, format!("{text:?} names nothing: leave it out")));
        }
    }
    let extensions: Vec<String> =
        extensions.iter().map(|ext| ext.trim_start_matches('.').to_owned()).collect();
    if let Some(ext) = extensions.iter().find(|ext| ext.is_empty() || ext.contains(['/', '*'])) {
        let detail = format!("{ext:?} is no extension of a file: write it as js");
        return Err(ApiError::member("/watch/extensions", detail));
    }
    let ms = number("/watch/delay_ms", delay_ms, millis(USUAL_DELAY), 0, LONGEST_DELAY_MS)?;
    Ok(WatchPolicy {
        paths: paths.iter().map(Into::into).collect(),
        ignore,
        extensions,
        delay: Duration::from_millis(ms as u64),
    })
}

/// Shows it in a definition.
pub fn show(policy: &WatchPolicy) -> wire::FileWatch {
    wire::FileWatch {
        paths: policy.paths.iter().map(|path| path.display().to_string()).collect(),
        ignore: policy.ignore.clone(),
        extensions: policy.extensions.clone(),
        delay_ms: Some(millis(policy.delay)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused_with_its_member() {
        let check = |change: fn(&mut wire::FileWatch), member: &str| {
            let mut given = wire::FileWatch::default();
            change(&mut given);
            let refused = policy(given).expect_err(member);
            assert!(format!("{refused:?}").contains(member), "{refused:?}");
        };
        check(|given| given.paths = vec![String::new()], "/watch/paths");
        check(|given| given.ignore = vec!["x".to_owned(); MOST + 1], "/watch/ignore");
        check(|given| given.extensions = vec!["*".to_owned()], "/watch/extensions");
        check(|given| given.extensions = vec![".".to_owned()], "/watch/extensions");
        check(|given| given.delay_ms = Some(-1), "/watch/delay_ms");
        let all = wire::FileWatch { extensions: vec![".js".to_owned()], ..wire::FileWatch::default() };
        assert_eq!(policy(all).map(|policy| policy.extensions).ok(), Some(vec!["js".to_owned()]));
    }
}
