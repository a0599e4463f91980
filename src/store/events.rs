//! The history: bounded, read in pages by sequence number.

use rusqlite::{Connection, Row, params};

use super::apply::{json, run};
use super::format_process::StoredEnd;
use super::load::{Broken, Read, one, uint};
use super::{EventQuery, EventRow, EventSpan, int};
use crate::model::{AppId, ProcessId, RunId};

/// So many of the newest events are kept.
pub(super) const KEPT: u64 = 100_000;

/// In the place of an id: what happened to pmdaemon itself.
const NONE: i64 = -1;

/// The older ones are deleted once in so many.
const PRUNE_EVERY: u64 = 1_000;

/// Writes one event, and now and then deletes those that are too old.
pub(super) fn insert(at: &Connection, event: &EventRow) -> rusqlite::Result<()> {
    let ending = event.end.map(|end| json(&StoredEnd::new(end))).transpose()?;
    let sql = "INSERT OR REPLACE INTO event
               (seq, at_ms, app, process, run, kind, name, namespace, detail, ending, revision, asked)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    run(
        at,
        sql,
        params![
            int(event.seq),
            int(event.at_ms),
            event.app.map_or(NONE, |id| i64::from(id.0)),
            event.process.map_or(NONE, |id| i64::from(id.0)),
            event.run.map(|run| int(run.0)),
            event.kind,
            event.name,
            event.namespace,
            event.detail,
            ending,
            event.revision.map(int),
            event.asked,
        ],
    )?;
    if event.seq.is_multiple_of(PRUNE_EVERY) {
        run(at, "DELETE FROM event WHERE seq <= ?1", [int(event.seq.saturating_sub(KEPT))])?;
    }
    Ok(())
}

/// Whom, and what, `query` asks for: by parameters 1 to 3.
fn filter(query: &EventQuery) -> String {
    let by_process = if query.process.is_some() { "process = ?1" } else { "?1 IS NULL" };
    // What happened to pmdaemon itself is in no namespace.
    let by_namespace = match query.namespaces {
        Some(_) => "app <> -1 AND namespace IN (SELECT value FROM json_each(?2))",
        None => "?2 IS NULL",
    };
    format!("{by_process} AND {by_namespace} AND (?3 IS NULL OR kind = ?3)")
}

/// The events that `query` asks for, ascending.
pub(super) fn select(at: &Connection, query: &EventQuery) -> Result<Vec<EventRow>, Broken> {
    let order = if query.newest { "DESC" } else { "ASC" };
    let sql = format!(
        "SELECT seq, at_ms, app, process, run, kind, name, namespace, detail, ending, revision, asked
         FROM event
         WHERE {} AND seq > ?4 AND seq < ?5 ORDER BY seq {order} LIMIT ?6",
        filter(query)
    );
    let namespaces = query.namespaces.as_ref().map(json).transpose()?;
    let mut statement = at.prepare_cached(&sql)?;
    let mut rows = statement.query(params![
        query.process.map(|id| id.0),
        namespaces,
        query.kind,
        query.after.map_or(-1, int),
        query.before.map_or(i64::MAX, int),
        int(query.limit as u64),
    ])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        events.push(one("event", row, read)?);
    }
    if query.newest {
        events.reverse();
    }
    Ok(events)
}

/// How many there are of those that `query` asks for, wherever its page begins and ends.
pub(super) fn count(at: &Connection, query: &EventQuery) -> rusqlite::Result<u64> {
    let namespaces = query.namespaces.as_ref().map(json).transpose()?;
    let mut statement = at.prepare_cached(&format!("SELECT count(*) FROM event WHERE {}", filter(query)))?;
    statement.query_row(params![query.process.map(|id| id.0), namespaces, query.kind], |row| uint(row, 0))
}

/// Which there are.
pub(super) fn span(at: &Connection) -> rusqlite::Result<EventSpan> {
    // By one transaction's view: the counter is never behind the rows.
    let sql = "SELECT coalesce((SELECT min(seq) FROM event), next), next FROM counter WHERE name = 'event'";
    let (oldest, next) = at.query_row(sql, [], |row| Ok((uint(row, 0)?, uint(row, 1)?)))?;
    Ok(EventSpan { oldest, newest: next.saturating_sub(1) })
}

fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<u32>> {
    match row.get(column)? {
        NONE => Ok(None),
        number => u32::try_from(number)
            .map(Some)
            .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number)),
    }
}

fn read(row: &Row<'_>) -> Read<EventRow> {
    let ending: Option<String> = row.get(9)?;
    let end = ending
        .map(|json| serde_json::from_str::<StoredEnd>(&json).map_err(|error| error.to_string()))
        .transpose()
        .and_then(|end| end.map(StoredEnd::into_model).transpose());
    let end = match end {
        Ok(end) => end,
        Err(misfit) => return Ok(Err(misfit)),
    };
    Ok(Ok(EventRow {
        seq: uint(row, 0)?,
        at_ms: uint(row, 1)?,
        app: id(row, 2)?.map(AppId),
        process: id(row, 3)?.map(ProcessId),
        run: row.get::<_, Option<i64>>(4)?.map(|run| RunId(run as u64)),
        kind: row.get(5)?,
        name: row.get(6)?,
        namespace: row.get(7)?,
        detail: row.get(8)?,
        end,
        revision: row.get::<_, Option<i64>>(10)?.map(|number| number as u64),
        asked: row.get(11)?,
    }))
}
