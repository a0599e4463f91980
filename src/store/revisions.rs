//! The versions of definitions: bounded, the newest of each app is what counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, Row, params};

use super::apply::{json, run};
use super::format::StoredSpec;
use super::int;
use super::load::{Broken, Read, one, uint};
use crate::model::{AppId, AppSpec, ProcessId, Revision, RevisionCause, RunId};

/// So many of the newest versions of each app are kept.
pub const REVISIONS_KEPT: u64 = 50;

/// A version of a definition, with the definition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RevisionRow {
    /// Of which app.
    pub app: AppId,
    /// When, by whom, why.
    pub revision: Revision,
    /// The definition.
    pub spec: Arc<AppSpec>,
}

/// Writes one version, and removes the one that is too old by now.
pub(super) fn insert(at: &Connection, row: &RevisionRow) -> rusqlite::Result<()> {
    let RevisionRow { app, revision, spec } = row;
    let sql = "INSERT OR REPLACE INTO revision (app, number, at_ms, author, cause, spec)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let cause = revision.cause.to_string();
    let (number, at_ms) = (int(revision.number), int(revision.at_ms));
    run(at, sql, params![app.0, number, at_ms, revision.author, cause, json(&StoredSpec::new(spec))?])?;
    let oldest = int(revision.number.saturating_sub(REVISIONS_KEPT));
    run(at, "DELETE FROM revision WHERE app = ?1 AND number <= ?2", params![app.0, oldest])
}

/// The app is gone, and its versions with it.
pub(super) fn drop_all(at: &Connection, app: AppId) -> rusqlite::Result<()> {
    run(at, "DELETE FROM revision WHERE app = ?1", [app.0])
}

/// All versions of an app, ascending.
pub(super) fn select(at: &Connection, app: AppId) -> Result<Vec<RevisionRow>, Broken> {
    let sql = "SELECT number, app, at_ms, author, cause, spec FROM revision WHERE app = ?1 ORDER BY number";
    let mut statement = at.prepare_cached(sql)?;
    let mut rows = statement.query([app.0])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(one("revision", row, read)?);
    }
    Ok(all)
}

/// The newest version of each app, without the definition.
pub(super) fn newest(at: &Connection) -> Result<BTreeMap<AppId, Arc<Revision>>, Broken> {
    let sql = "SELECT max(number), app, at_ms, author, cause FROM revision GROUP BY app";
    let mut statement = at.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut all = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let revision = one("revision", row, head)?;
        all.insert(AppId(row.get(1)?), Arc::new(revision));
    }
    Ok(all)
}

/// With which version the newest run of each process began, as far as the history knows.
pub(super) fn of_runs(at: &Connection) -> rusqlite::Result<BTreeMap<RunId, u64>> {
    let sql = "SELECT run, revision FROM event WHERE seq IN
               (SELECT max(seq) FROM event WHERE process = ?1 AND revision IS NOT NULL AND run IS NOT NULL)";
    let mut processes = at.prepare("SELECT id FROM process")?;
    let ids = processes.query_map([], |row| Ok(ProcessId(row.get(0)?)))?.collect::<Result<Vec<_>, _>>()?;
    let mut statement = at.prepare(sql)?;
    let mut all = BTreeMap::new();
    for id in ids {
        let mut rows = statement.query([id.0])?;
        while let Some(row) = rows.next()? {
            all.insert(RunId(uint(row, 0)?), uint(row, 1)?);
        }
    }
    Ok(all)
}

fn head(row: &Row<'_>) -> Read<Revision> {
    let cause: String = row.get(4)?;
    let Some(cause) = RevisionCause::parse(&cause) else {
        return Ok(Err(format!("a definition does not change because of {cause:?}")));
    };
    Ok(Ok(Revision { number: uint(row, 0)?, at_ms: uint(row, 2)?, author: row.get(3)?, cause }))
}

fn read(row: &Row<'_>) -> Read<RevisionRow> {
    let revision = match head(row)? {
        Ok(revision) => revision,
        Err(misfit) => return Ok(Err(misfit)),
    };
    let app = AppId(row.get(1)?);
    let json: String = row.get(5)?;
    let spec = serde_json::from_str::<StoredSpec>(&json).map_err(|error| error.to_string());
    Ok(spec.and_then(StoredSpec::into_model).map(|spec| RevisionRow { app, revision, spec: Arc::new(spec) }))
}
