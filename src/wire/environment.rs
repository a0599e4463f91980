//! Variables of apps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is to become of some variables.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvOrder {
    /// These get these values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(write_only)]
    pub set: BTreeMap<String, String>,
    /// These are declared no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
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

/// The variables that an app declares.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Variables {
    /// By name. Each value is masked: `***`.
    #[schema(example = json!({"LOG_LEVEL": "***"}))]
    pub variables: BTreeMap<String, String>,
    /// Where each of them is from.
    #[schema(example = json!({"LOG_LEVEL": "definition"}))]
    pub sources: BTreeMap<String, VariableSource>,
    /// The number of the version of the definition.
    #[schema(minimum = 0)]
    pub revision: i64,
    /// Which processes run with other variables, and which files could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
}

/// Where a variable is from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum VariableSource {
    /// `env` of the definition.
    Definition,
    /// The same, and its value has that of a secret in it.
    Secret,
    /// One of `env_file`, which is read at each start.
    File,
}

/// Variables that are to change.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VariablesPatch {
    /// These get these values; `null`: is declared no more.
    #[schema(write_only)]
    pub variables: BTreeMap<String, Option<String>>,
}
