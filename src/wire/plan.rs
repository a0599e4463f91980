//! What would change if some apps were to be as a file says.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::NewApp;

/// Apps as they are to be.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanOrder {
    /// All of them. Names are unique in their namespace; `instances` that are left out stay as they are.
    pub apps: Vec<NewApp>,
    /// Apps of the same namespaces that are not among them are to be removed. Default false.
    #[serde(default)]
    pub prune: bool,
    /// The caller's environment counts as a difference, too. Default false.
    #[serde(default)]
    pub update_env: bool,
}

/// What would be done, app by app, in this order. Nothing is done yet.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// Another plan with the same digest does the same to the same apps.
    pub digest: String,
    /// One for each app of the order, and one for each that is to be removed.
    pub steps: Vec<PlanStep>,
}

/// What would be done to one app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanStep {
    /// Its name.
    pub app: String,
    /// Its namespace.
    pub namespace: String,
    /// Its number, if it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<i64>,
    /// Names the version of its definition that was compared: sent as `If-Match`, it has the step refused
    /// where somebody has changed that meanwhile. Absent where it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub etag: Option<String>,
    /// What.
    pub action: PlanAction,
    /// What differs. Values of variables are never shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
}

/// How an app becomes what it is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PlanAction {
    /// It is as it is to be.
    None,
    /// It is defined, and started unless `autostart` is false.
    Create,
    /// Its definition is changed, if it differs, and it is started.
    Start,
    /// Its definition is changed; what runs goes on by it.
    Live,
    /// Its definition is changed, and its processes are replaced one after the other.
    Reload,
    /// Its definition is changed, and it is restarted.
    Restart,
    /// It is stopped and forgotten.
    Remove,
}

/// One member that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// Which: `args`, `logs.out_file`, `env.PORT`.
    pub member: String,
    /// As it is; absent: it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from: Option<String>,
    /// As it is to be; absent: it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub to: Option<String>,
}
