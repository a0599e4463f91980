//! The files of a log on disk: closing the active segment, and putting in order what a keeper that
//! died in the middle of that has left.
//!
//! | after | is there | whoever opens the log |
//! |---|---|---|
//! | [`move_index`] | `P`, `P.n.idx` | moves `P` to `P.n`, and begins a new segment |
//! | [`move_log`] | `P.n`, `P.n.idx` | begins a new segment |
//! | [`put_index`] | that, and an empty `P.idx` | makes `P` |
//!
//! No step copies or removes a byte, so none is lost or doubled whatever happens.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::dir::Dir;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use super::index::Index;
use crate::model::log_segment::{Part, closed_path, compressed_path, index_path, may_be_part, part_of};

/// What has to be done to close the active segment of that number, in this order.
pub const STEPS: [fn(&Path, u64) -> io::Result<()>; 4] = [move_index, move_log, put_index, make_log];

/// Closes the active segment and begins the next.
pub fn rotate(log: &Path, number: u64) -> io::Result<()> {
    STEPS.iter().try_for_each(|step| step(log, number))
}

fn move_index(log: &Path, number: u64) -> io::Result<()> {
    LISTING.set(None);
    fs::rename(index_path(log), index_path(&closed_path(log, number)))
}

fn move_log(log: &Path, number: u64) -> io::Result<()> {
    let moved = fs::rename(log, closed_path(log, number));
    if moved.is_err() {
        // As it was, if that is possible: the segment goes on.
        let _ = fs::rename(index_path(&closed_path(log, number)), index_path(log));
    }
    moved
}

fn put_index(log: &Path, number: u64) -> io::Result<()> {
    Index::create(log, number + 1).map(drop)
}

fn make_log(log: &Path, _number: u64) -> io::Result<()> {
    options().create_new(true).open(log).map(drop)
}

/// How a log is opened: never through a link that somebody put there, never waiting for the reader
/// of a FIFO.
pub fn options() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY);
    options
}

/// Completes a rotation that ended after its first step.
pub fn complete_rotation(log: &Path) -> io::Result<()> {
    if index_path(log).exists() || !log.exists() {
        return Ok(());
    }
    let parts = parts(log)?;
    let Some(number) = parts.iter().map(|(number, _)| *number).max() else { return Ok(()) };
    let is_alone = !closed_path(log, number).exists() && !compressed_path(log, number).exists();
    if is_alone && parts.contains(&(number, Part::Index)) {
        fs::rename(log, closed_path(log, number))?;
    }
    Ok(())
}

/// The highest number that a closed segment of that log, or the index of one, has; 0 if none.
pub fn highest(log: &Path) -> io::Result<u64> {
    Ok(parts(log)?.into_iter().map(|(number, _)| number).max().unwrap_or(0))
}

/// The closed parts beside a log.
fn parts(log: &Path) -> io::Result<Vec<(u64, Part)>> {
    let parent = match log.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    let Some(name) = log.file_name().and_then(OsStr::to_str) else { return Ok(Vec::new()) };
    LISTING.with_borrow_mut(|listing| {
        if !listing.as_ref().is_some_and(|listing| listing.is_of(parent)) {
            *listing = None;
            *listing = Some(Listing::take(parent)?);
        }
        let names = listing.iter().flat_map(|listing| &listing.names);
        Ok(names.filter_map(|other| part_of(name, other)).collect())
    })
}

/// How long a listing serves: hundreds of services that are started together have logs in the same
/// directory, and to list it anew for each of them costs more than everything else about them.
const SERVES: Duration = Duration::from_millis(100);

thread_local! {
    /// The latest listing, while nothing was moved by us since. The keeper has one thread.
    static LISTING: RefCell<Option<Listing>> = const { RefCell::new(None) };
}

/// As if that moment were over.
#[cfg(test)]
pub fn look_anew() {
    LISTING.set(None);
}

/// What lay in a directory a moment ago and may be a closed part of a log.
struct Listing {
    dir: PathBuf,
    taken: Instant,
    names: Vec<String>,
}

impl Listing {
    fn take(path: &Path) -> io::Result<Listing> {
        let taken = Instant::now();
        // One name after the other without an allocation each: there may be tens of thousands.
        let mut dir =
            Dir::open(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
        let mut names = Vec::new();
        for entry in dir.iter() {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            names.extend(name.to_str().filter(|name| may_be_part(name)).map(str::to_owned));
        }
        Ok(Listing { dir: path.to_owned(), taken, names })
    }

    fn is_of(&self, dir: &Path) -> bool {
        self.dir == dir && self.taken.elapsed() < SERVES
    }
}
