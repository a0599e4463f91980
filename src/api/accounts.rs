//! Changing who may do what.
//!
//! The store gets such changes in the order in which they were made, so each is handed over while
//! nobody else can make one. Otherwise a session that was opened just before its user got another
//! password could be written down just after it, and count again for the next daemon.

use super::{Api, ApiError};
use crate::auth::Accounts;
use crate::store::Change;

impl Api {
    /// Makes something that somebody is about to be shown; it is durable then.
    ///
    /// # Errors
    /// Those of `make`; or that it cannot be written down, after `undo` has taken it back.
    pub async fn record<T>(
        &self,
        make: impl FnOnce(&mut Accounts) -> Result<(T, Change), ApiError>,
        undo: impl FnOnce(&mut Accounts, &T),
    ) -> Result<T, ApiError> {
        let (made, written) = {
            let mut accounts = self.accounts();
            let (made, change) = make(&mut accounts)?;
            (made, self.handle.record(vec![change]))
        };
        match written.await {
            Ok(()) => Ok(made),
            Err(e) => {
                undo(&mut self.accounts(), &made);
                Err(e.into())
            }
        }
    }

    /// Changes something at once, and answers when that is durable. False: there was nothing to
    /// change.
    ///
    /// # Errors
    /// When it is in effect and cannot be written down yet.
    pub async fn change(&self, change: impl FnOnce(&mut Accounts) -> Vec<Change>) -> Result<bool, ApiError> {
        let written = {
            let mut accounts = self.accounts();
            let changes = change(&mut accounts);
            if changes.is_empty() {
                return Ok(false);
            }
            self.handle.keep(changes)
        };
        written.await?;
        Ok(true)
    }

    /// Changes something that nobody waits for.
    pub fn note<T>(&self, change: impl FnOnce(&mut Accounts) -> (T, Vec<Change>)) -> T {
        let mut accounts = self.accounts();
        let (answer, changes) = change(&mut accounts);
        self.handle.recorder().write(changes);
        answer
    }
}
