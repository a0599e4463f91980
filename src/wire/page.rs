//! What a page says of the list that it is a part of.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What there is beyond a page.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct More {
    /// There are more: ask again with this as `cursor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
    /// With `count=true`: how many there are on all pages together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub total: Option<i64>,
}
