//! Reading everything back.

use std::path::Path;
use std::sync::Arc;

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};

use super::format::{Misfit, StoredSpec};
use super::format_process::StoredProcess;
use super::{Saved, StoreError, accounts, audit, operations, revisions};
use crate::model::{AppId, AppSpec, OperationId, ProcessId, RunId};
use crate::supervisor::Remembered;

/// Why reading failed.
pub(super) enum Broken {
    /// SQLite could not.
    Sql(rusqlite::Error),
    /// A row does not make sense.
    Row { table: &'static str, key: String, misfit: Misfit },
}

impl From<rusqlite::Error> for Broken {
    fn from(error: rusqlite::Error) -> Self {
        Broken::Sql(error)
    }
}

impl Broken {
    /// The error for the store at `path`.
    pub(super) fn at(self, path: &Path) -> StoreError {
        match self {
            Broken::Sql(error) => StoreError::sql("read", path, error),
            Broken::Row { table, key, misfit } => StoreError::Damaged {
                path: path.to_path_buf(),
                why: format!("row {key} of table {table} does not make sense ({misfit})"),
            },
        }
    }
}

/// Everything but the history.
pub(super) fn load(connection: &Connection) -> Result<Saved, Broken> {
    // One transaction: one state, whoever writes meanwhile.
    let transaction = connection.unchecked_transaction()?;
    let saved = Saved {
        apps: rows(connection, "app", "SELECT id, id, spec FROM app ORDER BY id", app)?.into_iter().collect(),
        processes: rows(
            connection,
            "process",
            "SELECT id, id, app, record FROM process ORDER BY id",
            process,
        )?,
        revisions: revisions::newest(connection)?,
        revisions_of_runs: revisions::of_runs(connection)?,
        next_app: AppId(small(counter(connection, "app")?)),
        next_process: ProcessId(small(counter(connection, "process")?)),
        next_run: RunId(counter(connection, "run")?),
        next_event: counter(connection, "event")?,
        tokens: rows(connection, "token", accounts::TOKENS, accounts::token)?,
        sessions: rows(connection, "session", accounts::SESSIONS, accounts::session)?,
        users: rows(connection, "user", accounts::USERS, accounts::user)?,
        audit: audit::head(connection)?,
        operations: rows(connection, "operation", operations::OPERATIONS, operations::read)?,
        next_operation: OperationId(counter(connection, "operation")?),
        installation: connection.query_row(
            "SELECT value FROM meta WHERE key = 'installation'",
            [],
            |row| row.get(0),
        )?,
        settings: settings(connection)?,
    };
    transaction.commit()?;
    Ok(saved)
}

fn settings(connection: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    let sql = "SELECT substr(key, 9), value FROM meta WHERE key LIKE 'setting %'";
    connection.prepare(sql)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// What became of one row: SQLite's outer error, the row's inner one.
pub(super) type Read<T> = rusqlite::Result<Result<T, Misfit>>;

/// All rows of `sql`, whose first column is the key to name a bad row by.
fn rows<T>(
    connection: &Connection,
    table: &'static str,
    sql: &str,
    read: impl Fn(&Row<'_>) -> Read<T>,
) -> Result<Vec<T>, Broken> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(one(table, row, &read)?);
    }
    Ok(all)
}

/// One row, whose first column is its key.
pub(super) fn one<T>(
    table: &'static str,
    row: &Row<'_>,
    read: impl Fn(&Row<'_>) -> Read<T>,
) -> Result<T, Broken> {
    read(row)?.map_err(|misfit| {
        let key = match row.get_ref(0) {
            Ok(rusqlite::types::ValueRef::Integer(number)) => number.to_string(),
            Ok(value) => value.as_str().unwrap_or("?").to_owned(),
            Err(_) => "?".to_owned(),
        };
        Broken::Row { table, key, misfit }
    })
}

fn counter(connection: &Connection, name: &str) -> rusqlite::Result<u64> {
    connection.query_row("SELECT next FROM counter WHERE name = ?1", [name], |row| uint(row, 0))
}

/// A number that is never negative.
pub(super) fn uint(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

/// An id counter. At its end the last id is given out again and refused, rather than id 0.
fn small(counter: u64) -> u32 {
    u32::try_from(counter).unwrap_or(u32::MAX)
}

fn app(row: &Row<'_>) -> Read<(AppId, Arc<AppSpec>)> {
    let id = AppId(row.get(1)?);
    let json: String = row.get(2)?;
    let spec = serde_json::from_str::<StoredSpec>(&json).map_err(|error| error.to_string());
    Ok(spec.and_then(StoredSpec::into_model).map(|spec| (id, Arc::new(spec))))
}

fn process(row: &Row<'_>) -> Read<Remembered> {
    let (id, app) = (ProcessId(row.get(1)?), AppId(row.get(2)?));
    let json: String = row.get(3)?;
    let record = serde_json::from_str::<StoredProcess>(&json).map_err(|error| error.to_string());
    Ok(record.and_then(|record| record.into_model(id, app)))
}
