//! Settings of pmdaemon itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is to be otherwise than everybody has it. What is absent is as everybody has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigOrder {
    /// What all logs together may take, in bytes; the oldest go first. Default: a tenth of the file system,
    /// at most 4 GiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1_048_576, maximum = 9_007_199_254_740_991_i64)]
    pub log_budget_bytes: Option<i64>,
    /// From which level on pmdaemon's own log is written: `trace`, `debug`, `info`, `warn` or `error`.
    /// Default `info`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "debug")]
    pub log_level: Option<String>,
    /// Directories beneath which somebody who is no admin may have log files in a place of their own.
    /// Default: `/var/log` and the home directory of the daemon's user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 100)]
    pub log_roots: Option<Vec<String>>,
    /// So many automatic restarts may come at once, on the whole host. Default 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 1_000_000)]
    pub restart_burst: Option<i64>,
    /// So many follow in a second. Default 2 for each CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0.01, maximum = 10_000.0)]
    pub restart_rate: Option<f64>,
}

/// The settings of pmdaemon itself.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Config {
    /// What was set, to be changed and put back.
    pub set: ConfigOrder,
    /// All of them, as they count now.
    pub items: Vec<ConfigSetting>,
}

/// One setting.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ConfigSetting {
    /// Its name.
    #[schema(example = "log_budget_bytes")]
    pub name: String,
    /// What counts now.
    pub value: String,
    /// What everybody has.
    pub default: String,
    /// Who says so: `default`, `set` or `environment`.
    pub source: String,
    /// The variable in the environment of the daemon that can say it, and counts then.
    pub variable: String,
    /// It can be set while the daemon runs.
    pub can_be_set: bool,
}

/// What was read again.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ConfigReloaded {
    /// The files of certificates that are in use.
    pub certificates: Vec<String>,
}
