//! The token by which the command line is let in: in a file of the home, written when the daemon
//! starts, renewed halfway through its life, and written anew when somebody damaged the file or the
//! clock was set to a time at which it is void.

use std::time::{Duration, Instant};

use crate::api::Shared;
use crate::auth::{Grant, Principal, Via};
use crate::daemon::clock;
use crate::model::Role;
use crate::secrets::{SecretError, token};

/// How long a token lives. It is renewed halfway.
const LIFE: Duration = Duration::from_secs(24 * 3600);
/// Whose it is.
const LOCAL: &str = "local";
/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// The token in the file.
pub struct LocalToken {
    principal: Principal,
    since: Instant,
}

impl LocalToken {
    /// Writes a new token.
    ///
    /// # Errors
    /// A sentence, when the file cannot be written.
    pub fn write(api: &Shared) -> Result<LocalToken, String> {
        let now = clock::unix_ms();
        let (jwt, principal) = api.note(|accounts| {
            let (jwt, change) = accounts.mint(&Grant::everywhere(LOCAL, Role::Admin), None, LIFE, now);
            let principal = accounts.verify_token(&jwt, now);
            ((jwt, principal), vec![change])
        });
        let principal = principal.map_err(|e| e.to_string())?;
        token::write(&api.handle.home().token(), &jwt).map_err(|e| e.to_string())?;
        Ok(LocalToken { principal, since: Instant::now() })
    }

    /// Keeps the file good, for ever. Older tokens are not revoked, since browser sessions hang on
    /// them, but for one that others could have read.
    pub async fn keep(mut self, api: Shared) {
        let path = api.handle.home().token();
        loop {
            tokio::time::sleep(LOOK).await;
            // The clock on the wall may have jumped beyond its end.
            let counts = api.still_valid(&self.principal).is_ok();
            match token::read(&path) {
                Ok(_) if counts && self.since.elapsed() < LIFE / 2 => continue,
                Ok(_) => {}
                Err(e) => {
                    tracing::warn!("writing the token for the command line anew: {e}");
                    if let (SecretError::OpenToOthers { .. }, Via::Token { jti }) = (e, &self.principal.via) {
                        api.note(|accounts| ((), accounts.revoke(jti).into_iter().collect()));
                    }
                }
            }
            match LocalToken::write(&api) {
                Ok(new) => self = new,
                Err(e) => tracing::error!("the token for the command line cannot be renewed: {e}"),
            }
        }
    }
}
