//! Making and opening the file: for its owner alone, and only if it is what we wrote.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{StoreError, before, migrations};

/// The connection to the store at `path`, in its newest schema.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    make_or_check(path)?;
    let failed = |error| StoreError::sql("open", path, error);
    // Without CREATE: the file is ours and checked. WAL and shm files get its mode from SQLite.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    set_up(&connection).map_err(failed)?;

    let found = migrations::version(&connection).map_err(failed)?;
    if found > migrations::CURRENT {
        drop(connection);
        if before::take_back(path, migrations::CURRENT)? {
            return open(path);
        }
        return Err(StoreError::Newer { path: path.to_path_buf(), found, known: migrations::CURRENT });
    }
    check(&connection, path)?;
    if (1..migrations::CURRENT).contains(&found) {
        before::keep(&connection, path, found)?;
    }
    migrations::run(&mut connection).map_err(failed)?;
    Ok(connection)
}

/// Copies the store at `path` to a new file.
pub(super) fn copy(connection: &Connection, path: &Path, to: &Path) -> Result<(), StoreError> {
    // For the owner alone before anything is in it.
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
    made.map_err(|source| StoreError::File { doing: "copy to", path: to.to_path_buf(), source })?;
    let target = to.to_str().ok_or_else(|| StoreError::Unsafe {
        path: to.to_path_buf(),
        why: "its path is not text, so nothing can be copied there".to_owned(),
    })?;
    // SQLite writes into a file only if it is empty.
    connection.execute("VACUUM INTO ?1", [target]).map_err(|error| StoreError::sql("copy", path, error))?;
    Ok(())
}

/// A new file for the owner alone, or one that is that already.
fn make_or_check(path: &Path) -> Result<(), StoreError> {
    let failed = |doing| move |source| StoreError::File { doing, path: path.to_path_buf(), source };
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed("create")(error)),
    }
    // By name and not by descriptor: closing one would drop SQLite's locks on the same file.
    let meta = std::fs::symlink_metadata(path).map_err(failed("look at"))?;
    let me = nix::unistd::geteuid().as_raw();
    if !meta.is_file() && !meta.is_symlink() {
        return Err(StoreError::Damaged { path: path.to_path_buf(), why: "it is not a regular file".into() });
    }
    let why = if meta.is_symlink() {
        "it is a symbolic link. Move it away".to_owned()
    } else if meta.uid() != me {
        format!("it belongs to user {}, not to you (user {me}). Move it away", meta.uid())
    } else if meta.mode() & 0o077 != 0 {
        format!("it is open to others. Run chmod 600 {}", path.display())
    } else {
        return Ok(());
    };
    Err(StoreError::Unsafe { path: path.to_path_buf(), why })
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(5))?;
    // Ours alone, so that the index of the journal is in memory and not in a file that is mapped: to
    // write to such a page ends the process (SIGBUS) when the file system has become read-only.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A file that somebody tampered with must not run SQL of its own.
    connection.pragma_update(None, "trusted_schema", false)
}

/// Looks at every page of the store at `path`.
///
/// # Errors
/// [`StoreError::Damaged`] with the first thing that is wrong.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let verdict = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    match verdict.map_err(|error| StoreError::sql("check", path, error))?.as_str() {
        "ok" => Ok(()),
        wrong => Err(StoreError::Damaged { path: path.to_path_buf(), why: wrong.to_owned() }),
    }
}

/// Makes the name of that file as durable as the file. A file system that cannot is not worth a
/// failure: the file is there all the same.
pub(super) fn sync_directory(file: &Path) {
    if let Some(dir) = file.parent() {
        let _ = std::fs::File::open(dir).and_then(|dir| dir.sync_all());
    }
}
