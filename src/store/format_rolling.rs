//! The disk format of how a reload replaces processes. The same rules as for definitions.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::format::{Misfit, micros};
use crate::model::{RollPolicy, Share};

/// Member `roll` of a definition. Rows from before there was any have the usual one.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StoredRoll {
    soak_us: Option<u64>,
    max_surge: String,
    max_unavailable: String,
}

impl StoredRoll {
    /// What to write for `policy`.
    pub(super) fn new(policy: &RollPolicy) -> StoredRoll {
        StoredRoll {
            soak_us: policy.soak.map(micros),
            max_surge: policy.max_surge.to_string(),
            max_unavailable: policy.max_unavailable.to_string(),
        }
    }

    /// The policy that was written.
    pub(super) fn into_model(self) -> Result<RollPolicy, Misfit> {
        Ok(RollPolicy {
            soak: self.soak_us.map(Duration::from_micros),
            max_surge: Share::parse(&self.max_surge)?,
            max_unavailable: Share::parse(&self.max_unavailable)?,
        })
    }
}

impl Default for StoredRoll {
    fn default() -> Self {
        StoredRoll::new(&RollPolicy::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_comes_back_as_it_was_and_none_is_the_usual_one() {
        let policy = RollPolicy {
            soak: Some(Duration::from_millis(1500)),
            max_surge: Share::Percent(25),
            max_unavailable: Share::Count(2),
        };
        let json = serde_json::to_string(&StoredRoll::new(&policy)).unwrap();
        assert_eq!(serde_json::from_str::<StoredRoll>(&json).unwrap().into_model(), Ok(policy));
        let nothing = serde_json::from_str::<StoredRoll>("{}").unwrap().into_model();
        assert_eq!(nothing, Ok(RollPolicy::default()));
    }
}
