//! Generations: whole copies of the store, for the day on which it turns out to be damaged.
//!
//! `backup/store-000012.db` and so on; the higher the number, the younger. The numbers and not the
//! clock say which is which, since clocks are set back. [`KEPT`] of them are kept. Each is written
//! beside its place, checked, synced and only then given its name, so that a generation is good or
//! is not there.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::{Connection, OpenFlags};

use super::{Store, StoreError, open};

/// So many generations are kept.
pub const KEPT: usize = 5;

/// Where the generations are.
#[derive(Clone, Debug)]
pub struct Backups(PathBuf);

/// One copy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Generation {
    /// The file.
    pub path: PathBuf,
    /// When it was made, by the clock on the wall: to be shown, not to be compared.
    pub made: Option<SystemTime>,
    number: u64,
}

impl Backups {
    /// Those in `dir`, which is made with the first one.
    pub fn at(dir: impl Into<PathBuf>) -> Backups {
        Backups(dir.into())
    }

    /// All of them, the youngest first. A directory that cannot be read has none.
    pub fn list(&self) -> Vec<Generation> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let mut found: Vec<Generation> = entries
            .filter_map(|entry| {
                let name = entry.file_name();
                let number = name.to_str()?.strip_prefix("store-")?.strip_suffix(".db")?.parse().ok()?;
                let made = entry.metadata().ok().and_then(|meta| meta.modified().ok());
                Some(Generation { path: entry.path(), made, number })
            })
            .collect();
        found.sort_by_key(|generation| std::cmp::Reverse(generation.number));
        found
    }

    /// Copies the store as it is now, for [`keep`](Self::keep).
    ///
    /// # Errors
    /// When the store cannot be read or the copy not written.
    pub fn draft(&self, store: &Store) -> Result<Draft, StoreError> {
        let draft = Draft(self.0.join("draft"));
        let failed =
            |source: io::Error| StoreError::File { doing: "back up to", path: draft.0.clone(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0).map_err(failed)?;
        match fs::remove_file(&draft.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            Ok(()) | Err(_) => {}
        }
        store.copy(&draft.0)?;
        Ok(draft)
    }

    /// Makes a generation of a copy, and removes the oldest ones.
    ///
    /// # Errors
    /// When the copy is damaged or cannot be kept. The generations that were there still are.
    pub fn keep(&self, draft: Draft) -> Result<Generation, StoreError> {
        let copy = &draft.0;
        let failed = |source: io::Error| StoreError::File { doing: "back up to", path: copy.clone(), source };
        check(copy)?;
        File::open(copy).and_then(|file| file.sync_all()).map_err(failed)?;
        let number = self.list().first().map_or(0, |youngest| youngest.number) + 1;
        let path = self.0.join(format!("store-{number:06}.db"));
        fs::rename(copy, &path).map_err(failed)?;
        open::sync_directory(&path);
        for old in self.list().into_iter().skip(KEPT) {
            if let Err(error) = fs::remove_file(&old.path) {
                tracing::warn!("cannot remove the old copy {}: {error}", old.path.display());
            }
        }
        Ok(Generation { path, made: Some(SystemTime::now()), number })
    }
}

/// A copy that is no generation yet, and goes if it does not become one.
#[derive(Debug)]
pub struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        // It has moved away, or is in the way of nobody but the disk.
        let _ = fs::remove_file(&self.0);
    }
}

/// A copy that cannot be read is none.
fn check(copy: &Path) -> Result<(), StoreError> {
    let connection = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(|error| StoreError::sql("read", copy, error))?;
    open::check(&connection, copy)
}

#[cfg(test)]
mod tests {
    use super::super::Change;
    use super::super::tests::{Place, event, spec};
    use super::*;
    use crate::model::AppId;

    #[test]
    fn the_youngest_five_are_kept_and_each_is_the_store_of_its_time() {
        let place = Place::new();
        let mut store = place.open();
        let backups = Backups::at(place.0.path().join("backup"));
        assert!(backups.list().is_empty());
        for id in 0..7 {
            store.apply(&[Change::PutApp { id: AppId(id), spec: spec("web") }]).unwrap();
            backups.keep(backups.draft(&store).unwrap()).unwrap();
        }
        let kept = backups.list();
        let apps = |generation: &Generation| {
            let copy = place.0.path().join("copy.db");
            fs::copy(&generation.path, &copy).unwrap();
            let found = super::super::Store::open(&copy).unwrap().load().unwrap().apps.len();
            fs::remove_file(copy).unwrap();
            found
        };
        assert_eq!(kept.iter().map(apps).collect::<Vec<_>>(), [7, 6, 5, 4, 3]);
        let names: Vec<_> = fs::read_dir(place.0.path().join("backup")).unwrap().collect();
        assert_eq!(names.len(), KEPT, "nothing else is left there: {names:?}");
    }

    #[test]
    fn a_damaged_copy_makes_no_generation() {
        let place = Place::new();
        let mut store = place.open();
        store.apply(&(1..500).map(|seq| Change::AddEvent(event(seq, 1))).collect::<Vec<_>>()).unwrap();
        let backups = Backups::at(place.0.path().join("backup"));
        let draft = backups.draft(&store).unwrap();
        let mut bytes = fs::read(&draft.0).unwrap();
        bytes[4096..].iter_mut().for_each(|byte| *byte ^= 0x5a);
        fs::write(&draft.0, bytes).unwrap();
        assert!(backups.keep(draft).is_err());
        assert_eq!(fs::read_dir(place.0.path().join("backup")).unwrap().count(), 0);
    }

    #[test]
    fn the_copies_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let place = Place::new();
        let backups = Backups::at(place.0.path().join("backup"));
        let made = backups.keep(backups.draft(&place.open()).unwrap()).unwrap();
        for (path, mode) in [(made.path.as_path(), 0o600), (made.path.parent().unwrap(), 0o700)] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, mode, "{path:?}");
        }
    }
}
