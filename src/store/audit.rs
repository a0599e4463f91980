//! Who did what: a chain of records, in which each names the one before by its hash.
//!
//! ```text
//!   removed (seq 0..n, hash of n) ◀── n+1 ◀── n+2 ◀── … ◀── newest (counter)
//! ```
//!
//! Whoever alters, removes or adds a record has to make all later ones anew: [`verify`] names the
//! first that does not fit. The table is bounded; the hash of the newest record that was removed
//! because of its age stays, and the oldest that is left goes on from it. A chain shows tampering
//! to whoever noted the hash of some record elsewhere; one who may write the whole file, and is
//! noticed by nobody, can make a chain of his own.

use rusqlite::{Connection, Row, params};
use sha2::{Digest, Sha256};

use super::apply::run;
use super::int;
use super::load::{Broken, Read, one, uint};

/// So many of the newest records are kept.
pub(super) const KEPT: u64 = 100_000;

/// The older ones are removed once in so many.
const PRUNE_EVERY: u64 = 1_000;

/// One record: somebody did something, or tried to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditRow {
    /// Grows by one with each record.
    pub seq: u64,
    /// When: milliseconds of Unix time.
    pub at_ms: u64,
    /// Who, as far as that was found out.
    pub principal: String,
    /// By what they showed it: `token`, `session`, `password`, `no-auth`.
    pub via: String,
    /// From where: an address, or `local`.
    pub source: String,
    /// What, such as `apps.stop`.
    pub action: String,
    /// To what.
    pub target: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The id of the request, which its answer has, too.
    pub request_id: String,
    /// Of everything above and of the record before: SHA-256, hexadecimal.
    pub hash: String,
}

impl AuditRow {
    /// The hash that this record has behind one with the hash `before`.
    pub fn hash_after(&self, before: &str) -> String {
        let AuditRow { seq, at_ms, principal, via, source, action, target, status, request_id, hash: _ } =
            self;
        // As JSON, so that no text can pass for two.
        let said = (before, seq, at_ms, principal, via, source, (action, target, status, request_id));
        let said = serde_json::to_vec(&said).expect("texts and numbers are JSON");
        Sha256::digest(said).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Where a chain ends: the next record goes on from here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditHead {
    /// The sequence number that the next record gets.
    pub next: u64,
    /// The hash of the newest record; empty when there never was one.
    pub hash: String,
}

/// Which records.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuditQuery {
    /// Only those with a smaller `seq`.
    pub before: Option<u64>,
    /// Only those that are not older: milliseconds of Unix time.
    pub since_ms: Option<u64>,
    /// At most so many, the newest.
    pub limit: usize,
}

/// What came of following the chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditVerdict {
    /// So many records fit, from the oldest on.
    pub intact: u64,
    /// The newest of them.
    pub head: AuditHead,
    /// The first that does not fit, and why.
    pub broken: Option<(u64, String)>,
}

/// Writes one record, and now and then removes those that are too old.
pub(super) fn insert(at: &Connection, row: &AuditRow) -> rusqlite::Result<()> {
    // What is there is never written over.
    let sql = "INSERT OR IGNORE INTO audit
               (seq, at_ms, principal, via, source, action, target, status, request_id, hash)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    run(
        at,
        sql,
        params![
            int(row.seq),
            int(row.at_ms),
            row.principal,
            row.via,
            row.source,
            row.action,
            row.target,
            row.status,
            row.request_id,
            row.hash,
        ],
    )?;
    if row.seq.is_multiple_of(PRUNE_EVERY) && row.seq > KEPT {
        let last = int(row.seq - KEPT);
        let sql = "UPDATE meta SET value = (SELECT hash FROM audit WHERE seq = ?1)
                   WHERE key = 'audit removed hash' AND EXISTS (SELECT 1 FROM audit WHERE seq = ?1)";
        run(at, sql, [last])?;
        let sql = "UPDATE meta SET value = ?1
                   WHERE key = 'audit removed seq' AND EXISTS (SELECT 1 FROM audit WHERE seq = ?1)";
        run(at, sql, [last])?;
        run(at, "DELETE FROM audit WHERE seq <= ?1", [last])?;
    }
    Ok(())
}

/// Where the next record goes on.
pub(super) fn head(at: &Connection) -> rusqlite::Result<AuditHead> {
    let next = at.query_row("SELECT next FROM counter WHERE name = 'audit'", [], |row| uint(row, 0))?;
    let newest = "SELECT hash FROM audit ORDER BY seq DESC LIMIT 1";
    let hash = match at.query_row(newest, [], |row| row.get(0)) {
        Err(rusqlite::Error::QueryReturnedNoRows) => removed(at)?.1,
        found => found?,
    };
    Ok(AuditHead { next, hash })
}

/// The newest record that was removed because of its age.
fn removed(at: &Connection) -> rusqlite::Result<(u64, String)> {
    let meta = |key: &str| at.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0));
    let seq: String = meta("audit removed seq")?;
    Ok((seq.parse().unwrap_or(0), meta("audit removed hash")?))
}

const COLUMNS: &str = "seq, at_ms, principal, via, source, action, target, status, request_id, hash";

/// The newest records that `query` asks for, ascending.
pub(super) fn select(at: &Connection, query: &AuditQuery) -> Result<Vec<AuditRow>, Broken> {
    let sql =
        format!("SELECT {COLUMNS} FROM audit WHERE seq < ?1 AND at_ms >= ?2 ORDER BY seq DESC LIMIT ?3");
    let before = query.before.map_or(i64::MAX, int);
    let mut statement = at.prepare_cached(&sql)?;
    let mut rows =
        statement.query(params![before, int(query.since_ms.unwrap_or(0)), int(query.limit as u64)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(one("audit", row, read)?);
    }
    found.reverse();
    Ok(found)
}

/// How many there are of those that `query` asks for, on whatever page.
pub(super) fn count(at: &Connection, query: &AuditQuery) -> rusqlite::Result<u64> {
    let since = int(query.since_ms.unwrap_or(0));
    at.query_row("SELECT count(*) FROM audit WHERE at_ms >= ?1", [since], |row| uint(row, 0))
}

/// Follows the chain from its oldest record to its newest.
pub(super) fn verify(at: &Connection) -> Result<AuditVerdict, Broken> {
    let (mut seq, mut hash) = removed(at)?;
    let mut verdict =
        AuditVerdict { intact: 0, head: AuditHead { next: seq + 1, hash: hash.clone() }, broken: None };
    let mut statement = at.prepare(&format!("SELECT {COLUMNS} FROM audit ORDER BY seq"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let row = match one("audit", row, read) {
            Ok(row) => row,
            Err(Broken::Row { misfit, .. }) => {
                verdict.broken = Some((seq + 1, format!("it does not make sense ({misfit})")));
                return Ok(verdict);
            }
            Err(other) => return Err(other),
        };
        if row.seq != seq + 1 {
            let why = format!("it is missing: the next one is {}", row.seq);
            verdict.broken = Some((seq + 1, why));
            return Ok(verdict);
        }
        if row.hash != row.hash_after(&hash) {
            verdict.broken =
                Some((row.seq, "it is not what was written, or what is before it is not".into()));
            return Ok(verdict);
        }
        (seq, hash) = (row.seq, row.hash);
        verdict.intact += 1;
        verdict.head = AuditHead { next: seq + 1, hash: hash.clone() };
    }
    let next = at.query_row("SELECT next FROM counter WHERE name = 'audit'", [], |row| uint(row, 0))?;
    if next != seq + 1 {
        verdict.broken =
            Some((seq + 1, format!("it is missing: {} records were written", next.saturating_sub(1))));
    }
    Ok(verdict)
}

fn read(row: &Row<'_>) -> Read<AuditRow> {
    Ok(Ok(AuditRow {
        seq: uint(row, 0)?,
        at_ms: uint(row, 1)?,
        principal: row.get(2)?,
        via: row.get(3)?,
        source: row.get(4)?,
        action: row.get(5)?,
        target: row.get(6)?,
        status: row.get(7)?,
        request_id: row.get(8)?,
        hash: row.get(9)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::super::tests::Place;
    use super::super::{Change, Store};
    use super::*;

    /// A chain of records, from `first` on behind `before`.
    fn chain(first: u64, before: &str, count: u64) -> Vec<AuditRow> {
        let mut hash = before.to_owned();
        let make = |seq| {
            let mut row = AuditRow {
                seq,
                at_ms: 1_700_000_000_000 + seq,
                principal: "alice".into(),
                via: "token".into(),
                source: "127.0.0.1".into(),
                action: "apps.stop".into(),
                target: format!("web-{seq}"),
                status: 200,
                request_id: format!("r{seq}"),
                hash: String::new(),
            };
            row.hash = row.hash_after(&hash);
            hash.clone_from(&row.hash);
            row
        };
        (first..first + count).map(make).collect()
    }

    fn filled(place: &Place, rows: &[AuditRow]) -> Store {
        let mut store = place.open();
        store.apply(&rows.iter().cloned().map(Change::AddAudit).collect::<Vec<_>>()).unwrap();
        store
    }

    #[test]
    fn an_untouched_chain_is_intact_and_goes_on() {
        let place = Place::new();
        let rows = chain(1, "", 5);
        let mut store = filled(&place, &rows);
        let saved = store.load().unwrap().audit;
        assert_eq!(saved, AuditHead { next: 6, hash: rows[4].hash.clone() });
        store.apply(&chain(6, &saved.hash, 3).into_iter().map(Change::AddAudit).collect::<Vec<_>>()).unwrap();
        let verdict = store.verify_audit().unwrap();
        assert_eq!((verdict.intact, verdict.broken), (8, None));
        let query = AuditQuery { before: Some(4), since_ms: Some(1_700_000_000_002), limit: 10 };
        let seqs: Vec<u64> = store.audit(&query).unwrap().iter().map(|row| row.seq).collect();
        assert_eq!(seqs, [2, 3]);
        assert_eq!(store.audit(&AuditQuery { limit: 2, ..AuditQuery::default() }).unwrap()[0].seq, 7);
    }

    #[test]
    fn whatever_is_done_to_the_table_is_found_where_it_was_done() {
        let tampering = [
            ("UPDATE audit SET principal = 'mallory' WHERE seq = 3", 3),
            ("UPDATE audit SET target = 'db' WHERE seq = 1", 1),
            ("UPDATE audit SET status = 403 WHERE seq = 6", 6),
            ("UPDATE audit SET at_ms = at_ms + 1 WHERE seq = 2", 2),
            ("UPDATE audit SET via = 'session', source = 'local' WHERE seq = 2", 2),
            ("UPDATE audit SET action = 'apps.start', request_id = '' WHERE seq = 5", 5),
            ("UPDATE audit SET hash = (SELECT hash FROM audit WHERE seq = 2) WHERE seq = 4", 4),
            ("UPDATE audit SET principal = x'ff' WHERE seq = 4", 4),
            ("DELETE FROM audit WHERE seq = 4", 4),
            ("DELETE FROM audit WHERE seq = 1", 1),
            ("DELETE FROM audit WHERE seq = 6", 6),
            ("DELETE FROM audit", 1),
            ("UPDATE audit SET seq = 9 WHERE seq = 6", 6),
            ("INSERT INTO audit SELECT 7, at_ms, principal, via, source, action, target, status, request_id, hash
              FROM audit WHERE seq = 6", 7),
        ];
        for (sql, first) in tampering {
            let place = Place::new();
            let store = filled(&place, &chain(1, "", 6));
            assert_eq!(store.verify_audit().unwrap().broken, None);
            // A text that is no text is refused by STRICT tables, and is no tampering then.
            if store.connection.execute(sql, []).is_err() {
                continue;
            }
            let verdict = store.verify_audit().unwrap();
            assert_eq!(verdict.broken.as_ref().map(|(seq, _)| *seq), Some(first), "{sql}: {verdict:?}");
            assert_eq!(verdict.intact, first - 1, "{sql}");
        }
    }

    #[test]
    fn after_the_oldest_are_removed_the_rest_can_still_be_verified() {
        let place = Place::new();
        let many = KEPT + PRUNE_EVERY;
        let rows = chain(1, "", many);
        let store = filled(&place, &rows);
        let verdict = store.verify_audit().unwrap();
        assert_eq!((verdict.intact, verdict.broken), (KEPT, None));
        assert_eq!(store.load().unwrap().audit.hash, rows.last().unwrap().hash);
        store.connection.execute("DELETE FROM audit WHERE seq <= ?1", [int(PRUNE_EVERY + 10)]).unwrap();
        let broken = store.verify_audit().unwrap().broken;
        assert_eq!(
            broken.map(|(seq, _)| seq),
            Some(PRUNE_EVERY + 1),
            "more than was removed because of its age"
        );
    }

    #[test]
    fn a_record_that_is_there_is_never_written_over() {
        let place = Place::new();
        let rows = chain(1, "", 2);
        let mut store = filled(&place, &rows);
        let other = AuditRow { principal: "mallory".into(), ..rows[0].clone() };
        store.apply(&[Change::AddAudit(other), Change::AddAudit(rows[1].clone())]).unwrap();
        assert_eq!(store.verify_audit().unwrap().broken, None);
    }
}
