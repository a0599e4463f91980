//! `POST /api/v1/processes/{verb}`: one verb to many processes, in one turn of the supervisor.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::access::{AppDelete, AppOperate, Auth};
use crate::api::act::{Verb, Wait, act};
use crate::api::extract::{Json, Path, Query};
use crate::api::resolve::resolve;
use crate::api::{ApiError, Shared};
use crate::daemon::view::{ProcessView, Snapshot};
use crate::model::{ProcessId, Status};
use crate::wire;

/// Which processes. Exactly one member; an empty selection must be meant.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// True: every process there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub all: Option<bool>,
    /// These apps and processes, by reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refs: Option<Vec<String>>,
    /// Those in one of these states, by the word of `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub statuses: Option<Vec<String>>,
}

/// Start, stop or restart many processes
#[utoipa::path(post, path = "/api/v1/processes/{verb}", tag = "processes", operation_id = "act_on_processes",
    params(("verb" = String, Path, description = "`start`, `stop` or `restart`", example = "restart"), Wait),
    request_body = Selection,
    responses(
        (status = 200, description = "done, or so already", body = wire::Outcome),
        (status = 202, description = "being done; the wait was too short to see the end", body = wire::Outcome),
        (status = "4XX", description = "refused; nothing was done", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn act_on_many(
    _auth: Auth<AppOperate>,
    State(api): State<Shared>,
    Path(verb): Path<String>,
    Query(wait): Query<Wait>,
    Json(selection): Json<Selection>,
) -> Result<(StatusCode, JsonAnswer<wire::Outcome>), ApiError> {
    let verb = match verb.as_str() {
        "start" => Verb::Start,
        "stop" => Verb::Stop,
        "restart" => Verb::Restart,
        _ => return Err(ApiError::no_route()),
    };
    let targets = select(&api.handle.snapshot(), selection)?;
    let (status, outcome) = act(&api, verb, &targets, wait.limit()?).await?;
    Ok((status, JsonAnswer(outcome)))
}

/// Stop and delete many processes
#[utoipa::path(post, path = "/api/v1/processes/delete", tag = "processes", operation_id = "delete_processes",
    params(Wait), request_body = Selection,
    responses(
        (status = 200, description = "done", body = wire::Outcome),
        (status = 202, description = "being done; the wait was too short to see the end", body = wire::Outcome),
        (status = "4XX", description = "refused; nothing was done", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn delete_many(
    _auth: Auth<AppDelete>,
    State(api): State<Shared>,
    Query(wait): Query<Wait>,
    Json(selection): Json<Selection>,
) -> Result<(StatusCode, JsonAnswer<wire::Outcome>), ApiError> {
    let targets = select(&api.handle.snapshot(), selection)?;
    let (status, outcome) = act(&api, Verb::Delete, &targets, wait.limit()?).await?;
    Ok((status, JsonAnswer(outcome)))
}

/// The selected processes, each once, by id.
fn select(snapshot: &Snapshot, selection: Selection) -> Result<Vec<Arc<ProcessView>>, ApiError> {
    let chosen: BTreeMap<ProcessId, Arc<ProcessView>> = match selection {
        Selection { all: Some(true), refs: None, statuses: None } => snapshot.processes.clone(),
        Selection { all: None, refs: Some(refs), statuses: None } => {
            let mut chosen = BTreeMap::new();
            for reference in refs {
                chosen.extend(resolve(snapshot, &reference)?.into_iter().map(|view| (view.id, view)));
            }
            chosen
        }
        Selection { all: None, refs: None, statuses: Some(words) } => {
            let wanted = words.iter().map(|word| status(word)).collect::<Result<Vec<_>, _>>()?;
            let mut chosen = snapshot.processes.clone();
            chosen.retain(|_, view| wanted.contains(&view.state.status()));
            chosen
        }
        Selection { .. } => {
            return Err(ApiError::member(
                "",
                "say which processes: {\"all\":true}, {\"refs\":[…]} or {\"statuses\":[…]}",
            ));
        }
    };
    Ok(chosen.into_values().collect())
}

fn status(word: &str) -> Result<Status, ApiError> {
    let wanted = word.to_ascii_lowercase();
    Status::ALL.into_iter().find(|status| status.as_str() == wanted).ok_or_else(|| {
        let words = Status::ALL.map(Status::as_str).join(", ");
        ApiError::member("/statuses", format!("{word:?} is not a status: use {words}"))
    })
}
