//! Secrets of namespaces. A value goes in and never comes out.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::More;

/// A value that is to be kept.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSecret {
    /// At most 65,536 bytes, without NUL characters.
    #[schema(write_only)]
    pub value: String,
}

/// A secret, without its value.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Secret {
    /// Apps of this namespace may refer to it, as `${secret:NAME}`.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// When it was set last.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// Who did it.
    pub updated_by: String,
    /// Apps that refer to it.
    pub used_by: Vec<String>,
}

/// All secrets.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SecretList {
    /// By namespace and name.
    pub items: Vec<Secret>,
    /// What there is beyond them.
    #[serde(flatten)]
    pub more: More,
}
