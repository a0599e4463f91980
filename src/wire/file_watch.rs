//! Which files make an app start anew when they change.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Files whose changes restart an app, once for a burst of writes. Names that begin with a dot and
/// `node_modules` never count, nor do the app's own logs. What is stopped stays stopped.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FileWatch {
    /// Files and directories with all that is in them. A relative path counts from `cwd`. Default:
    /// `cwd`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["src", "config.json"]))]
    pub paths: Vec<String>,
    /// Globs of what does not count. One without a slash means a name anywhere, one with a slash a
    /// path from `cwd` or from the watched directory on. `re:` is followed by a regular expression for
    /// the whole path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["logs", "*.tmp"]))]
    pub ignore: Vec<String>,
    /// Only files with one of these extensions count. Default: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["js", "json"]))]
    pub extensions: Vec<String>,
    /// So long nothing may have changed before it restarts. Default 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 3_600_000)]
    pub delay_ms: Option<i64>,
}

/// Whether changes of files restart an app.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WatchOrder {
    /// `true`: those in its directory, unless others are defined. `false`: none any more. Absent:
    /// the other of the two than now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub on: Option<bool>,
}
