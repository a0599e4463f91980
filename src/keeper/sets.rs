//! The files of runs, in numbered sets: `run/<n>.json` (the record), `<n>.out` and `<n>.err` (the
//! FIFOs). The set of a run that is over is used again by a later run.
//!
//! Making files and removing them again is most of what a launch costs: ext4 looks for an inode that
//! was not freed in the last seconds, which takes up to a millisecond each where many were. A set
//! that waits has an empty record, and FIFOs that nobody has open: what somebody of an earlier run
//! still held, he could write into the log of another one. There are never more of them than runs,
//! so that where nothing runs no file is left.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::poll::Which;
use super::record::Record;

/// Which set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct FileSet(pub u64);

impl FileSet {
    /// The set to which that file belongs, or belonged.
    pub fn of(path: &Path) -> Option<FileSet> {
        path.file_stem()?.to_str()?.parse().ok().map(FileSet)
    }

    /// Where the record is.
    pub fn record(self, dir: &Path) -> PathBuf {
        dir.join(format!("{}.json", self.0))
    }

    /// Where an earlier version put the daemon's keepsake.
    pub fn former_keepsake(self, dir: &Path) -> PathBuf {
        dir.join(format!("{}.app", self.0))
    }

    /// Where the FIFO of that output is.
    pub fn fifo(self, dir: &Path, which: Which) -> PathBuf {
        match which {
            Which::Out => dir.join(format!("{}.out", self.0)),
            Which::Err => dir.join(format!("{}.err", self.0)),
        }
    }

    /// Removes all of it.
    pub fn remove(self, dir: &Path) {
        // The record last: as long as it is there, the next keeper cleans up what is left.
        for which in Which::BOTH {
            let _ = fs::remove_file(self.fifo(dir, which));
        }
        let _ = fs::remove_file(self.former_keepsake(dir));
        let _ = fs::remove_file(self.record(dir));
    }

    /// Makes it ready for another run, if that can be.
    fn clean(self, dir: &Path) -> io::Result<()> {
        for which in Which::BOTH {
            see_that_nobody_has(&self.fifo(dir, which))?;
        }
        let _ = fs::remove_file(self.former_keepsake(dir));
        // The record last, as above: an empty one says that the rest is of nobody.
        OpenOptions::new().write(true).truncate(true).open(self.record(dir)).map(drop)
    }
}

/// Fails if anybody has that FIFO open, or if it was given to another user.
fn see_that_nobody_has(path: &Path) -> io::Result<()> {
    let used = || Err(io::ErrorKind::ResourceBusy.into());
    let open =
        |options: &mut OpenOptions| options.custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW).open(path);
    let mut ours = open(OpenOptions::new().read(true))?;
    let meta = ours.metadata()?;
    if !meta.file_type().is_fifo() || meta.uid() != nix::unistd::geteuid().as_raw() {
        return used();
    }
    // With a writer it would have to be waited for.
    if ours.read(&mut [0]).ok() != Some(0) {
        return used();
    }
    drop(ours);
    match open(OpenOptions::new().write(true)) {
        Err(error) if error.raw_os_error() == Some(libc::ENXIO) => Ok(()),
        Ok(_) | Err(_) => used(),
    }
}

/// All sets of one keeper.
#[derive(Default)]
pub struct FileSets {
    waiting: Vec<FileSet>,
    next: u64,
}

impl FileSets {
    /// Numbers up to this one are taken.
    pub fn begin_after(&mut self, set: FileSet) {
        self.next = self.next.max(set.0 + 1);
    }

    /// A set for a run: one that waits, or one of which no file is there yet.
    pub fn take(&mut self) -> FileSet {
        self.waiting.pop().unwrap_or_else(|| {
            self.next += 1;
            FileSet(self.next - 1)
        })
    }

    /// A run is over. With at most `most` sets that wait, its set waits too.
    pub fn put_back(&mut self, dir: &Path, set: FileSet, most: usize) {
        if self.waiting.len() < most && set.clean(dir).is_ok() {
            self.waiting.push(set);
        } else {
            set.remove(dir);
        }
    }

    /// Removes at most `count` of those that wait and are more than `most`. Returns whether there
    /// are still too many.
    pub fn trim(&mut self, dir: &Path, most: usize, count: usize) -> bool {
        for _ in 0..count.min(self.waiting.len().saturating_sub(most)) {
            self.waiting.pop().into_iter().for_each(|set| set.remove(dir));
        }
        self.waiting.len() > most
    }
}

/// Which run has which set, by its records.
pub fn by_run(dir: &Path) -> io::Result<BTreeMap<u64, FileSet>> {
    let (records, _) = Record::read_all(dir)?;
    Ok(records.into_iter().map(|record| (record.run, record.set)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::fifo;

    fn used(dir: &Path, set: FileSet) {
        fs::write(set.record(dir), "{} and a secret").unwrap();
        fs::write(set.former_keepsake(dir), "a secret").unwrap();
        for which in Which::BOTH {
            fifo::make(&set.fifo(dir, which)).unwrap();
        }
    }

    #[test]
    fn a_set_that_is_over_is_used_again_and_tells_nothing_of_its_run() {
        let dir = tempfile::tempdir().unwrap();
        let mut sets = FileSets::default();
        let first = sets.take();
        used(dir.path(), first);
        sets.put_back(dir.path(), first, 1);
        assert_eq!(fs::read_to_string(first.record(dir.path())).unwrap(), "");
        assert!(!first.former_keepsake(dir.path()).exists());
        assert_eq!(sets.take(), first);
        used(dir.path(), first);
        assert_ne!(sets.take(), first);
    }

    #[test]
    fn what_somebody_still_holds_is_never_given_to_another_run() {
        for (read, write) in [(true, true), (false, true), (true, false)] {
            let dir = tempfile::tempdir().unwrap();
            let mut sets = FileSets::default();
            let set = sets.take();
            used(dir.path(), set);
            let path = set.fifo(dir.path(), Which::Err);
            let both = OpenOptions::new().read(true).write(true).open(&path).unwrap();
            let held = OpenOptions::new().read(read).write(write).open(&path).unwrap();
            drop(both);
            sets.put_back(dir.path(), set, 10);
            assert_ne!(sets.take(), set, "read {read}, write {write}");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
            drop(held);
        }
    }

    #[test]
    fn no_more_wait_than_there_are_runs() {
        let dir = tempfile::tempdir().unwrap();
        let mut sets = FileSets::default();
        let all: Vec<FileSet> = (0..6).map(|_| sets.take()).collect();
        for set in all {
            used(dir.path(), set);
            sets.put_back(dir.path(), set, 5);
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 15);
        assert!(sets.trim(dir.path(), 1, 3));
        assert!(!sets.trim(dir.path(), 1, 3));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    }
}
