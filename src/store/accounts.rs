//! Tokens, sessions, users: who is let in.

use rusqlite::{Connection, Row, params};

use super::apply::run;
use super::format::Misfit;
use super::int;
use super::load::{Read, uint};
use crate::model::{Namespaces, Role};

/// A token that was issued. The token itself is nowhere: the row only says which ones count.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenRow {
    /// Its unique id.
    pub jti: String,
    /// Whose it is.
    pub subject: String,
    /// What it allows.
    pub role: Role,
    /// Where it allows that.
    pub namespaces: Namespaces,
    /// Void from then on: milliseconds of Unix time.
    pub expires_at_ms: u64,
    /// When it was issued: milliseconds of Unix time.
    pub created_at_ms: u64,
    /// Who had it made. Absent: the daemon made it, for the command line.
    pub made_by: Option<String>,
    /// Latest use, to about a minute: milliseconds of Unix time.
    pub last_used_ms: Option<u64>,
    /// Void already.
    pub revoked: bool,
}

/// A browser that is signed in. The id that it shows is not here, only its hash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionRow {
    /// SHA-256 of the session id, hexadecimal.
    pub id_hash: String,
    /// Whose it is.
    pub subject: String,
    /// What it allows.
    pub role: Role,
    /// Where it allows that.
    pub namespaces: Namespaces,
    /// The token that it came from, and ends with. Absent: it came from the password of a user.
    pub parent_jti: Option<String>,
    /// The origin that it was made for, such as `http://127.0.0.1:9615`.
    pub origin: String,
    /// Begin: milliseconds of Unix time.
    pub created_at_ms: u64,
    /// Latest use, to about a minute: milliseconds of Unix time.
    pub last_seen_ms: u64,
    /// Over from then on, used or not: milliseconds of Unix time.
    pub expires_at_ms: u64,
}

/// Somebody who logs in with a password.
#[derive(Clone, PartialEq, Eq)]
pub struct UserRow {
    /// The name to log in with.
    pub name: String,
    /// What is kept of the password: an argon2id hash, as a PHC string.
    pub password: String,
    /// What they may do.
    pub role: Role,
    /// Where they may.
    pub namespaces: Namespaces,
    /// Since when: milliseconds of Unix time.
    pub created_at_ms: u64,
}

/// Written by hand: not even the hash of a password gets into a log.
impl std::fmt::Debug for UserRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let UserRow { name, password: _, role, namespaces, created_at_ms } = self;
        write!(f, "UserRow({name}, {role}, {namespaces:?}, {created_at_ms})")
    }
}

pub(super) const TOKENS: &str = "SELECT jti, subject, role, expires_at_ms, created_at_ms, revoked, namespaces, \
                                 made_by, last_used_ms FROM token ORDER BY jti";

pub(super) const SESSIONS: &str = "SELECT id_hash, subject, role, parent_jti, origin, created_at_ms, last_seen_ms, \
                                   expires_at_ms, namespaces FROM session ORDER BY id_hash";

pub(super) const USERS: &str =
    "SELECT name, password, role, namespaces, created_at_ms FROM user ORDER BY name";

pub(super) fn put_token(at: &Connection, token: &TokenRow) -> rusqlite::Result<()> {
    // A token never changes, but for its latest use and its end; and what is void stays void.
    let sql = "INSERT INTO token
               (jti, subject, role, expires_at_ms, created_at_ms, revoked, namespaces, made_by, last_used_ms)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
               ON CONFLICT (jti) DO UPDATE SET
               revoked = max(revoked, excluded.revoked), last_used_ms = excluded.last_used_ms";
    run(
        at,
        sql,
        params![
            token.jti,
            token.subject,
            token.role.as_str(),
            int(token.expires_at_ms),
            int(token.created_at_ms),
            token.revoked,
            words(&token.namespaces),
            token.made_by,
            token.last_used_ms.map(int),
        ],
    )
}

pub(super) fn put_session(at: &Connection, session: &SessionRow) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO session
               (id_hash, subject, role, parent_jti, origin, created_at_ms, last_seen_ms, expires_at_ms, namespaces)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    run(
        at,
        sql,
        params![
            session.id_hash,
            session.subject,
            session.role.as_str(),
            session.parent_jti,
            session.origin,
            int(session.created_at_ms),
            int(session.last_seen_ms),
            int(session.expires_at_ms),
            words(&session.namespaces),
        ],
    )
}

pub(super) fn put_user(at: &Connection, user: &UserRow) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO user (name, password, role, namespaces, created_at_ms)
               VALUES (?1, ?2, ?3, ?4, ?5)";
    let UserRow { name, password, role, namespaces, created_at_ms } = user;
    run(at, sql, params![name, password, role.as_str(), words(namespaces), int(*created_at_ms)])
}

pub(super) fn drop_user(at: &Connection, name: &str) -> rusqlite::Result<()> {
    run(at, "DELETE FROM user WHERE name = ?1", [name])?;
    run(at, "DELETE FROM session WHERE subject = ?1 AND parent_jti IS NULL", [name])
}

pub(super) fn token(row: &Row<'_>) -> Read<TokenRow> {
    let (role, namespaces) = match grant(row, 2, 6)? {
        Ok(grant) => grant,
        Err(misfit) => return Ok(Err(misfit)),
    };
    Ok(Ok(TokenRow {
        jti: row.get(0)?,
        subject: row.get(1)?,
        role,
        namespaces,
        expires_at_ms: uint(row, 3)?,
        created_at_ms: uint(row, 4)?,
        revoked: row.get(5)?,
        made_by: row.get(7)?,
        last_used_ms: row.get::<_, Option<i64>>(8)?.and_then(|ms| u64::try_from(ms).ok()),
    }))
}

pub(super) fn session(row: &Row<'_>) -> Read<SessionRow> {
    let (role, namespaces) = match grant(row, 2, 8)? {
        Ok(grant) => grant,
        Err(misfit) => return Ok(Err(misfit)),
    };
    Ok(Ok(SessionRow {
        id_hash: row.get(0)?,
        subject: row.get(1)?,
        role,
        namespaces,
        parent_jti: row.get(3)?,
        origin: row.get(4)?,
        created_at_ms: uint(row, 5)?,
        last_seen_ms: uint(row, 6)?,
        expires_at_ms: uint(row, 7)?,
    }))
}

pub(super) fn user(row: &Row<'_>) -> Read<UserRow> {
    let (role, namespaces) = match grant(row, 2, 3)? {
        Ok(grant) => grant,
        Err(misfit) => return Ok(Err(misfit)),
    };
    let (name, password, created_at_ms) = (row.get(0)?, row.get(1)?, uint(row, 4)?);
    Ok(Ok(UserRow { name, password, role, namespaces, created_at_ms }))
}

/// No name has a comma in it.
fn words(namespaces: &Namespaces) -> String {
    namespaces.words().join(",")
}

/// What is allowed, and where.
fn grant(row: &Row<'_>, role: usize, namespaces: usize) -> Read<(Role, Namespaces)> {
    let (role, words): (String, String) = (row.get(role)?, row.get(namespaces)?);
    Ok(parse(&role, &words))
}

fn parse(role: &str, words: &str) -> Result<(Role, Namespaces), Misfit> {
    let role = Role::parse(role).ok_or_else(|| format!("there is no role {role:?}"))?;
    // An empty column must not mean "all".
    let namespaces = Namespaces::parse(words.split(',')).map_err(|bad| bad.to_string())?;
    Ok((role, namespaces))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_say_whom_it_lets_in_lets_nobody_in() {
        assert!(parse("admin", "*").is_ok() && parse("viewer", "blue,shop").is_ok());
        for (role, words) in [("root", "*"), ("", "*"), ("admin", ""), ("admin", "*,shop"), ("admin", "a b")]
        {
            assert!(parse(role, words).is_err(), "{role:?} {words:?}");
        }
    }
}
