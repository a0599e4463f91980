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
    let verdict = quick_check(&connection).map_err(failed)?;
    if verdict != "ok" {
        return Err(StoreError::Damaged { path: path.to_path_buf(), why: verdict });
    }
    if (1..migrations::CURRENT).contains(&found) {
        before::keep(path, found)?;
    }
    migrations::run(&mut connection).map_err(failed)?;
    Ok(connection)
}

/// Copies the store at `from`, whoever has it open, to a new file.
///
/// # Errors
/// When `from` cannot be read or `to` not written, or is there already.
pub fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::sql("copy", from, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(from, flags).map_err(failed)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(failed)?;
    // For the owner alone before anything is in it.
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
    made.map_err(|source| StoreError::File { doing: "copy", path: to.to_path_buf(), source })?;
    // SQLite writes into a file only if it is empty.
    connection.execute("VACUUM INTO ?1", [to.to_string_lossy()]).map_err(failed)?;
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
    let why = if !meta.is_file() {
        "it is not a regular file. Move it away".to_owned()
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
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A file that somebody tampered with must not run SQL of its own.
    connection.pragma_update(None, "trusted_schema", false)
}

/// `ok`, or the first thing that is wrong with the pages of the file.
fn quick_check(connection: &Connection) -> rusqlite::Result<String> {
    connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
}
