//! What an app depends on.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Another app that must be in a condition before this one is started for the first time. When both
/// are stopped together, this one goes first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Dependency {
    /// The other app: `name` in the same namespace, or `namespace:name`.
    #[schema(example = "db")]
    pub app: String,
    /// `started`: its program was executed. `ready`: it is online, which it is once its readiness
    /// or health check says so, or without either as soon as it is executed. `healthy`: its health
    /// check passes. `completed`: it ended with exit code 0. Default `ready`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "healthy")]
    pub condition: Option<String>,
}
