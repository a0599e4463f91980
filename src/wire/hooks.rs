//! Commands of the user's own at certain moments in the life of an app.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Commands that are run at certain moments: at least one. Each is a script, a command or a command
/// line, as `script` of an app is, and is run in the app's directory, as its user and with its
/// environment, in which `PMDAEMON_HOOK` is the name of the hook. Exit code 0 is well. It never
/// delays other apps.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hooks {
    /// Run before each run of a process is launched, also after a crash and in a reload. When it fails,
    /// the process does not start: it is a failed start, which is tried again as the restart policy
    /// says. A stop ends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "./migrate.sh")]
    pub before_start: Option<String>,
    /// A hook that takes longer is killed, with all that it started, and has failed. Default 60000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 86_400_000)]
    pub timeout_ms: Option<i64>,
}
