//! What can go wrong with the store, as sentences that say what to do.

use std::path::{Path, PathBuf};

use super::room;

/// The store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be made or looked at.
    #[error("cannot {doing} the store {path}: {source}", path = path.display())]
    File {
        /// The verb.
        doing: &'static str,
        /// The database.
        path: PathBuf,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// Somebody planted something, or lent the file to others.
    #[error("the store {path} is not safe to use: {why}", path = path.display())]
    Unsafe {
        /// The database.
        path: PathBuf,
        /// The reason, and what to do.
        why: String,
    },
    /// A later version of the program wrote it.
    #[error(
        "the store {path} was written by a newer pmdaemon (schema {found}, this one knows up to {known})",
        path = path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// Our schema.
        known: i64,
    },
    /// It is not what was written.
    #[error("the store {path} is damaged: {why}", path = path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// There is no room for it.
    #[error("the disk is full: free some space on the file system of {path}", path = path.display())]
    Full {
        /// The database.
        path: PathBuf,
    },
    /// Nothing can be written there.
    #[error("the file system of {path} is read-only: mount it writable again", path = path.display())]
    ReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// A change contradicts what is stored; trying again would not help.
    #[error("the store {path} refused a change: {source}", path = path.display())]
    Refused {
        /// The database.
        path: PathBuf,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
    /// Anything else that SQLite reports.
    #[error("cannot {doing} the store {path}: {source}", path = path.display())]
    Sql {
        /// The verb.
        doing: &'static str,
        /// The database.
        path: PathBuf,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
    /// The store was closed: the daemon is ending.
    #[error("the store is closed: the daemon is ending")]
    Closed,
}

impl StoreError {
    /// The error that `source` amounts to, met while `doing` something to the store at `path`.
    pub(super) fn sql(doing: &'static str, path: &Path, source: rusqlite::Error) -> StoreError {
        use rusqlite::ErrorCode as Code;
        let path = path.to_path_buf();
        match source.sqlite_error_code() {
            Some(Code::DatabaseCorrupt | Code::NotADatabase) => {
                StoreError::Damaged { path, why: source.to_string() }
            }
            Some(Code::DiskFull) => StoreError::Full { path },
            Some(Code::ReadOnly) => StoreError::ReadOnly { path },
            // Of a disk that gives no reason, the file system may know one.
            Some(Code::SystemIoFailure | Code::CannotOpen) => {
                room::find_out(&path).err().unwrap_or(StoreError::Sql { doing, path, source })
            }
            Some(Code::ConstraintViolation | Code::TypeMismatch | Code::TooBig) => {
                StoreError::Refused { path, source }
            }
            // SQLite's codes are not ours to enumerate: what is left is worth another try.
            Some(_) | None => StoreError::Sql { doing, path, source },
        }
    }

    /// Whether the same changes may succeed later.
    pub fn is_passing(&self) -> bool {
        match self {
            StoreError::File { .. }
            | StoreError::Unsafe { .. }
            | StoreError::Damaged { .. }
            | StoreError::Full { .. }
            | StoreError::ReadOnly { .. }
            | StoreError::Sql { .. } => true,
            StoreError::Newer { .. } | StoreError::Refused { .. } | StoreError::Closed => false,
        }
    }
}
