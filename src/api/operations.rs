//! `POST /api/v1/operations`: one action on many processes, in one turn of the supervisor.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;

use super::access::{AppOperate, Auth};
use super::act::{Wait, act};
use super::audit::Note;
use super::extract::{Json, Query};
use super::resolve::resolve;
use super::{ApiError, Shared};
use crate::auth::Right;
use crate::daemon::view::{ProcessView, Snapshot};
use crate::model::{ProcessId, Status};
use crate::wire::{self, Action, Bulk};

/// Do something to many processes
///
/// Deleting needs the right to delete.
#[utoipa::path(post, path = "/api/v1/operations", tag = "operations", operation_id = "operate", params(Wait),
    request_body(content = Bulk, example = json!({"action": "restart", "refs": ["web", "api"]})),
    responses(
        (status = 200, description = "done, or so already", body = wire::Outcome),
        (status = 202, description = "being done; the wait was too short to see the end", body = wire::Outcome),
        (status = "4XX", description = "refused; nothing was done", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn operate(
    auth: Auth<AppOperate>,
    State(api): State<Shared>,
    note: Note,
    Query(wait): Query<Wait>,
    Json(bulk): Json<Bulk>,
) -> Result<(StatusCode, JsonAnswer<wire::Outcome>), ApiError> {
    note.about(named(&bulk));
    if bulk.action == Action::Delete {
        auth.principal.must(Right::AppDelete)?;
    }
    let action = bulk.action;
    let targets = select(&auth.snapshot(&api), bulk)?;
    let (status, outcome) = act(&api, action, &targets, wait.limit()?).await?;
    Ok((status, JsonAnswer(outcome)))
}

/// What it is about, for the audit.
fn named(bulk: &Bulk) -> String {
    let which = match (&bulk.refs, &bulk.states) {
        (Some(refs), _) => refs.join(" "),
        (None, Some(states)) => states.join(" "),
        (None, None) => "all".to_owned(),
    };
    format!("{} {which}", bulk.action.as_str())
}

/// The selected processes, each once, by id.
pub(super) fn select(snapshot: &Snapshot, bulk: Bulk) -> Result<Vec<Arc<ProcessView>>, ApiError> {
    let chosen: BTreeMap<ProcessId, Arc<ProcessView>> = match (bulk.all, bulk.refs, bulk.states) {
        (Some(true), None, None) => snapshot.processes.clone(),
        (None, Some(refs), None) => {
            let mut chosen = BTreeMap::new();
            for reference in refs {
                chosen.extend(resolve(snapshot, &reference)?.into_iter().map(|view| (view.id, view)));
            }
            chosen
        }
        (None, None, Some(words)) => {
            let wanted = words.iter().map(|word| status(word)).collect::<Result<Vec<_>, _>>()?;
            let mut chosen = snapshot.processes.clone();
            chosen.retain(|_, view| wanted.contains(&view.state.status()));
            chosen
        }
        (_, _, _) => {
            let detail =
                "say which processes, in one way: {\"all\":true}, {\"refs\":[…]} or {\"states\":[…]}";
            return Err(ApiError::member("", detail));
        }
    };
    Ok(chosen.into_values().collect())
}

fn status(word: &str) -> Result<Status, ApiError> {
    let wanted = word.to_ascii_lowercase();
    Status::ALL.into_iter().find(|status| status.as_str() == wanted).ok_or_else(|| {
        let words = Status::ALL.map(Status::as_str).join(", ");
        ApiError::member("/states", format!("{word:?} is not a status: use {words}"))
    })
}
