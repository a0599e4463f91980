//! Which files make an app start anew when they change (acceptance row J11).

use std::path::PathBuf;
use std::time::Duration;

/// What is watched, and what of it does not count.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WatchPolicy {
    /// Absolute paths of files and directories; never none. Directories with all that is in them.
    pub paths: Vec<PathBuf>,
    /// Globs of what does not count, and is not even looked at. One without a slash means a name
    /// anywhere.
    pub ignore: Vec<String>,
    /// Only files with one of these extensions count; any, if there are none.
    pub extensions: Vec<String>,
    /// So long nothing may have changed before it restarts: one restart for a burst of writes.
    pub delay: Duration,
}

/// Editors and compilers write within this, and people do not notice it.
pub const USUAL_DELAY: Duration = Duration::from_millis(100);
