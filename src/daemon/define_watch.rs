//! Finds out whether what is to be watched can be.

use std::path::Path;

use super::define::Undefinable;
use super::file_watch::Filter;
use super::finder::reason;
use crate::model::WatchPolicy;

/// With absolute paths, which are there.
///
/// # Errors
/// A path that is not there, or a pattern that is none.
pub(super) fn resolve(mut policy: WatchPolicy, cwd: &Path) -> Result<WatchPolicy, Undefinable> {
    let refuse = |detail| Undefinable { member: "watch", detail };
    policy.paths = match policy.paths.as_slice() {
        [] => vec![cwd.to_owned()],
        some => some.iter().map(|path| tidy(&cwd.join(path))).collect(),
    };
    for path in &policy.paths {
        if let Err(e) = std::fs::metadata(path) {
            return Err(refuse(format!("{} cannot be watched: {}", path.display(), reason(&e))));
        }
    }
    Filter::new(&policy, cwd, Vec::new()).map_err(refuse)?;
    Ok(policy)
}

/// Without `.` in the middle and a slash at the end.
fn tidy(path: &Path) -> std::path::PathBuf {
    path.components().collect()
}
