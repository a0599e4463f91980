//! What an action would do to processes. Nothing is done.

use std::sync::Arc;

use crate::api::act::{can_be_done, command};
use crate::api::{Api, ApiError};
use crate::daemon::view::ProcessView;
use crate::model::Goal;
use crate::supervisor::{Accepted, Command};
use crate::wire::{self, Action, Rehearsed};

/// The answer to `dry_run`.
///
/// # Errors
/// What would be refused is refused.
pub async fn rehearse(
    api: &Api,
    action: Action,
    targets: &[Arc<ProcessView>],
) -> Result<wire::Outcome, ApiError> {
    can_be_done(api, action, targets).await?;
    let commands: Vec<Command> = targets.iter().map(|view| command(action, view.id)).collect();
    let rehearsed = api.handle.rehearse(commands).await?;
    let mut would = Vec::new();
    for (view, answer) in targets.iter().zip(rehearsed.answers) {
        let does = if answer? == Accepted::AlreadySo { "nothing" } else { action.as_str() };
        would.push(told(view, does));
    }
    let now = api.handle.snapshot();
    let others = rehearsed.others.iter().filter_map(|id| now.processes.get(id));
    let notices = others.map(|view| {
        let what = if view.goal == Goal::Up { "ended" } else { "started" };
        format!("{} (id {}) would be {what} too: one depends on the other", view.name(), view.id)
    });
    Ok(wire::Outcome { notices: notices.collect(), would, ..wire::Outcome::default() })
}

/// Says what would be done to that one.
pub fn told(view: &ProcessView, would: &str) -> Rehearsed {
    Rehearsed {
        id: i64::from(view.id.0),
        name: view.name(),
        namespace: view.spec.namespace.to_string(),
        status: view.state.status().as_str().to_owned(),
        would: would.to_owned(),
    }
}
