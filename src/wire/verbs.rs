//! Orders that say more than their verb, and what is special about an answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Process;

/// Which signal.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalOrder {
    /// By name, with or without `SIG`, or by number.
    #[schema(example = "USR1")]
    pub signal: String,
}

/// How many processes an app is to have: exactly one of the two.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScaleOrder {
    /// So many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 1000)]
    pub instances: Option<i64>,
    /// So many more than now; fewer if it is negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = -1000, maximum = 1000)]
    pub delta: Option<i64>,
}

/// The environment of whoever starts an app.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InheritedEnv {
    /// All of it.
    #[schema(write_only)]
    pub variables: BTreeMap<String, String>,
}

/// What follows the change of a definition.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Then {
    /// Nothing: the next run is the first that knows of it.
    Keep,
    /// What is down starts.
    Start,
    /// Everything restarts.
    Restart,
}

impl Then {
    /// The word in the query.
    pub fn as_str(self) -> &'static str {
        match self {
            Then::Keep => "keep",
            Then::Start => "start",
            Then::Restart => "restart",
        }
    }
}

/// What became of a reload.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Reloaded {
    /// What users of the app may have noticed, as a sentence; empty when there was nothing to reload.
    pub notice: String,
    /// The processes, as they are now.
    pub processes: Vec<Process>,
    /// The operation that says how far it is. Absent when there was nothing to reload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1)]
    pub operation: Option<i64>,
}
