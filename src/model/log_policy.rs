//! Where the output of an app goes, and how much of it is kept (acceptance rows D7, J23, K14).

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ByteSize;

/// The logs of an app.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogPolicy {
    /// Standard output.
    pub out: LogTarget,
    /// Standard error.
    pub err: LogTarget,
    /// A copy of both, in the order in which they came; absolute.
    pub combined: Option<PathBuf>,
    /// All processes of the app write into the same files.
    pub merge: bool,
    /// A segment with so many bytes is closed. Absent: never for its size.
    pub max_size: Option<ByteSize>,
    /// Closed segments that are kept of each log. Absent: as many as the budget allows.
    pub max_files: Option<u32>,
    /// How old a closed segment may become; the active one is closed when it is so old.
    pub max_age: Option<Duration>,
    /// What happens when a file takes nothing.
    pub when_full: WhenFull,
    /// How times are written when lines are shown.
    pub date_format: Option<String>,
}

impl Default for LogPolicy {
    fn default() -> LogPolicy {
        LogPolicy {
            out: LogTarget::Own,
            err: LogTarget::Own,
            combined: None,
            merge: false,
            max_size: Some(ByteSize(10 << 20)),
            max_files: Some(30),
            max_age: None,
            when_full: WhenFull::Block,
            date_format: None,
        }
    }
}

/// Where one output goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogTarget {
    /// A file of ours in the home, which goes with the app.
    Own,
    /// Nowhere.
    Null,
    /// That file, which is never deleted; absolute.
    File(PathBuf),
}

/// What happens to output that its file does not take, because the disk is full.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WhenFull {
    /// The program waits, once its pipe is full. Nothing is lost.
    Block,
    /// It is counted and dropped.
    Drop,
}

/// `app.log` becomes `app-3.log`: the file of one of several processes.
pub fn numbered(path: &Path, instance: u32) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default();
    let mut name = stem.to_owned();
    name.push(format!("-{instance}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_process_comes_before_the_extension() {
        let check = |path: &str, text: &str| assert_eq!(numbered(Path::new(path), 3), Path::new(text));
        check("/l/app.log", "/l/app-3.log");
        check("/l/app.x.log", "/l/app.x-3.log");
        check("/l.d/app", "/l.d/app-3");
        check("/l/.app", "/l/.app-3");
    }
}
