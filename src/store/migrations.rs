//! The schema, as the steps that lead to it.
//!
//! Step n takes a store from schema n to n+1 (`PRAGMA user_version`). A step that was released is
//! never edited: a frozen store of each version is in `tests/fixtures/stores`.

use rusqlite::Connection;

/// The schema that this program writes.
pub(super) const CURRENT: i64 = STEPS.len() as i64;

const STEPS: [&str; 6] = [
    // 1: the beginning. `counter` holds first unused numbers, which never go back, also when the
    // newest row is deleted. References are checked at commit, so that the order within one
    // transaction does not matter.
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
     INSERT INTO meta VALUES ('installation', lower(hex(randomblob(16))));
     CREATE TABLE counter (name TEXT PRIMARY KEY, next INTEGER NOT NULL) STRICT, WITHOUT ROWID;
     INSERT INTO counter VALUES ('app', 0), ('process', 0), ('run', 1), ('event', 1);
     CREATE TABLE app (id INTEGER PRIMARY KEY, spec TEXT NOT NULL) STRICT;
     CREATE TABLE process (
       id INTEGER PRIMARY KEY,
       app INTEGER NOT NULL REFERENCES app (id) DEFERRABLE INITIALLY DEFERRED,
       record TEXT NOT NULL
     ) STRICT;
     CREATE INDEX process_app ON process (app);
     CREATE TABLE event (
       seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, app INTEGER NOT NULL,
       process INTEGER NOT NULL, run INTEGER, kind TEXT NOT NULL, name TEXT NOT NULL,
       namespace TEXT NOT NULL, detail TEXT NOT NULL, ending TEXT
     ) STRICT;
     CREATE INDEX event_process ON event (process, seq);
     CREATE TABLE token (
       jti TEXT PRIMARY KEY, subject TEXT NOT NULL, role TEXT NOT NULL,
       expires_at_ms INTEGER NOT NULL, created_at_ms INTEGER NOT NULL,
       revoked INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE session (
       id_hash TEXT PRIMARY KEY, subject TEXT NOT NULL, role TEXT NOT NULL, parent_jti TEXT,
       origin TEXT NOT NULL, created_at_ms INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL,
       expires_at_ms INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX session_parent ON session (parent_jti);",
    // 2: tokens for some namespaces, users, audit.
    include_str!("steps/accounts.sql"),
    // 3: revisions of definitions.
    include_str!("steps/revisions.sql"),
    // 4: operations.
    include_str!("steps/operations.sql"),
    // 5: answers to requests that may be repeated.
    include_str!("steps/answers.sql"),
    // 6: ends that were asked for.
    include_str!("steps/asked.sql"),
];

/// The schema that a store has; 0 for an empty file.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Takes the store to [`CURRENT`], each step whole or not at all.
pub(super) fn run(connection: &mut Connection) -> rusqlite::Result<()> {
    let from = usize::try_from(version(connection)?).unwrap_or(0);
    for (at, step) in STEPS.iter().enumerate().skip(from) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", at as i64 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}
