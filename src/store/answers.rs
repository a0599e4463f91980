//! Answers to requests that may be repeated: bounded in number and age.

use std::io;

use rusqlite::{Connection, OptionalExtension, params};

use super::apply::{json, run};
use super::int;
use super::load::{Broken, uint};

/// So many of the newest answers are kept.
pub(super) const KEPT: u64 = 1_000;

/// None is kept for longer: milliseconds.
pub const ANSWERS_KEPT_MS: u64 = 24 * 3_600_000;

/// Answers are small for their length: mostly lists of processes.
const COMPRESSION: i32 = 3;

/// A request, and what it was answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AnswerRow {
    /// Who asked, by what identifies their credential.
    pub scope: String,
    /// The key that they gave.
    pub key: String,
    /// Of what they asked: the hash of method, path and body.
    pub fingerprint: String,
    /// When: milliseconds of Unix time.
    pub at_ms: u64,
    /// Absent while it is being answered.
    pub answer: Option<Answer>,
}

/// What a request was answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers that belong to the body.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Writes one down, and removes those that are too old or too many.
pub(super) fn put(at: &Connection, row: &AnswerRow) -> rusqlite::Result<()> {
    let failed = |error: io::Error| rusqlite::Error::ToSqlConversionFailure(error.into());
    let answer = row.answer.as_ref();
    let body = answer.map_or_else(|| Ok(Vec::new()), |answer| zstd::encode_all(&*answer.body, COMPRESSION));
    let headers = answer.map_or(&[][..], |answer| &answer.headers[..]);
    let sql = "INSERT OR REPLACE INTO answer (scope, key, fingerprint, at_ms, status, headers, body)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let status = answer.map(|answer| answer.status);
    let (at_ms, headers, body) = (int(row.at_ms), json(&headers)?, body.map_err(failed)?);
    run(at, sql, params![row.scope, row.key, row.fingerprint, at_ms, status, headers, body])?;
    run(at, "DELETE FROM answer WHERE at_ms < ?1", [int(row.at_ms.saturating_sub(ANSWERS_KEPT_MS))])?;
    let sql = "DELETE FROM answer WHERE (scope, key) IN
               (SELECT scope, key FROM answer ORDER BY at_ms DESC, key LIMIT -1 OFFSET ?1)";
    run(at, sql, [int(KEPT)])
}

/// Forgets one.
pub(super) fn drop(at: &Connection, scope: &str, key: &str) -> rusqlite::Result<()> {
    run(at, "DELETE FROM answer WHERE scope = ?1 AND key = ?2", [scope, key])
}

/// The one of that key.
pub(super) fn select(at: &Connection, scope: &str, key: &str) -> Result<Option<AnswerRow>, Broken> {
    let sql = "SELECT fingerprint, at_ms, status, headers, body FROM answer WHERE scope = ?1 AND key = ?2";
    let found = at.prepare_cached(sql)?.query_row([scope, key], |row| {
        let (headers, body): (String, Vec<u8>) = (row.get(3)?, row.get(4)?);
        Ok((row.get::<_, String>(0)?, uint(row, 1)?, row.get::<_, Option<u16>>(2)?, headers, body))
    });
    let Some((fingerprint, at_ms, status, headers, body)) = found.optional()? else { return Ok(None) };
    let broken = |misfit: String| Broken::Row { table: "answer", key: key.to_owned(), misfit };
    let answer = match status {
        None => None,
        Some(status) => Some(Answer {
            status,
            headers: serde_json::from_str(&headers).map_err(|error| broken(error.to_string()))?,
            body: zstd::decode_all(&*body).map_err(|error| broken(error.to_string()))?,
        }),
    };
    let (scope, key) = (scope.to_owned(), key.to_owned());
    Ok(Some(AnswerRow { scope, key, fingerprint, at_ms, answer }))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::Change;
    use super::super::tests::Place;
    use super::*;

    pub fn answer(key: &str, at_ms: u64) -> AnswerRow {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let answer = Some(Answer { status: 202, headers, body: b"{\"changed\":true}".to_vec() });
        let (scope, fingerprint) = ("token a".to_owned(), "f".to_owned());
        AnswerRow { scope, key: key.to_owned(), fingerprint, at_ms, answer }
    }

    #[test]
    fn answers_come_back_as_they_were_given_to_whom_they_were_given() {
        let place = Place::new();
        let mut store = place.open();
        let begun = AnswerRow { answer: None, ..answer("k", 5) };
        store.apply(&[Change::PutAnswer(begun.clone())]).unwrap();
        assert_eq!(store.answer("token a", "k").unwrap(), Some(begun));
        store.apply(&[Change::PutAnswer(answer("k", 5))]).unwrap();
        assert_eq!(store.answer("token a", "k").unwrap(), Some(answer("k", 5)));
        assert_eq!(store.answer("token b", "k").unwrap(), None);
        store.apply(&[Change::DropAnswer { scope: "token a".into(), key: "k".into() }]).unwrap();
        assert_eq!(store.answer("token a", "k").unwrap(), None);
    }

    #[test]
    fn only_the_newest_are_kept_and_none_for_more_than_a_day() {
        let place = Place::new();
        let mut store = place.open();
        let put = |key: &str, at_ms| Change::PutAnswer(answer(key, at_ms));
        store.apply(&[put("old", 1), put("young", ANSWERS_KEPT_MS)]).unwrap();
        assert!(store.answer("token a", "old").unwrap().is_some());
        store.apply(&[put("new", ANSWERS_KEPT_MS + 2)]).unwrap();
        assert!(store.answer("token a", "old").unwrap().is_none());
        let many = (0..KEPT).map(|n| put(&format!("k{n}"), ANSWERS_KEPT_MS + 3 + n));
        store.apply(&many.collect::<Vec<_>>()).unwrap();
        for (key, there) in [("young", false), ("new", false), ("k0", true), ("k999", true)] {
            assert_eq!(store.answer("token a", key).unwrap().is_some(), there, "{key}");
        }
    }
}
