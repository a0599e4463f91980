//! Reading what the keeper captured.
//!
//! The keeper writes exactly the bytes of the app to `NAME-out.log` and `NAME-error.log`. Beside
//! each lies an index, `<file>.idx`, that says when which part arrived ([`index`]). This module
//! turns the two into [`Line`]s with times:
//!
//! ```text
//!   file, index ──► Segment: one open file, split at \n ──┐
//!   file, index ──► Segment ──────────────────────────────┼─► merge by time ──► Vec<Line>
//! ```
//!
//! [`tail`] gives the last lines at a cost that depends on their number and not on the size of
//! the files, and with them a [`Follower`] that goes on exactly behind them, through truncation,
//! removal and replacement of the files.
//!
//! Nothing here writes a log, waits, or reads a clock. All calls are synchronous and short: the
//! daemon makes them from blocking tasks.

mod follow;
mod handle;
mod index;
mod merge;
mod segment;
#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

pub use follow::{Follower, Start};
pub use segment::MAX_LINE;

use crate::model::ProcessId;

/// A standard stream of an app.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// One log file, and whose it is.
#[derive(Clone, Debug)]
pub struct Source {
    /// The process that writes it.
    pub process: ProcessId,
    /// What the process is called on its lines.
    pub name: String,
    /// Which of its streams.
    pub stream: Stream,
    /// The file. It need not exist yet; its index is beside it.
    pub path: PathBuf,
}

/// One line, or a piece of one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// The process that wrote it.
    pub process: ProcessId,
    /// As in its [`Source`].
    pub name: Arc<str>,
    /// As in its [`Source`].
    pub stream: Stream,
    /// When the chunk with its first byte arrived, in microseconds since 1970; `None` when the
    /// index does not know.
    pub at: Option<u64>,
    /// The bytes as the app wrote them, without the newline. At most [`MAX_LINE`].
    pub text: Vec<u8>,
    /// A newline followed. Without one, what comes next in the same file continues this line:
    /// the app is still writing it, or it is longer than [`MAX_LINE`] and given in pieces.
    pub complete: bool,
}

/// The last `lines` lines of all sources together, in order of time, and a follower that
/// continues exactly behind them.
///
/// Lines of one file keep their order whatever the clock did; at equal times the earlier source
/// comes first. A last line without newline is included, with `complete: false`, up to its last
/// whole character. Of each file at
/// most 64 MiB are looked at. A file that does not exist gives no lines and is followed from its
/// beginning once it appears; a path named twice (both streams in one file) is read once.
///
/// # Errors
/// A file exists but cannot be read; the message has its path.
pub fn tail(sources: &[Source], lines: usize) -> io::Result<(Vec<Line>, Follower)> {
    let mut follower = Follower::default();
    let mut found = Vec::new();
    for source in sources {
        found.push(follower.add_tail(source.clone(), lines)?);
    }
    let mut merged = merge::by_time(found);
    merged.drain(..merged.len().saturating_sub(lines));
    Ok((merged, follower))
}

/// Text for people: what is not UTF-8 becomes U+FFFD, everything else stays.
pub fn clean(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}
