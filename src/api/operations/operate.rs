//! `POST /api/v1/operations`: one action on many processes, in one turn of the supervisor.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::{begin, rehearse, reload};
use crate::api::access::{AppOperate, Auth};
use crate::api::act::{self, Acted, Wait, act};
use crate::api::audit::Note;
use crate::api::extract::{Json, Query};
use crate::api::filter::{Filter, Words};
use crate::api::resolve::resolve;
use crate::api::{Api, ApiError, Shared, convert};
use crate::auth::{Principal, Right};
use crate::daemon::operations::{Queue, Reloads};
use crate::daemon::view::{ProcessView, Snapshot};
use crate::model::{ProcessId, Step};
use crate::wire::{self, Action, Bulk, BulkAction, Strategy};

/// Do something to many processes
///
/// Deleting needs the right to delete. Without `strategy` all of it begins at once. A reload is one of each
/// app by itself, as by `POST /api/v1/apps/{ref}/reload`: one that fails leaves the others alone, and the
/// operation tells of each process; `soak_ms` is for each of them. With `dry_run` nothing is done: `would` of the answer says to which
/// processes what would be done.
#[utoipa::path(post, path = "/api/v1/operations", tag = "operations", operation_id = "operate", params(Wait),
    request_body(content = Bulk, example = json!({"action": "restart", "refs": ["web", "api"]})),
    responses(
        (status = 200, description = "done, or so already; or what would be done", body = wire::Outcome,
            headers(("location" = String, description = "path of the operation, if anything was done"))),
        (status = 202, description = "being done; the wait was too short to see the end", body = wire::Outcome,
            headers(("location" = String, description = "path of the operation"))),
        (status = 422, description = "it makes no sense; or a new run of a reload did not come up, and `operation` tells of all", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused; nothing was done", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn operate(
    auth: Auth<AppOperate>,
    State(api): State<Shared>,
    note: Note,
    Query(wait): Query<Wait>,
    Json(bulk): Json<Bulk>,
) -> Result<Response, ApiError> {
    note.about(named(&bulk));
    if bulk.action == BulkAction::Delete {
        auth.principal.must(Right::AppDelete)?;
    }
    let (action, strategy, dry_run) = (bulk.action, bulk.strategy, bulk.dry_run.unwrap_or(false));
    let limit = wait.limit()?;
    let how = strategy.map(checked).transpose()?;
    if action == BulkAction::Reload && how.is_some() {
        let detail = "leave strategy out of a reload: each app says by itself how many of its processes are replaced \
                      at a time, by rolling of its definition";
        return Err(ApiError::member("/strategy", detail));
    }
    let soak = reload::soak(action, bulk.soak_ms)?;
    let targets = select(&auth.snapshot(&api), bulk)?;
    if dry_run {
        note.changes_nothing();
        let outcome = match action.of_each() {
            Some(action) => rehearse::rehearse(&api, action, &targets).await?,
            None => reload::rehearsed(&api, &targets).await?,
        };
        return Ok(Acted { status: StatusCode::OK, outcome }.into_response());
    }
    let by = &auth.principal;
    let acted = match (action.of_each(), how) {
        (None, _) => reload::reload(&api, by, &targets, soak, limit).await?,
        (Some(action), Some(how)) if !targets.is_empty() => {
            one_after_the_other(&api, by, action, &targets, how, limit).await?
        }
        (Some(action), _) => act(&api, by, action, &targets, limit).await?,
    };
    Ok(acted.into_response())
}

/// So many at a time, and so many failures.
type How = (usize, usize);

fn checked(strategy: Strategy) -> Result<How, ApiError> {
    let within = |member: &str, number: i64, least: i64| match (least..=1000).contains(&number) {
        true => Ok(number as usize),
        false => {
            let detail = format!("{member} is {number}: {least} to 1000 is allowed");
            Err(ApiError::member(&format!("/strategy/{member}"), detail))
        }
    };
    let parallel = within("max_parallel", strategy.max_parallel, 1)?;
    Ok((parallel, within("max_failures", strategy.max_failures.unwrap_or(0), 0)?))
}

/// A few at a time: the operation gives the commands.
async fn one_after_the_other(
    api: &Api,
    by: &Principal,
    action: Action,
    targets: &[Arc<ProcessView>],
    (parallel, failures): How,
    limit: std::time::Duration,
) -> Result<Acted, ApiError> {
    api.handle.may_save()?;
    act::can_be_done(api, action, targets).await?;
    let task = act::task(action);
    let commands = targets.iter().map(|view| (view.id, act::command(action, view.id))).collect();
    let waiting = targets.iter().map(|view| begin::target(view, task, Step::Waiting)).collect();
    let queue = Queue::new(commands, parallel, failures);
    let id = begin::begin_with(api, by, task, waiting, Reloads::new(), Some(queue));
    let over = api.operations.wait(id, limit).await.is_some_and(|operation| operation.ended_ms.is_some());
    let (now, measured) = (api.handle.snapshot(), api.handle.measured().await);
    let show = |view: &Arc<ProcessView>| {
        convert::process(now.processes.get(&view.id).unwrap_or(view), measured.as_deref())
    };
    let outcome = wire::Outcome {
        changed: true,
        processes: targets.iter().map(show).collect(),
        operation: Some(id.0 as i64),
        ..wire::Outcome::default()
    };
    Ok(Acted { status: if over { StatusCode::OK } else { StatusCode::ACCEPTED }, outcome })
}

/// What it is about, for the audit.
fn named(bulk: &Bulk) -> String {
    let lists = [&bulk.refs, &bulk.namespaces, &bulk.names, &bulk.states, &bulk.labels];
    let words: Vec<&str> = lists.into_iter().flatten().flatten().map(String::as_str).collect();
    let which = if bulk.all == Some(true) { "all".to_owned() } else { words.join(" ") };
    format!("{} {which}", bulk.action.as_str())
}

/// The selected processes, each once, by id.
///
/// # Errors
/// As for a reference; 422 when nothing, or several things, are said.
pub fn select(snapshot: &Snapshot, bulk: Bulk) -> Result<Vec<Arc<ProcessView>>, ApiError> {
    let like = Words {
        namespaces: bulk.namespaces.as_deref(),
        states: bulk.states.as_deref(),
        names: bulk.names.as_deref(),
        labels: bulk.labels.as_deref(),
    };
    let lists = [
        ("refs", &bulk.refs),
        ("namespaces", &bulk.namespaces),
        ("names", &bulk.names),
        ("states", &bulk.states),
        ("labels", &bulk.labels),
    ];
    if let Some((name, _)) = lists.iter().find(|(_, list)| list.as_ref().is_some_and(Vec::is_empty)) {
        let detail = format!("{name} names nothing: name some, leave it out, or say {{\"all\":true}}");
        return Err(ApiError::member(&format!("/{name}"), detail));
    }
    let chosen: BTreeMap<ProcessId, Arc<ProcessView>> = match (bulk.all, bulk.refs, like.are_none()) {
        (Some(true), None, true) => snapshot.processes.clone(),
        (None, Some(refs), true) => {
            let mut chosen = BTreeMap::new();
            for reference in refs {
                chosen.extend(resolve(snapshot, &reference)?.into_iter().map(|view| (view.id, view)));
            }
            chosen
        }
        (None, None, false) => {
            let filter =
                Filter::parse(like, |member, detail| ApiError::member(&format!("/{member}s"), detail))?;
            let mut chosen = snapshot.processes.clone();
            chosen.retain(|_, view| filter.fits(view));
            chosen
        }
        (_, _, _) => {
            let detail = "say which processes, in one way: {\"all\":true}, {\"refs\":[…]}, or what they are like, by \
                          namespaces, names, states and labels";
            return Err(ApiError::member("", detail));
        }
    };
    Ok(chosen.into_values().collect())
}
