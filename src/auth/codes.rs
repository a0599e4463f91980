//! Codes of one-time login links: kept hashed, redeemed once, for a minute.

use std::collections::BTreeMap;

use super::Principal;
use crate::secrets::random;

/// A code is void after this.
pub(super) const LIFE_MS: u64 = 60_000;

/// At most so many can be redeemed at any time; the oldest gives way.
pub(super) const OUTSTANDING: usize = 100;

/// The codes that can be redeemed, by hash.
#[derive(Debug, Default)]
pub(super) struct Codes(BTreeMap<String, Code>);

#[derive(Debug)]
struct Code {
    principal: Principal,
    expires_at_ms: u64,
}

impl Codes {
    /// A new code that logs `principal` in.
    pub(super) fn make(&mut self, principal: &Principal, now_ms: u64) -> String {
        self.prune(now_ms);
        while self.0.len() >= OUTSTANDING {
            let oldest = self.0.iter().min_by_key(|(_, code)| code.expires_at_ms);
            let Some(hash) = oldest.map(|(hash, _)| hash.clone()) else { break };
            self.0.remove(&hash);
        }
        let code = random::text();
        let expires_at_ms = now_ms.saturating_add(LIFE_MS);
        self.0.insert(random::hash(&code), Code { principal: principal.clone(), expires_at_ms });
        code
    }

    /// Whom `code` logs in. It is void from now on.
    pub(super) fn redeem(&mut self, code: &str, now_ms: u64) -> Option<Principal> {
        let found = self.0.remove(&random::hash(code))?;
        (now_ms < found.expires_at_ms).then_some(found.principal)
    }

    /// Forgets what is expired.
    pub(super) fn prune(&mut self, now_ms: u64) {
        self.0.retain(|_, code| now_ms < code.expires_at_ms);
    }
}
