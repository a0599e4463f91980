//! A log, whose file is there or is still to be made.
//!
//! Files are what a launch costs most (see [`super::sets`]), and many services never write to one of
//! their outputs, or to none. So a file that is not there is made with the first byte. Whether it
//! can be made is found out at the launch; where that is not certain it is made at once.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access, geteuid};

use super::log_file::LogFile;
use super::protocol::Segments;

/// One log among all that are written to.
pub enum Log {
    /// Nothing was written to it yet.
    Unmade(Unmade),
    /// Its file is open.
    Open(LogFile),
}

/// A log without a file.
pub struct Unmade {
    path: PathBuf,
    /// Device and inode of the directory, and the name in it: the same file, whatever it is called.
    place: (u64, u64, OsString),
    rules: Segments,
}

impl Log {
    /// The log of that path.
    pub fn at(path: &Path, rules: Segments) -> io::Result<Log> {
        match Unmade::at(path, rules) {
            Some(unmade) => Ok(Log::Unmade(unmade)),
            None => LogFile::open(path, rules).map(Log::Open),
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        match self {
            Log::Unmade(unmade) => &unmade.path,
            Log::Open(file) => file.path(),
        }
    }

    /// The same file on disk, now or once it is made.
    pub fn is_same(&self, other: &Log) -> bool {
        match (self, other) {
            (Log::Unmade(unmade), Log::Unmade(other)) => unmade.place == other.place,
            (Log::Open(file), Log::Open(other)) => file.is_same(other),
            (Log::Unmade(_), Log::Open(_)) | (Log::Open(_), Log::Unmade(_)) => false,
        }
    }

    /// Somebody else writes to it too; the latest rules count.
    pub fn share(&mut self, rules: Segments) -> io::Result<()> {
        match self {
            Log::Unmade(unmade) => unmade.rules = rules,
            Log::Open(file) => {
                file.follow()?;
                file.obey(rules);
            }
        }
        Ok(())
    }

    /// Its file, which is made if it is not there.
    pub fn file(&mut self) -> io::Result<&mut LogFile> {
        if let Log::Unmade(unmade) = self {
            *self = Log::Open(LogFile::open(&unmade.path, unmade.rules)?);
        }
        match self {
            Log::Open(file) => Ok(file),
            Log::Unmade(_) => unreachable!("it has just been opened"),
        }
    }

    /// Its file, if that was needed already.
    pub fn made(&mut self) -> Option<&mut LogFile> {
        match self {
            Log::Unmade(_) => None,
            Log::Open(file) => Some(file),
        }
    }

    /// Bytes that were taken from a FIFO and are not in the log yet.
    pub fn held(&self) -> usize {
        match self {
            Log::Unmade(_) => 0,
            Log::Open(file) => file.held(),
        }
    }
}

impl Unmade {
    /// `None` if there is something at the path, if the directory does not let us make it, or if
    /// others might put something there before us.
    fn at(path: &Path, rules: Segments) -> Option<Unmade> {
        let is_there = fs::symlink_metadata(path).err()?.kind() != io::ErrorKind::NotFound;
        let (parent, name) = (path.parent()?, path.file_name()?);
        if is_there {
            return None;
        }
        if !parent.exists() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).ok()?;
        }
        let dir = fs::metadata(parent).ok()?;
        access(parent, AccessFlags::W_OK | AccessFlags::X_OK).ok()?;
        let is_ours = dir.uid() == geteuid().as_raw() && dir.mode() & 0o022 == 0;
        let place = (dir.dev(), dir.ino(), name.to_owned());
        is_ours.then(|| Unmade { path: path.to_owned(), place, rules })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn at(path: &Path) -> io::Result<Log> {
        Log::at(path, Segments::default())
    }

    #[test]
    fn a_file_is_made_when_it_is_needed_and_its_directory_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/a.log");
        let mut log = at(&path).unwrap();
        assert!(log.made().is_none() && !path.exists() && path.parent().unwrap().exists());
        log.file().unwrap();
        assert!(log.made().is_some() && path.exists());
        assert!(matches!(at(&path).unwrap(), Log::Open(_)));
    }

    #[test]
    fn two_names_of_one_file_are_one_log_also_before_it_is_there() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(dir.path(), dir.path().join("link")).unwrap();
        let one = at(&dir.path().join("a.log")).unwrap();
        assert!(one.is_same(&at(&dir.path().join("link/a.log")).unwrap()));
        assert!(!one.is_same(&at(&dir.path().join("b.log")).unwrap()));
    }

    #[test]
    fn what_cannot_be_made_is_told_at_once() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        assert!(at(&dir.path().join("file/a.log")).is_err());
        assert!(at(Path::new("/proc/none/a.log")).is_err());
        assert!(at(&dir.path().join("n".repeat(300))).is_err());
        std::os::unix::fs::symlink("/etc/none", dir.path().join("link")).unwrap();
        assert!(at(&dir.path().join("link")).is_err());
    }

    #[test]
    fn where_others_may_add_files_it_is_made_before_them() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        assert!(matches!(at(&dir.path().join("a.log")).unwrap(), Log::Open(_)));
    }
}
