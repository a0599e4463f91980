//! The versions of definitions.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{App, More};

/// One version of the definition of an app.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Revision {
    /// From 1; grows by one with each change.
    #[schema(minimum = 1)]
    pub revision: i64,
    /// When the definition became so.
    #[schema(format = DateTime)]
    pub at: String,
    /// Who did it.
    #[schema(example = "local")]
    pub author: String,
    /// How: `created`, `updated`, `scaled`, `environment` (another one is inherited), `rolled_back`,
    /// `restored` (from a restore point), `put_back` (what came before it could not be executed),
    /// `taken_back` (the reload that brought it failed; it is as the run that goes on) or `found` (it was there before versions were kept).
    #[schema(example = "updated")]
    pub cause: String,
    /// The version that it is as, after `rolled_back`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rolled_back_to: Option<i64>,
    /// It is the version of now.
    pub current: bool,
    /// What is different from the version before, unless that is not kept any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Difference>,
}

/// One member that is different.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// Which, as a JSON pointer into the app.
    #[schema(example = "/instances")]
    pub pointer: String,
    /// What it was: a text as it is, anything else as JSON. Absent: it was not there. Variables are
    /// masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "2")]
    pub before: Option<String>,
    /// What it became. Absent: it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "4")]
    pub after: Option<String>,
}

/// All versions that are kept, the newest 50.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RevisionList {
    /// Ascending.
    pub items: Vec<Revision>,
    /// What there is beyond them.
    #[serde(flatten)]
    pub more: More,
}

/// A version with its definition.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RevisionDetail {
    /// When, by whom, how.
    pub revision: Revision,
    /// The definition, without processes.
    pub app: App,
}

/// Which version is to be the definition again.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackOrder {
    /// Its number. Without it: the one before the present one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1)]
    pub revision: Option<i64>,
}
