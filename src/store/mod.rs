//! What survives everything: definitions, wanted states, history, tokens and sessions, in one
//! SQLite file (WAL, `synchronous=FULL`: what was committed is there after a power cut).
//!
//! ```text
//!   daemon ── Change ──▶ Recorder (a thread) ── one transaction for all that wait ──▶ Store ──▶ store.db
//!          ◀─ done(Ok), after the commit ──┘
//! ```
//!
//! It knows the words of [`crate::model`] and the supervisor's memory of a process, and nothing of
//! HTTP. The disk format is its own set of types (`format`), so that the program's words can
//! change while old files still load. Log bytes and samples never come here.
//!
//! Ids are never given out twice: the store counts them apart from the rows, so that deleting the
//! newest row frees nothing.
//!
//! What becomes of a damaged store: `recover`, from copies made by `backup`. What happens while
//! the disk is full: `recorder`. What was put aside by name, to be brought back: `points`.

mod accounts;
mod answers;
mod apply;
mod audit;
mod backlog;
mod backup;
pub mod before;
mod desk;
mod error;
mod events;
mod format;
mod format_balance;
mod format_depends;
mod format_env;
mod format_health;
mod format_hooks;
mod format_logs;
mod format_process;
mod format_ready;
mod format_resources;
mod format_rolling;
mod format_schedule;
mod format_watch;
mod keepsake;
mod load;
mod migrations;
mod open;
mod operations;
mod points;
mod recorder;
mod recover;
mod revisions;
mod room;
mod rows;

#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod frozen;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::model::AppId;

pub use accounts::{SessionRow, TokenRow, UserRow};
pub use answers::{ANSWERS_KEPT_MS, Answer, AnswerRow};
pub use audit::{AuditHead, AuditQuery, AuditRow, AuditVerdict};
pub use backup::{Backups, Draft, Generation};
pub use desk::Trouble;
pub use error::StoreError;
pub use keepsake::Keepsake;
pub use operations::OPERATIONS_KEPT;
pub use points::{Point, PointApp, Points};
pub use recorder::Recorder;
pub use recover::{Loss, Noted, Opened, open};
pub use revisions::{REVISIONS_KEPT, RevisionRow};
pub use rows::{Change, EventQuery, EventRow, EventSpan, Saved};

/// The open database.
pub struct Store {
    connection: Connection,
    path: PathBuf,
}

impl Store {
    /// Opens the store at `path`, made (0600) if there is none, and brings its schema up to date.
    ///
    /// # Errors
    /// When it is a symbolic link, somebody else's or open to others; when a newer pmdaemon wrote
    /// it; when it is damaged; when SQLite cannot use it.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        let connection = open::open(path)?;
        Ok(Store { connection, path: path.to_path_buf() })
    }

    /// Copies it as it is now to a new file.
    ///
    /// # Errors
    /// When it cannot be read or `to` not written, or is there already.
    pub fn copy(&self, to: &Path) -> Result<(), StoreError> {
        open::copy(&self.connection, &self.path, to)
    }

    /// Everything that a starting daemon takes up again.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the row, when one does not make sense.
    pub fn load(&self) -> Result<Saved, StoreError> {
        load::load(&self.connection).map_err(|broken| broken.at(&self.path))
    }

    /// Writes `changes` down in this order: all of them, durably, or none.
    ///
    /// # Errors
    /// [`StoreError::Full`] and others; nothing is changed then.
    pub fn apply(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        self.apply_all(changes)
    }

    fn apply_all<'a>(&mut self, changes: impl IntoIterator<Item = &'a Change>) -> Result<(), StoreError> {
        apply::apply(&mut self.connection, changes)
            .map_err(|error| StoreError::sql("write to", &self.path, error))
    }

    /// The events that `query` asks for, ascending by `seq`.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the row, when one does not make sense.
    pub fn events(&self, query: &EventQuery) -> Result<Vec<EventRow>, StoreError> {
        events::select(&self.connection, query).map_err(|broken| broken.at(&self.path))
    }

    /// How many of the events that `query` asks for are kept, wherever its page begins and ends.
    ///
    /// # Errors
    /// When SQLite cannot read them.
    pub fn count_events(&self, query: &EventQuery) -> Result<u64, StoreError> {
        events::count(&self.connection, query).map_err(|error| StoreError::sql("read", &self.path, error))
    }

    /// Which events are kept.
    ///
    /// # Errors
    /// When SQLite cannot read them.
    pub fn event_span(&self) -> Result<EventSpan, StoreError> {
        events::span(&self.connection).map_err(|error| StoreError::sql("read", &self.path, error))
    }

    /// The versions that the definition of that app has had, ascending.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the row, when one does not make sense.
    pub fn revisions(&self, app: AppId) -> Result<Vec<RevisionRow>, StoreError> {
        revisions::select(&self.connection, app).map_err(|broken| broken.at(&self.path))
    }

    /// What the request of that key was answered, if one had it.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the row, when it does not make sense.
    pub fn answer(&self, scope: &str, key: &str) -> Result<Option<AnswerRow>, StoreError> {
        answers::select(&self.connection, scope, key).map_err(|broken| broken.at(&self.path))
    }

    /// The records of who did what that `query` asks for, ascending by `seq`.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the row, when one does not make sense.
    pub fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRow>, StoreError> {
        audit::select(&self.connection, query).map_err(|broken| broken.at(&self.path))
    }

    /// How many of the records that `query` asks for are kept, on whatever page.
    ///
    /// # Errors
    /// When SQLite cannot read them.
    pub fn count_audit(&self, query: &AuditQuery) -> Result<u64, StoreError> {
        audit::count(&self.connection, query).map_err(|error| StoreError::sql("read", &self.path, error))
    }

    /// Whether the records of who did what are those that were written, and all of them.
    ///
    /// # Errors
    /// When SQLite cannot read them.
    pub fn verify_audit(&self) -> Result<AuditVerdict, StoreError> {
        audit::verify(&self.connection).map_err(|broken| broken.at(&self.path))
    }
}

/// A number as SQLite keeps it. Nothing that is counted here reaches 2^63.
fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
