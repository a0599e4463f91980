//! Tokens: who may call the API, until when.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{More, Role};

/// A token that counts. Not the token itself: that is shown once, when it is made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// Its unique id.
    pub id: String,
    /// Whom it speaks for. `local` is the command line on the host of the daemon.
    #[schema(example = "ci")]
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// Where it allows that; `*` is everywhere.
    #[schema(example = json!(["shop"]))]
    pub namespaces: Vec<String>,
    /// Who had it made. Absent: the daemon made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub made_by: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// It is void from then on.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// Its latest use, to about a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub last_used_at: Option<String>,
}

/// The tokens that count.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenList {
    /// By name.
    pub items: Vec<Token>,
    /// What there is beyond them.
    #[serde(flatten)]
    pub more: More,
}

/// A token to be made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// Whom it speaks for, as the audit will name them: 1 to 64 letters, digits, `.`, `_` or `-`.
    #[schema(example = "ci", pattern = "^[A-Za-z_][A-Za-z0-9._-]{0,63}$")]
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// Where it allows that. Default: everywhere where whoever asks may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_items = 1, example = json!(["shop"]))]
    pub namespaces: Option<Vec<String>>,
    /// It is void after this. Default 90 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 60_000, maximum = 31_536_000_000_i64)]
    pub expires_in_ms: Option<i64>,
}

/// A new token.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MadeToken {
    /// What to send as `Authorization: Bearer …`. It is shown this once and kept nowhere.
    pub secret: String,
    /// What is known of it.
    pub token: Token,
}
