//! Health checks of apps.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the processes of an app are checked: exactly one of `url`, `tcp` and `script`. In `url` and
/// `tcp`, `{port}` and `${PORT}` are the `PORT` of the process.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthCheck {
    /// GET of this URL of the same host: a 2xx answer is healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "http://localhost:{port}/health")]
    pub url: Option<String>,
    /// Connection to this host and port: being accepted is healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "localhost:{port}")]
    pub tcp: Option<String>,
    /// Run of this script in the app's directory, with its environment: exit code 0 is healthy,
    /// otherwise its last line is the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "./health-check.sh")]
    pub script: Option<String>,
    /// A check that takes longer has failed. Default 5000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 86_400_000)]
    pub timeout_ms: Option<i64>,
    /// From the end of a check to the next one; until the first that passes it is 250. Default
    /// 10000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 86_400_000)]
    pub interval_ms: Option<i64>,
    /// So many failures in a row are unhealthy, and end the run. Default 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 1_000_000)]
    pub retries: Option<i64>,
    /// Failures before the first check that passes count only after this time. Default 60000. When it
    /// is not given, a new run of a reload beside the old one that answers a check by URL with `{port}`
    /// wrongly for as long as `retries` checks take is taken back before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 86_400_000)]
    pub start_limit_ms: Option<i64>,
}
