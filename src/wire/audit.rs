//! Who did what.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Somebody did something, or tried to.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditRecord {
    /// Grows by one with each record.
    pub seq: i64,
    /// When.
    #[schema(format = DateTime)]
    pub ts: String,
    /// Who: the name of a user or token. `local` is the command line on the host of the daemon,
    /// `unknown` somebody who failed to log in by a name that nobody has.
    #[schema(example = "alice")]
    pub principal: String,
    /// What they showed: `token`, `session`, `password`, `link`, or `no-auth` where nothing is needed.
    #[schema(example = "token")]
    pub via: String,
    /// The address that they came from; `local` for the unix socket.
    #[schema(example = "127.0.0.1")]
    pub source: String,
    /// What they did, such as `apps.stop`, `tokens.create` or `login`.
    #[schema(example = "apps.stop")]
    pub action: String,
    /// To what, as they named it. Never a value.
    #[schema(example = "web")]
    pub target: String,
    /// The status of the answer: 403 is somebody who may not, 401 a login that failed, 499 that whoever
    /// asked hung up before it came.
    #[schema(example = 200)]
    pub status: i64,
    /// The answer to that request has it as `X-Request-Id`.
    pub request_id: String,
    /// Of all of this and of the record before: SHA-256, hexadecimal.
    pub hash: String,
}

/// Records, the oldest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditList {
    /// In the order of `seq`.
    pub items: Vec<AuditRecord>,
    /// There are older ones: ask again with this as `cursor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
    /// ... or with this as `before`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_before: Option<i64>,
    /// With `count=true`: how many are kept of what is asked for, on all pages together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub total: Option<i64>,
}

/// What came of following the chain of records.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditVerdict {
    /// So many records fit, from the oldest on.
    pub intact: i64,
    /// The newest of them; 0 when there is none.
    pub seq: i64,
    /// Its hash. Noted elsewhere, it shows later that nobody made the chain anew.
    pub hash: String,
    /// The first record that does not fit, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub broken: Option<BrokenRecord>,
}

/// A record that is not what was written.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BrokenRecord {
    /// Which.
    pub seq: i64,
    /// What is wrong with it.
    pub why: String,
}
