//! The tables of everything that is accepted as a proof of who is asking.

use std::collections::BTreeMap;
use std::time::Duration;

use super::codes::Codes;
use super::sessions::Sessions;
use super::token::Claims;
use super::{Grant, Principal, Refused, SigningKey, Via, token};
use crate::secrets::random;
use crate::store::{Change, SessionRow, TokenRow, UserRow};

/// The longest life of a token: a year.
const LONGEST_LIFE: Duration = Duration::from_secs(365 * 24 * 3600);

/// Tokens, login codes and sessions, in memory. Whatever has to outlive the daemon comes back as a
/// [`Change`] that the caller writes down *before* it shows anybody the secret.
///
/// Times are milliseconds of Unix time. No method takes long; a plain lock around this is fine.
#[derive(Debug)]
pub struct Accounts {
    key: SigningKey,
    installation: String,
    pub(super) tokens: BTreeMap<String, TokenRow>,
    pub(super) users: BTreeMap<String, UserRow>,
    /// Latest uses that the rows do not tell yet.
    used: BTreeMap<String, u64>,
    pub(super) sessions: Sessions,
    codes: Codes,
}

impl Accounts {
    /// The accounts that the store remembers.
    pub fn new(
        key: SigningKey,
        installation: String,
        tokens: Vec<TokenRow>,
        sessions: Vec<SessionRow>,
        users: Vec<UserRow>,
    ) -> Accounts {
        let users = users.into_iter().map(|row| (row.name.clone(), row)).collect();
        let tokens = tokens.into_iter().map(|row| (row.jti.clone(), row)).collect();
        Accounts {
            key,
            installation,
            tokens,
            users,
            used: BTreeMap::new(),
            sessions: Sessions::new(sessions),
            codes: Codes::default(),
        }
    }

    /// A new token, which counts from now on for `life` (whole seconds, at most a year). `made_by`
    /// is whoever asked for it; absent for those that the daemon makes for the command line.
    pub fn mint(
        &mut self,
        grant: &Grant,
        made_by: Option<&str>,
        life: Duration,
        now_ms: u64,
    ) -> (String, Change) {
        let issued = now_ms / 1000;
        let row = TokenRow {
            jti: random::id(),
            subject: grant.subject.clone(),
            role: grant.role,
            namespaces: grant.namespaces.clone(),
            expires_at_ms: (issued + life.min(LONGEST_LIFE).as_secs()) * 1000,
            created_at_ms: issued * 1000,
            made_by: made_by.map(str::to_owned),
            last_used_ms: None,
            revoked: false,
        };
        let jwt = token::sign(&self.key, &Claims::new(&self.installation, &row));
        self.tokens.insert(row.jti.clone(), row.clone());
        (jwt, Change::PutToken(row))
    }

    /// Whose token that is, if it counts: signed by us, known by its `jti`, saying exactly what
    /// its row says, neither expired nor revoked.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn verify_token(&self, jwt: &str, now_ms: u64) -> Result<Principal, Refused> {
        let claims = token::read(&self.key, jwt)?;
        let row = self.tokens.get(&claims.jti).ok_or(Refused::Unknown)?;
        if claims != Claims::new(&self.installation, row) {
            return Err(Refused::Unknown);
        }
        match self.end_of_token(&claims.jti, now_ms) {
            Some(refused) => Err(refused),
            None => Ok(Principal {
                subject: row.subject.clone(),
                role: row.role,
                namespaces: row.namespaces.clone(),
                via: Via::Token { jti: row.jti.clone() },
            }),
        }
    }

    /// The tokens that count now, by subject.
    pub fn tokens(&self, now_ms: u64) -> Vec<TokenRow> {
        let counts = |row: &&TokenRow| end_of_token(&self.tokens, &row.jti, now_ms).is_none();
        let mut rows: Vec<TokenRow> = self.tokens.values().filter(counts).cloned().collect();
        rows.sort_by(|a, b| (&a.subject, a.created_at_ms).cmp(&(&b.subject, b.created_at_ms)));
        rows
    }

    /// Whether that is the name of somebody.
    pub fn knows(&self, name: &str, now_ms: u64) -> bool {
        let counts = |row: &TokenRow| end_of_token(&self.tokens, &row.jti, now_ms).is_none();
        self.users.contains_key(name) || self.tokens.values().any(|row| row.subject == name && counts(row))
    }

    /// Whether the daemon made the token of that `jti`, for the command line beside it.
    pub fn is_of_the_command_line(&self, jti: &str) -> bool {
        self.tokens.get(jti).is_some_and(|row| row.made_by.is_none())
    }

    /// Notes that `principal` has just been here.
    pub fn used(&mut self, principal: &Principal, now_ms: u64) {
        if let Via::Token { jti } = &principal.via {
            self.used.insert(jti.clone(), now_ms);
        }
    }

    /// A code that logs a browser in as `principal`, once, within a minute. At most 100 are
    /// outstanding; a further one voids the oldest.
    pub fn make_login_code(&mut self, principal: &Principal, now_ms: u64) -> String {
        self.codes.make(principal, now_ms)
    }

    /// The session that `code` opens, if it is valid and what its maker logged in with still is.
    pub fn redeem_login_code(&mut self, code: &str, origin: &str, now_ms: u64) -> Option<(String, Change)> {
        let principal = self.codes.redeem(code, now_ms)?;
        let parent = self.parent_of(&principal);
        if parent.as_deref().is_some_and(|jti| self.end_of_token(jti, now_ms).is_some()) {
            return None;
        }
        Some(self.sessions.open(&principal, parent, origin, now_ms))
    }

    /// A session for that user, whose password has just been verified; none if they are not any more
    /// as they were `seen` then.
    pub fn open_session_of_user(
        &mut self,
        seen: &UserRow,
        origin: &str,
        now_ms: u64,
    ) -> Option<(String, Change)> {
        let user = self.users.get(&seen.name).filter(|user| *user == seen)?;
        let principal = Principal {
            subject: user.name.clone(),
            role: user.role,
            namespaces: user.namespaces.clone(),
            // Nobody asks by this one: what it opens is asked by its own id.
            via: Via::Session { id_hash: String::new() },
        };
        Some(self.sessions.open(&principal, None, origin, now_ms))
    }

    /// A session for `principal`, who has just been verified, in the browser at `origin`. The
    /// first of the pair is the session's id, for the cookie.
    pub fn open_session(&mut self, principal: &Principal, origin: &str, now_ms: u64) -> (String, Change) {
        let parent = self.parent_of(principal);
        self.sessions.open(principal, parent, origin, now_ms)
    }

    /// Whose session that is, if it is neither idle for 30 minutes nor older than 12 hours, its
    /// token still counts, and `origin`, if the browser sent one, is the one that it was made for.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn verify_session(
        &mut self,
        id: &str,
        origin: Option<&str>,
        now_ms: u64,
    ) -> Result<Principal, Refused> {
        let (tokens, users) = (&self.tokens, &self.users);
        self.sessions.verify(id, origin, now_ms, |row| end_of_session(tokens, users, row, now_ms))
    }

    /// Ends a session (logout).
    pub fn end_session(&mut self, id: &str) -> Option<Change> {
        self.sessions.end(id)
    }

    /// Voids the token of that `jti` and the sessions that came from it. `None`: there is none, or
    /// it is void already.
    pub fn revoke(&mut self, jti: &str) -> Option<Change> {
        let row = self.tokens.get_mut(jti).filter(|row| !row.revoked)?;
        row.revoked = true;
        self.sessions.end_children(jti);
        Some(Change::RevokeToken(jti.to_owned()))
    }

    /// Whether `principal`, verified some time ago, would still be: for streams that stay open.
    /// Using a stream does not keep a session alive.
    ///
    /// # Errors
    /// Why it would not.
    pub fn still_valid(&self, principal: &Principal, now_ms: u64) -> Result<(), Refused> {
        let ended = match &principal.via {
            Via::Token { jti } => self.end_of_token(jti, now_ms),
            Via::Session { id_hash } => {
                let row = self.sessions.get(id_hash).ok_or(Refused::Revoked)?;
                let too_old = (now_ms >= row.expires_at_ms).then_some(Refused::Expired);
                too_old.or_else(|| end_of_session(&self.tokens, &self.users, row, now_ms))
            }
            // There is no credential to look up. Whoever opened the address knows.
            Via::Open { .. } => Some(Refused::Missing),
        };
        ended.map_or(Ok(()), Err)
    }

    /// Forgets what is expired, and tells what the store has to forget and to note. To be called
    /// about once a minute.
    pub fn sweep(&mut self, now_ms: u64) -> Vec<Change> {
        self.codes.prune(now_ms);
        let mut changes = self.sessions.sweep(now_ms);
        let expired = |row: &TokenRow| now_ms >= row.expires_at_ms;
        for (jti, used_ms) in std::mem::take(&mut self.used) {
            if let Some(row) = self.tokens.get_mut(&jti) {
                row.last_used_ms = Some(used_ms);
                changes.push(Change::PutToken(row.clone()));
            }
        }
        for (jti, _) in self.tokens.extract_if(.., |_, row| expired(row)) {
            self.sessions.end_children(&jti);
            changes.push(Change::DropToken(jti));
        }
        changes
    }

    /// The token that a credential comes from, and ends with.
    fn parent_of(&self, principal: &Principal) -> Option<String> {
        match &principal.via {
            Via::Token { jti } => Some(jti.clone()),
            Via::Session { id_hash } => match self.sessions.get(id_hash) {
                Some(row) => row.parent_jti.clone(),
                // It ended since it was verified: what comes from it is bound to no living token.
                None => Some(random::id()),
            },
            // What comes from it must not outlive the open address, so it is never valid at all.
            Via::Open { .. } => Some(random::id()),
        }
    }

    fn end_of_token(&self, jti: &str, now_ms: u64) -> Option<Refused> {
        end_of_token(&self.tokens, jti, now_ms)
    }
}

/// Why what that session came from does not count (any more): its token, or its user as they were.
pub(super) fn end_of_session(
    tokens: &BTreeMap<String, TokenRow>,
    users: &BTreeMap<String, UserRow>,
    row: &SessionRow,
    now_ms: u64,
) -> Option<Refused> {
    match &row.parent_jti {
        Some(jti) => end_of_token(tokens, jti, now_ms),
        None => match users.get(&row.subject) {
            Some(user) if (user.role, &user.namespaces) == (row.role, &row.namespaces) => None,
            Some(_) | None => Some(Refused::Revoked),
        },
    }
}

/// Why the token of that `jti` does not count (any more).
fn end_of_token(tokens: &BTreeMap<String, TokenRow>, jti: &str, now_ms: u64) -> Option<Refused> {
    match tokens.get(jti) {
        None => Some(Refused::Unknown),
        Some(row) if row.revoked => Some(Refused::Revoked),
        Some(row) if now_ms >= row.expires_at_ms => Some(Refused::Expired),
        Some(_) => None,
    }
}
