//! People who log in with a password, and what ends when something about them changes.

use super::Accounts;
use super::accounts::end_of_session;
use crate::model::{Namespaces, Role};
use crate::store::{Change, SessionRow, UserRow};

impl Accounts {
    /// The users, by name.
    pub fn users(&self) -> Vec<UserRow> {
        self.users.values().cloned().collect()
    }

    /// The user of that name.
    pub fn user(&self, name: &str) -> Option<&UserRow> {
        self.users.get(name)
    }

    /// Whether nothing about that user has changed since they were `seen`: with a password that
    /// takes a while to verify, somebody else may have given them another one meanwhile.
    pub fn is_still(&self, seen: &UserRow) -> bool {
        self.users.get(&seen.name) == Some(seen)
    }

    /// A new user.
    pub fn add_user(&mut self, user: UserRow) -> Change {
        self.users.insert(user.name.clone(), user.clone());
        Change::PutUser(user)
    }

    /// Another password. Whoever is logged in by the old one is not any more: sessions and tokens of
    /// that user end. Empty: there is no such user.
    pub fn set_password(&mut self, name: &str, hash: String) -> Vec<Change> {
        let Some(user) = self.users.get_mut(name) else { return Vec::new() };
        user.password = hash;
        let user = user.clone();
        let mut changes = vec![Change::PutUser(user)];
        changes.extend(self.end_logins(name));
        changes
    }

    /// The same password, kept in another way; unless they are not any more as they were `seen`.
    pub fn rehash(&mut self, seen: &UserRow, hash: String) -> Option<UserRow> {
        let user = self.users.get_mut(&seen.name).filter(|user| *user == seen)?;
        user.password = hash;
        Some(user.clone())
    }

    /// Another role, or other namespaces. Everything that stems from the old ones ends. Empty: there
    /// is no such user.
    pub fn set_grant(&mut self, name: &str, role: Role, namespaces: Namespaces) -> Vec<Change> {
        let Some(user) = self.users.get_mut(name) else { return Vec::new() };
        (user.role, user.namespaces) = (role, namespaces);
        let user = user.clone();
        let mut changes = vec![Change::PutUser(user)];
        changes.extend(self.end_all_of(name));
        changes
    }

    /// The user is gone, with their sessions, their tokens and those that they had made. Empty: there
    /// is no such user.
    pub fn remove_user(&mut self, name: &str) -> Vec<Change> {
        if self.users.remove(name).is_none() {
            return Vec::new();
        }
        let mut changes = self.end_all_of(name);
        changes.push(Change::DropUser(name.to_owned()));
        changes
    }

    /// The sessions that count now, by begin.
    pub fn sessions(&self, now_ms: u64) -> Vec<SessionRow> {
        let counts = |row: &&SessionRow| end_of_session(&self.tokens, &self.users, row, now_ms).is_none();
        let mut rows: Vec<SessionRow> = self.sessions.living(now_ms).filter(counts).cloned().collect();
        rows.sort_by_key(|row| row.created_at_ms);
        rows
    }

    /// Ends the session of that hash.
    pub fn end_session_of(&mut self, id_hash: &str) -> Option<Change> {
        self.sessions.end_hash(id_hash)
    }

    fn end_logins(&mut self, name: &str) -> Vec<Change> {
        self.end_tokens(|row| row.subject == name, name)
    }

    fn end_all_of(&mut self, name: &str) -> Vec<Change> {
        self.end_tokens(|row| row.subject == name || row.made_by.as_deref() == Some(name), name)
    }

    fn end_tokens(&mut self, which: impl Fn(&crate::store::TokenRow) -> bool, name: &str) -> Vec<Change> {
        let ids: Vec<String> =
            self.tokens.values().filter(|row| which(row)).map(|row| row.jti.clone()).collect();
        let mut changes: Vec<Change> = ids.iter().filter_map(|jti| self.revoke(jti)).collect();
        changes.extend(self.sessions.end_of_user(name));
        changes
    }
}
