//! Upgrades in place.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What to become.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpgradeOrder {
    /// Absolute path of the new program, on the daemon's machine.
    #[schema(example = "/usr/local/bin/pmdaemon")]
    pub binary: String,
}

/// An upgrade that has begun: the new program has passed its self-check.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UpgradeBegun {
    /// By which the outcome is recognised in `GET /api/v1/system`.
    pub id: i64,
    /// What it will be.
    pub version: String,
    /// The file.
    pub binary: String,
}

/// The latest upgrade.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Upgrade {
    /// Which.
    pub id: i64,
    /// `under_way`, `done` or `failed`. Others may come.
    #[schema(example = "done")]
    pub status: String,
    /// Why it failed; the earlier program went on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub detail: Option<String>,
}
