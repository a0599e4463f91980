//! The disk format of what stands before an app.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::format::{Misfit, micros};
use crate::model::{Balance, BalanceMethod, BalanceMode, Sticky};

/// A part of column `app.spec`.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredBalance {
    port: u16,
    mode: String,
    method: String,
    sticky: String,
    timeout_us: u64,
    drain_us: u64,
    #[serde(default)]
    slow_start_us: u64,
}

impl StoredBalance {
    /// What to write for `balance`.
    pub(super) fn new(balance: &Balance) -> StoredBalance {
        StoredBalance {
            port: balance.port,
            mode: balance.mode.word().to_owned(),
            method: balance.method.word().to_owned(),
            sticky: balance.sticky.word().to_owned(),
            timeout_us: micros(balance.timeout),
            drain_us: micros(balance.drain),
            slow_start_us: micros(balance.slow_start),
        }
    }

    /// What was written.
    pub(super) fn into_model(self) -> Result<Balance, Misfit> {
        Ok(Balance {
            port: self.port,
            mode: BalanceMode::parse(&self.mode)?,
            method: BalanceMethod::parse(&self.method)?,
            sticky: Sticky::parse(&self.sticky)?,
            timeout: Duration::from_micros(self.timeout_us),
            drain: Duration::from_micros(self.drain_us),
            slow_start: Duration::from_micros(self.slow_start_us),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balancer_comes_back_as_it_was() {
        let balance = Balance {
            port: 8080,
            mode: BalanceMode::Tcp,
            method: BalanceMethod::RoundRobin,
            sticky: Sticky::Address,
            timeout: Duration::from_secs(7),
            drain: Duration::from_millis(1500),
            slow_start: Duration::from_secs(4),
        };
        let json = serde_json::to_string(&StoredBalance::new(&balance)).unwrap();
        assert_eq!(serde_json::from_str::<StoredBalance>(&json).unwrap().into_model(), Ok(balance));
    }
}
