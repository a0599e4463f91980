//! How what is saved is doing.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The file in which definitions, wanted states and history are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Store {
    /// `ok`, or why nothing can be saved: `full`, `read_only` or `failing`. Services go on
    /// meanwhile; changes are refused.
    #[schema(example = "ok")]
    pub status: String,
    /// The sentence for people, when it is not `ok`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub detail: Option<String>,
    /// How many copies there are, in `backup` of the home.
    pub copies: i64,
    /// When the youngest was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub last_copy_at: Option<String>,
    /// It was damaged; absent once the file that was kept aside has been removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub loss: Option<StoreLoss>,
}

/// The latest damage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StoreLoss {
    /// When it was found.
    #[schema(format = DateTime)]
    pub at: String,
    /// What was wrong, and what came of it.
    pub detail: String,
    /// Where the damaged file is.
    pub kept: String,
}
