//! The store as it was before its schema was changed, until the program that changed it is known to
//! be good.
//!
//! A new program brings the store up to date when it starts. Should it not come to serve, the old
//! program is put back, and could not read the store any more. So a copy is kept beside it: whoever
//! comes to serve removes it, and a program that finds the store newer than itself *and* such a
//! copy takes that. Nobody was served in between, so nothing that anybody asked for is lost.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{StoreError, open};

/// Where the copy in that schema is.
fn place(path: &Path, schema: i64) -> PathBuf {
    with_suffix(path, &format!(".schema-{schema}"))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Keeps a copy of the store, which has that schema.
pub(super) fn keep(connection: &Connection, path: &Path, schema: i64) -> Result<(), StoreError> {
    let place = place(path, schema);
    remove(&place)?;
    open::copy(connection, path, &place)
}

/// Puts the copy in that schema in the place of a newer store, which nobody has open and which is
/// kept beside it. False: there is no copy.
pub(super) fn take_back(path: &Path, schema: i64) -> Result<bool, StoreError> {
    let copy = place(path, schema);
    if !copy.exists() {
        return Ok(false);
    }
    let failed = |source| StoreError::File { doing: "restore", path: path.to_path_buf(), source };
    let newer = with_suffix(path, ".newer");
    // The journal of the newer one would be applied to the older.
    for part in ["-wal", "-shm"] {
        let (from, to) = (with_suffix(path, part), with_suffix(&newer, part));
        if from.exists() {
            std::fs::rename(from, to).map_err(failed)?;
        }
    }
    std::fs::rename(path, &newer).map_err(failed)?;
    std::fs::rename(copy, path).map_err(failed)?;
    tracing::warn!("a newer program changed the store and never served: back to the store before");
    Ok(true)
}

/// The program that has the store open serves: there is no way back any more.
///
/// # Errors
/// When a copy cannot be removed.
pub fn is_over(path: &Path) -> Result<(), StoreError> {
    let prefix =
        place(path, 0).file_name().map(|name| name.to_string_lossy().trim_end_matches('0').to_owned());
    let (Some(prefix), Some(dir)) = (prefix, path.parent()) else { return Ok(()) };
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::File { doing: "remove a copy of", path: path.to_path_buf(), source: e })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::migrations::CURRENT;
    use super::super::tests::Place;
    use super::super::{Change, Store};
    use super::*;
    use crate::model::RunId;

    /// What a newer program would do to the store.
    fn outgrow(place: &Place) {
        let connection = rusqlite::Connection::open(place.path()).unwrap();
        connection.execute_batch("CREATE TABLE of_the_future (x INTEGER)").unwrap();
        connection.pragma_update(None, "user_version", CURRENT + 1).unwrap();
    }

    #[test]
    fn a_program_that_is_put_back_finds_the_store_as_it_left_it() {
        let place = Place::new();
        let mut store = place.open();
        store.apply(&[Change::ReserveRuns(RunId(9))]).unwrap();
        keep(&store.connection, &place.path(), CURRENT).unwrap();
        drop(store);
        outgrow(&place);
        assert_eq!(place.open().load().unwrap().next_run, RunId(9));
        let newer = with_suffix(&place.path(), ".newer");
        assert!(newer.exists(), "the newer one is kept");
    }

    #[test]
    fn once_a_newer_program_has_served_there_is_no_way_back() {
        let place = Place::new();
        keep(&place.open().connection, &place.path(), CURRENT).unwrap();
        outgrow(&place);
        is_over(&place.path()).unwrap();
        assert!(matches!(Store::open(&place.path()), Err(StoreError::Newer { .. })));
    }
}
