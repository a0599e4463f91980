//! How a reload replaces the processes of an app.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How many processes a reload replaces at a time, and how long a new run has to prove itself. Names
/// and meaning are those of a Deployment in Kubernetes.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rolling {
    /// So long a new run has to stay well, from when it is ready, before the reload goes on; one that
    /// ends, is unhealthy or cannot be executed until then ends the reload. While its latest health
    /// check has failed it is not well. Default: 1000, or `min_uptime_ms` if that is less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 86_400_000)]
    pub soak_ms: Option<i64>,
    /// So many new runs may be beside the old ones at a time: a number, or a percentage of the
    /// processes, of which a part counts as a whole one. Default `1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "25%")]
    pub max_surge: Option<String>,
    /// So many fewer processes than are wanted may be ready meanwhile: a number, or a percentage of
    /// the processes, of which a part counts as none. Default `0`. Not none together with
    /// `max_surge`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "1")]
    pub max_unavailable: Option<String>,
}
