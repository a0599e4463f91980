//! One action on many processes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Strategy;

/// What to do, and to which processes: `all`; or `refs`; or what they are like, by one or several of
/// `namespaces`, `names`, `states` and `labels`. An empty selection must be meant, so it must be said.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bulk {
    /// What to do.
    pub action: BulkAction,
    /// True: every process there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub all: Option<bool>,
    /// These apps and processes, by reference. One that is unknown refuses everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refs: Option<Vec<String>>,
    /// Those in one of these states, by the words of `status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub states: Option<Vec<String>>,
    /// Those of apps in one of these namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub namespaces: Option<Vec<String>>,
    /// Those of apps with one of these names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub names: Option<Vec<String>>,
    /// Those of apps with all of these labels: `tier=web`, or `tier` with any value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = json!(["tier=web"]))]
    pub labels: Option<Vec<String>>,
    /// A few at a time. Without it all of it begins at once. Not for `reload`: each app says by itself how
    /// many of its processes are replaced at a time (`rolling`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub strategy: Option<Strategy>,
    /// For `reload` alone: so long each new run has to stay well, from when it is ready, before the old one
    /// goes. Default: as `rolling` of each app says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 86_400_000, example = 5000)]
    pub soak_ms: Option<i64>,
    /// True: do nothing, and say what would be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dry_run: Option<bool>,
}

impl Bulk {
    /// To nothing, which is refused: say to what.
    pub fn new(action: impl Into<BulkAction>) -> Bulk {
        Bulk {
            action: action.into(),
            all: None,
            refs: None,
            states: None,
            namespaces: None,
            names: None,
            labels: None,
            strategy: None,
            soak_ms: None,
            dry_run: None,
        }
    }

    /// To what these references mean.
    pub fn of_refs(action: impl Into<BulkAction>, refs: Vec<String>) -> Bulk {
        Bulk { refs: Some(refs), ..Bulk::new(action) }
    }
}

/// What can be done to a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Run it; what is up stays as it is.
    Start,
    /// End its whole tree; it stays down.
    Stop,
    /// End what runs, then run it anew.
    Restart,
    /// Stop it and forget it.
    Delete,
    /// Set its counters of restarts to zero; what runs goes on.
    Reset,
}

impl Action {
    /// The word in routes.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Start => "start",
            Action::Stop => "stop",
            Action::Restart => "restart",
            Action::Delete => "delete",
            Action::Reset => "reset",
        }
    }
}

/// What can be done to many processes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BulkAction {
    /// Run them; what is up stays as it is.
    Start,
    /// End their whole trees; they stay down.
    Stop,
    /// End what runs, then run it anew.
    Restart,
    /// Stop them and forget them.
    Delete,
    /// Set their counters of restarts to zero; what runs goes on.
    Reset,
    /// Replace what runs, app by app and each as its `rolling` says; what is stopped stays so.
    Reload,
}

impl BulkAction {
    /// What that is for each process by itself. A reload is one of apps.
    pub fn of_each(self) -> Option<Action> {
        match self {
            BulkAction::Start => Some(Action::Start),
            BulkAction::Stop => Some(Action::Stop),
            BulkAction::Restart => Some(Action::Restart),
            BulkAction::Delete => Some(Action::Delete),
            BulkAction::Reset => Some(Action::Reset),
            BulkAction::Reload => None,
        }
    }

    /// The word in routes.
    pub fn as_str(self) -> &'static str {
        self.of_each().map_or("reload", Action::as_str)
    }
}

impl From<Action> for BulkAction {
    fn from(action: Action) -> BulkAction {
        match action {
            Action::Start => BulkAction::Start,
            Action::Stop => BulkAction::Stop,
            Action::Restart => BulkAction::Restart,
            Action::Delete => BulkAction::Delete,
            Action::Reset => BulkAction::Reset,
        }
    }
}
