//! Writing changes down, in one transaction.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::format::StoredSpec;
use super::format_process::StoredProcess;
use super::{Change, accounts, answers, audit, events, int, operations, revisions};
use crate::supervisor::Remembered;

/// All of `changes` in this order, or none.
pub(super) fn apply<'a>(
    connection: &mut Connection,
    changes: impl IntoIterator<Item = &'a Change>,
) -> rusqlite::Result<()> {
    let mut changes = changes.into_iter().peekable();
    if changes.peek().is_none() {
        return Ok(());
    }
    // Dropped without a commit it rolls back.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for change in changes {
        apply_one(&transaction, change)?;
    }
    transaction.commit()
}

fn apply_one(at: &Transaction<'_>, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::PutApp { id, spec } => {
            use_up(at, "app", u64::from(id.0) + 1)?;
            let sql = "INSERT INTO app (id, spec) VALUES (?1, ?2)
                       ON CONFLICT (id) DO UPDATE SET spec = excluded.spec";
            run(at, sql, params![id.0, json(&StoredSpec::new(spec))?])
        }
        Change::AddRevision(row) => revisions::insert(at, row),
        Change::DropApp(id) => {
            use_up(at, "app", u64::from(id.0) + 1)?;
            run(at, "DELETE FROM app WHERE id = ?1", [id.0])?;
            revisions::drop_all(at, *id)
        }
        Change::PutProcess(process) => put_process(at, process),
        Change::DropProcess(id) => {
            use_up(at, "process", u64::from(id.0) + 1)?;
            run(at, "DELETE FROM process WHERE id = ?1", [id.0])
        }
        Change::ReserveRuns(below) => use_up(at, "run", below.0),
        Change::AddEvent(event) => {
            use_up(at, "event", event.seq.saturating_add(1))?;
            events::insert(at, event)
        }
        Change::PutToken(token) => accounts::put_token(at, token),
        Change::RevokeToken(jti) => {
            run(at, "UPDATE token SET revoked = 1 WHERE jti = ?1", [jti])?;
            run(at, "DELETE FROM session WHERE parent_jti = ?1", [jti])
        }
        Change::DropToken(jti) => {
            run(at, "DELETE FROM token WHERE jti = ?1", [jti])?;
            run(at, "DELETE FROM session WHERE parent_jti = ?1", [jti])
        }
        Change::PutSession(session) => accounts::put_session(at, session),
        Change::DropSession(hash) => run(at, "DELETE FROM session WHERE id_hash = ?1", [hash]),
        Change::PutUser(user) => accounts::put_user(at, user),
        Change::DropUser(name) => accounts::drop_user(at, name),
        Change::AddAudit(row) => {
            use_up(at, "audit", row.seq.saturating_add(1))?;
            audit::insert(at, row)
        }
        Change::PutOperation(operation) => {
            use_up(at, "operation", operation.id.0.saturating_add(1))?;
            operations::put(at, operation)
        }
        Change::DropOperation(id) => operations::drop(at, *id),
        Change::PutAnswer(row) => answers::put(at, row),
        Change::DropAnswer { scope, key } => answers::drop(at, scope, key),
        Change::PutSetting { name, value } => {
            let sql = "INSERT INTO meta (key, value) VALUES ('setting ' || ?1, ?2)
                       ON CONFLICT (key) DO UPDATE SET value = excluded.value";
            run(at, sql, [name, value])
        }
        Change::DropSetting(name) => run(at, "DELETE FROM meta WHERE key = 'setting ' || ?1", [name]),
    }
}

/// Numbers below `next` are never given out again.
fn use_up(at: &Transaction<'_>, name: &str, next: u64) -> rusqlite::Result<()> {
    run(at, "UPDATE counter SET next = max(next, ?2) WHERE name = ?1", params![name, int(next)])
}

fn put_process(at: &Transaction<'_>, process: &Remembered) -> rusqlite::Result<()> {
    use_up(at, "process", u64::from(process.id.0) + 1)?;
    let sql = "INSERT INTO process (id, app, record) VALUES (?1, ?2, ?3)
               ON CONFLICT (id) DO UPDATE SET app = excluded.app, record = excluded.record";
    run(at, sql, params![process.id.0, process.app.0, json(&StoredProcess::new(process))?])
}

/// Executes one prepared statement.
pub(super) fn run(at: &Connection, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<()> {
    at.prepare_cached(sql)?.execute(params).map(drop)
}

/// The text of a JSON column.
pub(super) fn json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}
