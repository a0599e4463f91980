//! Restore points.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{More, Process};

/// What was defined and what ran at some moment, under a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RestorePoint {
    /// Its name.
    #[schema(example = "default")]
    pub name: String,
    /// When it was saved.
    #[schema(format = DateTime)]
    pub saved_at: String,
    /// How many apps it has.
    pub apps: i64,
    /// How many processes.
    pub processes: i64,
    /// How many of those were to run.
    pub running: i64,
}

/// All of them, by name.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RestorePointList {
    /// In the order of their names.
    pub items: Vec<RestorePoint>,
    /// What there is beyond them.
    #[serde(flatten)]
    pub more: More,
}

/// What came of bringing a restore point back.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Resurrected {
    /// Its apps.
    pub apps: Vec<ResurrectedApp>,
}

/// What came of one of its apps.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ResurrectedApp {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Something of it was missing or did not run.
    pub changed: bool,
    /// Why it could not be brought back. Then nothing of it was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<String>,
    /// Its processes now.
    pub processes: Vec<Process>,
}
