//! The name of what a page shows of all processes. Who has that picture already is not sent it again.

use std::sync::LazyLock;

use crate::daemon::clock;

/// Tells the pictures of this daemon from those of the one before it.
static LIFE: LazyLock<u64> = LazyLock::new(clock::unix_ms);

/// The name of the picture with that `seq`.
pub fn name(seq: u64) -> String {
    format!("{}-{seq}", *LIFE)
}
