//! Reading what the keeper captured.
//!
//! The keeper writes exactly the bytes of the app to a row of segments, and beside each an index that
//! says when which part arrived (`model::log_segment`). This module turns them into [`Line`]s with
//! times, levels and places:
//!
//! ```text
//!   segments, indexes ──► Reader: one stream of bytes, split at \n ──┐
//!   segments, indexes ──► Reader ────────────────────────────────────┼─► Reading: by time ──► Line
//!   segments, indexes ──► Backward: where the last N lines begin ────┘
//! ```
//!
//! A [`Reading`] begins at the last N lines, at a time or at a [`Cursor`], and can go on with what is
//! written later. A [`Cursor`] names a place exactly, across rotation, compression and restarts of
//! daemon and keeper. What is read at once is bounded, whatever lies there: a block of each log.
//!
//! Nothing here writes a log, waits, or reads a clock. All calls are synchronous and short: the
//! daemon makes them from blocking tasks.

pub mod ansi;
mod backward;
mod cursor;
mod directory;
mod grep;
mod handle;
mod index;
pub mod lag;
mod level;
mod piece;
mod place;
mod reader;
mod reading;
mod segment;
#[cfg(test)]
mod tests;
mod time;
mod window;

use std::path::PathBuf;
use std::sync::Arc;

pub use cursor::{BadCursor, Cursor, Log};
pub use grep::{BadPattern, Grep};
pub use level::Level;
pub use piece::MAX_LINE;
pub use place::Position;
pub use reading::{Item, Reading, Start, Until};

use crate::model::ProcessId;

/// A standard stream of an app.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// One log, and whose it is.
#[derive(Clone, Debug)]
pub struct Source {
    /// The process that writes it.
    pub process: ProcessId,
    /// What the process is called on its lines.
    pub name: String,
    /// Which of its streams.
    pub stream: Stream,
    /// Its active segment, which need not exist yet; all else is beside it.
    pub path: PathBuf,
    /// Only lines that came then or later, in microseconds since 1970.
    pub since: Option<u64>,
    /// Only lines that came then or earlier.
    pub until: Option<u64>,
}

impl Source {
    /// Which log of which process.
    pub fn log(&self) -> Log {
        (self.process, self.stream)
    }
}

/// Which lines are wanted.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Those that say that they are of this level or above.
    pub level: Option<Level>,
    /// Those that match.
    pub grep: Option<Grep>,
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
    /// A newline followed. Without one, what comes next in the same log continues this line:
    /// the app is still writing it, or it is longer than [`MAX_LINE`] and given in pieces.
    pub complete: bool,
    /// Where its first byte is.
    pub start: Position,
    /// Where the next line begins.
    pub end: Position,
}

/// Text for people: what is not UTF-8 becomes U+FFFD, everything else stays.
pub fn clean(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}
