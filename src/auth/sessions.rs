//! Sessions of browsers: by hash of their id, for one origin, ended by idleness and by age.

use std::collections::BTreeMap;

use super::{Principal, Refused, Via};
use crate::secrets::random;
use crate::store::{Change, SessionRow};

/// A session that nobody uses for so long is over.
pub(super) const IDLE_MS: u64 = 30 * 60_000;

/// A session is over after this, used or not.
pub(super) const LIFE_MS: u64 = 12 * 3_600_000;

/// Its latest use is stored again when the stored one is older than this.
const STALE_MS: u64 = 60_000;

/// The sessions, by hash of their id.
#[derive(Debug, Default)]
pub(super) struct Sessions(BTreeMap<String, Session>);

#[derive(Debug)]
struct Session {
    row: SessionRow,
    /// The `last_seen_ms` that the store has.
    stored_seen_ms: u64,
}

impl Sessions {
    /// The sessions that an earlier daemon stored.
    pub(super) fn new(rows: Vec<SessionRow>) -> Sessions {
        let sessions = rows.into_iter().map(|row| {
            let stored_seen_ms = row.last_seen_ms;
            (row.id_hash.clone(), Session { row, stored_seen_ms })
        });
        Sessions(sessions.collect())
    }

    /// The session of that hash.
    pub(super) fn get(&self, id_hash: &str) -> Option<&SessionRow> {
        self.0.get(id_hash).map(|session| &session.row)
    }

    /// A new session; the id goes to the browser and is nowhere here.
    pub(super) fn open(
        &mut self,
        principal: &Principal,
        parent_jti: Option<String>,
        origin: &str,
        now_ms: u64,
    ) -> (String, Change) {
        let id = random::text();
        let row = SessionRow {
            id_hash: random::hash(&id),
            subject: principal.subject.clone(),
            role: principal.role,
            namespaces: principal.namespaces.clone(),
            parent_jti,
            origin: origin.to_owned(),
            created_at_ms: now_ms,
            last_seen_ms: now_ms,
            expires_at_ms: now_ms.saturating_add(LIFE_MS),
        };
        self.0.insert(row.id_hash.clone(), Session { row: row.clone(), stored_seen_ms: now_ms });
        (id, Change::PutSession(row))
    }

    /// Whose the session is, if it is alive and was made for that origin; it is used by this.
    /// `ended` says whether what the session came from has ended.
    pub(super) fn verify(
        &mut self,
        id: &str,
        origin: Option<&str>,
        now_ms: u64,
        ended: impl Fn(&SessionRow) -> Option<Refused>,
    ) -> Result<Principal, Refused> {
        let session = self.0.get_mut(&random::hash(id)).ok_or(Refused::Unknown)?;
        let row = &mut session.row;
        if is_over(row, now_ms) {
            return Err(Refused::Expired);
        }
        if let Some(refused) = ended(row) {
            return Err(refused);
        }
        if origin.is_some_and(|origin| origin != row.origin) {
            return Err(Refused::Unknown);
        }
        row.last_seen_ms = row.last_seen_ms.max(now_ms);
        let via = Via::Session { id_hash: row.id_hash.clone() };
        Ok(Principal {
            subject: row.subject.clone(),
            role: row.role,
            namespaces: row.namespaces.clone(),
            via,
        })
    }

    /// Ends the session of that id.
    pub(super) fn end(&mut self, id: &str) -> Option<Change> {
        self.end_hash(&random::hash(id))
    }

    /// Ends the session of that hash.
    pub(super) fn end_hash(&mut self, id_hash: &str) -> Option<Change> {
        self.0.remove(id_hash).map(|session| Change::DropSession(session.row.id_hash))
    }

    /// Those that are neither idle for too long nor too old.
    pub(super) fn living(&self, now_ms: u64) -> impl Iterator<Item = &SessionRow> {
        self.0.values().map(|session| &session.row).filter(move |row| !is_over(row, now_ms))
    }

    /// Ends all that the user of that name opened by password.
    pub(super) fn end_of_user(&mut self, name: &str) -> Vec<Change> {
        let theirs = |row: &SessionRow| row.parent_jti.is_none() && row.subject == name;
        let ended = self.0.extract_if(.., |_, session| theirs(&session.row));
        ended.map(|(hash, _)| Change::DropSession(hash)).collect()
    }

    /// Ends all that came from that token. The store does the same when the token is revoked.
    pub(super) fn end_children(&mut self, jti: &str) {
        self.0.retain(|_, session| session.row.parent_jti.as_deref() != Some(jti));
    }

    /// Forgets what is over; tells what the store has to forget, and what was used since.
    pub(super) fn sweep(&mut self, now_ms: u64) -> Vec<Change> {
        let mut changes = Vec::new();
        self.0.retain(|hash, session| {
            let over = is_over(&session.row, now_ms);
            if over {
                changes.push(Change::DropSession(hash.clone()));
            } else if session.row.last_seen_ms >= session.stored_seen_ms.saturating_add(STALE_MS) {
                session.stored_seen_ms = session.row.last_seen_ms;
                changes.push(Change::PutSession(session.row.clone()));
            }
            !over
        });
        changes
    }
}

fn is_over(row: &SessionRow, now_ms: u64) -> bool {
    now_ms >= row.expires_at_ms || now_ms >= row.last_seen_ms.saturating_add(IDLE_MS)
}
