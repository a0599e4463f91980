//! Introduces limits, and who a process runs as, to the API's types.

use super::ApiError;
use crate::model::resources::UNLIMITED;
use crate::model::{ByteSize, Resources};
use crate::wire;
use crate::wire::size;

/// How the API writes a core size without a limit.
const NO_LIMIT: i64 = -1;

/// The limits that somebody asked for. The user is looked up later: see
/// [`define`](crate::daemon::define).
///
/// # Errors
/// 422 with the member that is wrong.
pub fn wanted(new: &wire::NewApp) -> Result<Resources, ApiError> {
    Ok(Resources {
        max_memory: between("/max_memory_bytes", new.max_memory_bytes, 1, 1 << 53, "536870912 for 512 MiB")?
            .map(|bytes| ByteSize(bytes as u64)),
        nice: between("/nice", new.nice, -20, 19, "10")?.map(|nice| nice as i32),
        max_open_files: between("/max_open_files", new.max_open_files, 1, 1 << 53, "4096")?
            .map(|files| files as u64),
        core_size: between("/core_size_bytes", new.core_size_bytes, NO_LIMIT, 1 << 53, "0 for no core dump")?
            .map(|size| u64::try_from(size).unwrap_or(UNLIMITED)),
        umask: match &new.umask {
            Some(text) => Some(size::parse_umask(text).map_err(|e| ApiError::member("/umask", e))?),
            None => None,
        },
        run_as: None,
        no_new_privileges: new.no_new_privileges,
    })
}

fn between(
    pointer: &str,
    given: Option<i64>,
    least: i64,
    most: i64,
    example: &str,
) -> Result<Option<i64>, ApiError> {
    match given {
        Some(value) if !(least..=most).contains(&value) => {
            let member = pointer.trim_start_matches('/');
            let detail = format!("{member} is {value}: {least} to {most} is allowed, such as {example}");
            Err(ApiError::member(pointer, detail))
        }
        Some(_) | None => Ok(given),
    }
}

/// Shows them in a definition.
pub fn show(app: &mut wire::App, resources: &Resources) {
    let Resources { max_memory, nice, max_open_files, core_size, umask, run_as, .. } = resources;
    app.max_memory_bytes = max_memory.map(|size| size.0 as i64);
    app.nice = nice.map(i64::from);
    app.max_open_files = max_open_files.map(|files| files as i64);
    app.core_size_bytes = core_size.map(|size| if size == UNLIMITED { NO_LIMIT } else { size as i64 });
    app.umask = umask.map(|mask| format!("{mask:03o}"));
    app.user = run_as.as_ref().map(|user| user.user.clone());
    app.group = run_as.as_ref().map(|user| user.group.clone());
    app.no_new_privileges = resources.no_new_privileges();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_out_of_range_are_refused_with_their_member() {
        let check = |change: fn(&mut wire::NewApp), member: &str| {
            let mut new = wire::NewApp::default();
            change(&mut new);
            let refused = format!("{:?}", wanted(&new).expect_err(member));
            assert!(refused.contains(member), "{refused}");
        };
        check(|new| new.max_memory_bytes = Some(0), "/max_memory_bytes");
        check(|new| new.max_memory_bytes = Some(-5), "/max_memory_bytes");
        check(|new| new.nice = Some(20), "/nice");
        check(|new| new.nice = Some(-21), "/nice");
        check(|new| new.max_open_files = Some(0), "/max_open_files");
        check(|new| new.core_size_bytes = Some(-2), "/core_size_bytes");
        check(|new| new.umask = Some("888".to_owned()), "/umask");
        let all = wire::NewApp {
            max_memory_bytes: Some(512 << 20),
            core_size_bytes: Some(-1),
            umask: Some("27".to_owned()),
            ..wire::NewApp::default()
        };
        let resources = wanted(&all).expect("allowed");
        assert_eq!(resources.max_memory, Some(ByteSize(512 << 20)));
        assert_eq!((resources.core_size, resources.umask), (Some(UNLIMITED), Some(0o27)));
    }
}
