//! The disk format of readiness. The same rules as for definitions.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::format::{Misfit, micros};
use crate::model::{ReadyBy, ReadyPolicy};

/// Member `ready` of a definition. Rows from before there was any await nothing.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StoredReady {
    by: String,
    limit_us: u64,
}

impl StoredReady {
    /// What to write for `policy`.
    pub(super) fn new(policy: &ReadyPolicy) -> StoredReady {
        StoredReady { by: policy.by.to_string(), limit_us: micros(policy.limit) }
    }

    /// The policy that was written.
    pub(super) fn into_model(self) -> Result<ReadyPolicy, Misfit> {
        Ok(ReadyPolicy { by: ReadyBy::parse(&self.by)?, limit: Duration::from_micros(self.limit_us) })
    }
}

impl Default for StoredReady {
    fn default() -> Self {
        StoredReady::new(&ReadyPolicy::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_comes_back_as_it_was_and_none_is_the_usual_one() {
        for by in [ReadyBy::Auto, ReadyBy::Port, ReadyBy::Log("listening on \\d+".into())] {
            let policy = ReadyPolicy { by, limit: Duration::from_millis(1500) };
            let json = serde_json::to_string(&StoredReady::new(&policy)).unwrap();
            assert_eq!(serde_json::from_str::<StoredReady>(&json).unwrap().into_model(), Ok(policy));
        }
        let nothing = serde_json::from_str::<StoredReady>("{}").unwrap().into_model();
        assert_eq!(nothing, Ok(ReadyPolicy::default()));
    }
}
