//! The disk format of health checks. The same rules as for definitions.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::format::{StoredPath, micros};
use crate::model::{HealthCheck, HealthPolicy};

/// Member `health` of a definition.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredHealth {
    check: StoredCheck,
    timeout_us: u64,
    interval_us: u64,
    retries: u32,
    start_limit_us: Option<u64>,
    /// Rows from before there was any have none.
    #[serde(default)]
    ready_within_us: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredCheck {
    Http { url: String },
    Tcp { address: String },
    Script { script: String, program: StoredPath, args: Vec<String> },
}

impl StoredHealth {
    /// What to write for `policy`.
    pub(super) fn new(policy: &HealthPolicy) -> StoredHealth {
        StoredHealth {
            check: match &policy.check {
                HealthCheck::Http { url } => StoredCheck::Http { url: url.clone() },
                HealthCheck::Tcp { address } => StoredCheck::Tcp { address: address.clone() },
                HealthCheck::Script { script, program, args } => StoredCheck::Script {
                    script: script.clone(),
                    program: StoredPath::new(program),
                    args: args.clone(),
                },
            },
            timeout_us: micros(policy.timeout),
            interval_us: micros(policy.interval),
            retries: policy.retries,
            start_limit_us: policy.start_limit.map(micros),
            ready_within_us: policy.ready_within.map(micros),
        }
    }

    /// The policy that was written.
    pub(super) fn into_model(self) -> HealthPolicy {
        HealthPolicy {
            check: match self.check {
                StoredCheck::Http { url } => HealthCheck::Http { url },
                StoredCheck::Tcp { address } => HealthCheck::Tcp { address },
                StoredCheck::Script { script, program, args } => {
                    HealthCheck::Script { script, program: program.into_model(), args }
                }
            },
            timeout: Duration::from_micros(self.timeout_us),
            interval: Duration::from_micros(self.interval_us),
            retries: self.retries,
            start_limit: self.start_limit_us.map(Duration::from_micros),
            ready_within: self.ready_within_us.map(Duration::from_micros),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_comes_back_as_it_was() {
        let script = HealthCheck::Script {
            script: "./health-check.sh".into(),
            program: "/bin/sh".into(),
            args: vec!["/srv/health-check.sh".into()],
        };
        let url = HealthCheck::Http { url: "http://localhost:{port}/health".into() };
        for check in [script, url, HealthCheck::Tcp { address: "127.0.0.1:80".into() }] {
            let policy = HealthPolicy {
                check,
                timeout: Duration::from_millis(1),
                interval: Duration::from_secs(2),
                retries: 3,
                start_limit: Some(Duration::from_secs(4)),
                ready_within: Some(Duration::from_secs(5)),
            };
            let json = serde_json::to_string(&StoredHealth::new(&policy)).unwrap();
            assert_eq!(serde_json::from_str::<StoredHealth>(&json).unwrap().into_model(), policy);
        }
    }
}
