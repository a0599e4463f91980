//! Text for programs: what `send`, `message` and `trigger` have in common.

use std::sync::Arc;

use axum::http::StatusCode;

use super::resolve::resolve;
use super::{Api, ApiError, convert};
use crate::daemon::view::{ProcessView, Snapshot};
use crate::keeper::protocol::Inlet;
use crate::model::RunId;
use crate::wire;

/// Those of a reference that run, with their lives.
///
/// # Errors
/// As for every reference; 409 when none runs.
pub fn running(snapshot: &Snapshot, reference: &str) -> Result<Vec<(Arc<ProcessView>, RunId)>, ApiError> {
    let views = resolve(snapshot, reference)?;
    let running = |view: &Arc<ProcessView>| {
        view.state.pid()?;
        Some((Arc::clone(view), view.state.run()?))
    };
    let all: Vec<_> = views.iter().filter_map(running).collect();
    match all.is_empty() {
        true => {
            Err(ApiError::new(StatusCode::CONFLICT, "not_running", format!("nothing of {reference} runs")))
        }
        false => Ok(all),
    }
}

/// Gives a line to every process of a reference that runs. Answers with those that took it.
///
/// # Errors
/// 409 when none took it.
pub async fn give(
    api: &Api,
    snapshot: &Snapshot,
    reference: &str,
    to: Inlet,
    text: &str,
) -> Result<wire::Outcome, ApiError> {
    let (mut took, mut notices) = (Vec::new(), Vec::new());
    for (view, run) in running(snapshot, reference)? {
        match api.handle.give(run, to, text.to_owned()).await? {
            Ok(()) => took.push(view),
            Err(why) => notices.push(refusal(&view, to, &why)),
        }
    }
    if took.is_empty() {
        return Err(ApiError::new(StatusCode::CONFLICT, "not_taken", notices.swap_remove(0)));
    }
    let measured = api.handle.measured().await;
    let processes = took.iter().map(|view| convert::process(view, measured.as_deref())).collect();
    Ok(wire::Outcome { changed: true, processes, notices, ..wire::Outcome::default() })
}

/// Why a process did not take it, and what to do about that.
pub fn refusal(view: &ProcessView, to: Inlet, why: &str) -> String {
    let name = view.name();
    match to {
        Inlet::Input if !view.spec.stdin => format!(
            "{name} has nothing to read: its standard input is /dev/null; define it with stdin (start --stdin), and \
             it has a pipe from its next start on"
        ),
        Inlet::Channel if !view.spec.has_channel() => format!(
            "{name} has no IPC channel: Node and bun have one, and others that are defined with ready: message or \
             shutdown_with_message"
        ),
        Inlet::Input | Inlet::Channel => format!("{name} did not take it: {why}"),
    }
}
