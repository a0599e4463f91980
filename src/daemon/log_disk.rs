//! What is on the disk of a log: its segments, what they take, and their removal.
//!
//! Whoever removes a segment removes its bytes before its index: an index that is alone tells the
//! keeper of a rotation that was not completed, as long as the active segment has none.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::model::log_segment::{Part, closed_path, compressed_path, index_path, part_of};

/// Held by whoever removes a segment, or puts a compressed one in place of the plain one: what was
/// removed must not come back.
static CHANGING: Mutex<()> = Mutex::new(());

pub(super) fn changing() -> MutexGuard<'static, ()> {
    CHANGING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A closed segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Its log.
    pub log: PathBuf,
    /// Its number.
    pub number: u64,
    /// It is there as it was written.
    pub plain: bool,
    /// It is there compressed.
    pub compressed: bool,
    /// When its last byte was written.
    pub modified: SystemTime,
    /// What it takes on the disk, with its index.
    pub bytes: u64,
}

impl Segment {
    /// Removes it. What is not there any more is not missed.
    ///
    /// # Errors
    /// As the system says.
    pub fn remove(&self) -> io::Result<()> {
        let _held = changing();
        let closed = closed_path(&self.log, self.number);
        for path in [&closed, &compressed_path(&self.log, self.number), &index_path(&closed)] {
            remove_file(path)?;
        }
        Ok(())
    }
}

/// A directory of logs, looked at once.
pub struct Folder {
    dir: PathBuf,
    names: Vec<String>,
}

impl Folder {
    /// Reads the names. A directory that is not there is empty.
    ///
    /// # Errors
    /// As the system says.
    pub fn read(dir: &Path) -> io::Result<Folder> {
        let mut names = Vec::new();
        match fs::read_dir(dir) {
            Ok(entries) => {
                for entry in entries {
                    // What is not UTF-8 is not ours.
                    names.extend(entry?.file_name().into_string().ok());
                }
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
        names.sort_unstable();
        Ok(Folder { dir: dir.to_owned(), names })
    }

    /// The names in it that begin with that text.
    pub(super) fn beginning<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a String> {
        let first = self.names.partition_point(|name| name.as_str() < text);
        self.names[first..].iter().take_while(move |name| name.starts_with(text))
    }

    /// The closed segments of the log of that name, by number.
    pub fn segments(&self, log: &str) -> Vec<Segment> {
        let mut found: BTreeMap<u64, Segment> = BTreeMap::new();
        for (name, (number, part)) in self.beginning(log).filter_map(|name| Some((name, part_of(log, name)?)))
        {
            let Ok(meta) = fs::symlink_metadata(self.dir.join(name)) else { continue };
            let segment = found.entry(number).or_insert_with(|| Segment {
                log: self.dir.join(log),
                number,
                plain: false,
                compressed: false,
                modified: SystemTime::UNIX_EPOCH,
                bytes: 0,
            });
            segment.bytes += meta.blocks() * 512;
            match part {
                Part::Closed => segment.plain = true,
                Part::Compressed => segment.compressed = true,
                Part::Index => continue,
            }
            segment.modified = segment.modified.max(meta.modified().unwrap_or(SystemTime::UNIX_EPOCH));
        }
        found.into_values().filter(|segment| segment.plain || segment.compressed).collect()
    }

    /// What the active segment of that log takes, with its index; `None` when there is none.
    pub fn active(&self, log: &str) -> Option<u64> {
        let path = self.dir.join(log);
        let taken = |path: &Path| fs::symlink_metadata(path).map(|meta| meta.blocks() * 512);
        Some(taken(&path).ok()? + taken(&index_path(&path)).unwrap_or(0))
    }

    /// The logs that have closed segments here, by name.
    pub fn logs(&self) -> Vec<String> {
        let log = |name: &String| {
            let (before, last) = name.rsplit_once('.')?;
            let stem = match last {
                "zst" | "idx" => before.rsplit_once('.')?.0,
                _ => before,
            };
            part_of(stem, name).map(|_| stem.to_owned())
        };
        let mut logs: Vec<String> = self.names.iter().filter_map(log).collect();
        logs.dedup();
        logs
    }

    /// The directories in it.
    pub fn folders(&self) -> Vec<PathBuf> {
        let is_dir = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir());
        self.names.iter().map(|name| self.dir.join(name)).filter(is_dir).collect()
    }
}

/// Directory and name of a log; `None` for what has no name that is text.
pub fn place(log: &Path) -> Option<(&Path, &str)> {
    Some((log.parent()?, log.file_name()?.to_str()?))
}

/// What each of these sets of logs takes on the disk, and in how many segments.
pub fn usages(sets: &[Vec<PathBuf>]) -> Vec<(u64, u64)> {
    let mut folders = BTreeMap::new();
    let mut usage = |log: &PathBuf| {
        let (dir, name) = place(log)?;
        let folder = folders.entry(dir.to_owned()).or_insert_with(|| Folder::read(dir).ok()).as_ref()?;
        let segments = folder.segments(name);
        let active = folder.active(name);
        let bytes = segments.iter().map(|segment| segment.bytes).sum::<u64>() + active.unwrap_or(0);
        Some((bytes, segments.len() as u64 + u64::from(active.is_some())))
    };
    let mut sum = |logs: &Vec<PathBuf>| {
        logs.iter().filter_map(&mut usage).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    };
    sets.iter().map(&mut sum).collect()
}

/// Removes the closed segments up to that number; how many bytes that were.
///
/// # Errors
/// As the system says, of the first that cannot be removed.
pub fn remove_up_to(log: &Path, number: u64) -> io::Result<u64> {
    let Some((dir, name)) = place(log) else { return Ok(0) };
    let mut freed = 0;
    for segment in Folder::read(dir)?.segments(name).iter().filter(|segment| segment.number <= number) {
        segment.remove()?;
        freed += segment.bytes;
    }
    Ok(freed)
}

/// Removes a log with everything that belongs to it.
///
/// # Errors
/// As the system says.
pub fn remove(log: &Path) -> io::Result<()> {
    let Some((dir, name)) = place(log) else { return Ok(()) };
    let _held = changing();
    let folder = Folder::read(dir)?;
    for other in folder.beginning(name) {
        let draft = [".zst", ".idx"].iter().any(|end| {
            let draft = other.strip_suffix(".tmp").filter(|stem| stem.ends_with(end));
            draft.is_some_and(|stem| part_of(name, stem).is_some() || stem == format!("{name}.idx"))
        });
        if draft || part_of(name, other).is_some() {
            remove_file(&dir.join(other))?;
        }
    }
    remove_file(log)?;
    remove_file(&index_path(log))
}

pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_removed_with_all_that_is_its_own_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let names = [
            "a.log",
            "a.log.idx",
            "a.log.000001.zst",
            "a.log.000001.idx",
            "a.log.000002",
            "a.log.000002.idx",
            "a.log.000003.zst.tmp",
            "a.log.idx.tmp",
        ];
        let others = ["a.log.1", "a.log.bak", "a.log.tmp", "b.log", "a.log2", "x-a.log", "a.log.000002.gz"];
        for name in names.into_iter().chain(others) {
            fs::write(dir.path().join(name), name).unwrap();
        }
        let log = dir.path().join("a.log");
        let folder = Folder::read(dir.path()).unwrap();
        assert_eq!(folder.logs(), ["a.log"]);
        let segments: Vec<_> =
            folder.segments("a.log").iter().map(|s| (s.number, s.plain, s.compressed)).collect();
        assert_eq!(segments, [(1, false, true), (2, true, false)]);
        assert_eq!(
            usages(&[vec![log.clone()], vec![]]).iter().map(|usage| usage.1).collect::<Vec<_>>(),
            [3, 0]
        );
        assert!(remove_up_to(&log, 1).unwrap() > 0);
        assert!(!dir.path().join("a.log.000001.idx").exists() && dir.path().join("a.log.000002").exists());
        remove(&log).unwrap();
        let mut left = Folder::read(dir.path()).unwrap().names;
        left.sort_unstable();
        let mut expected = others.to_vec();
        expected.sort_unstable();
        assert_eq!(left, expected);
    }
}
