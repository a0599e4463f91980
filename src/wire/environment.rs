//! Variables of apps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is to become of some variables.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvOrder {
    /// These get these values.
    #[serde(default)]
    #[schema(write_only)]
    pub set: BTreeMap<String, String>,
    /// These are declared no more.
    #[serde(default)]
    pub unset: Vec<String>,
}

/// The environment of a process, with the values of its variables.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Environment {
    /// The process.
    pub id: i64,
    /// Every variable.
    pub variables: BTreeMap<String, String>,
}
