//! `POST /api/v1/apps/{ref}/reload`

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::revisions;
use super::undo::{self, Undo};
use crate::api::access::{AppOperate, Auth};
use crate::api::act::{self, Wait, place};
use crate::api::extract::{Path, Query};
use crate::api::operations::begin;
use crate::api::resolve::resolve;
use crate::api::{Api, ApiError, Shared, convert};
use crate::auth::Principal;
use crate::daemon::listening;
use crate::daemon::revisions::Author;
use crate::daemon::view::{ProcessView, Snapshot};
use crate::model::State::Running;
use crate::model::{AppId, AppSpec, Goal, OperationId, Pid, PortOwner, PortPlan, ProcessId, RevisionCause};
use crate::supervisor::{Accepted, Command, Denied, Overtaken, Ports, Progress, fits_beside, moves_beside};
use crate::wire;

/// The longest time that a new run can be given.
pub const LONGEST_SOAK: Duration = Duration::from_secs(86_400);

/// `?soak=5s`: how long each new run has to stay well.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Soak {
    /// So long each new run has to stay well, from when it is ready, before the old one goes. Default:
    /// as `rolling` of the app says.
    #[param(nullable = false, example = "5s")]
    soak: Option<String>,
}

/// `?port=3001`: to another port than the definition's.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ToPort {
    /// `3001`, `3001-3004` (spread over the processes) or `auto:4000-4100`: each new run has its port
    /// beside the old one. Crashes keep it; the next restart or reload without it returns to the
    /// definition.
    #[param(nullable = false, example = "3001")]
    port: Option<String>,
}

impl ToPort {
    /// As the definition says.
    pub const USUAL: ToPort = ToPort { port: None };
}

impl Soak {
    /// As the definition says.
    pub const USUAL: Soak = Soak { soak: None };

    /// The span, if one was given.
    fn span(&self) -> Result<Option<Duration>, ApiError> {
        let refuse = |code, detail: String| ApiError::new(StatusCode::BAD_REQUEST, code, detail);
        let Some(text) = &self.soak else { return Ok(None) };
        match wire::span::parse(text, None) {
            Ok(span) if span <= LONGEST_SOAK => Ok(Some(span)),
            Ok(_) => Err(refuse("soak_too_long", "soak is too long: 1d is the most".to_owned())),
            Err(e) => Err(refuse("invalid_query", format!("soak: {e}"))),
        }
    }
}

/// Replace the runs of an app's processes, a few at a time
///
/// The new run begins beside the old one, which is asked to end when the new one is online and has
/// stayed well for the soak time; then the next process has its turn: as many at a time as `rolling`
/// of the app says, and first those that are not ready. An old run that ends by itself before leaves its
/// place to the new one. A new run that dies, is unhealthy, is not ready in time or cannot be executed
/// ends the reload, and the old one goes on; processes that were replaced before it stay as they are. If
/// the reload was to bring a definition that changed since the old run began, the definition goes back to
/// that run's (a revision `taken_back`), so that what runs next is what ran before, and those that were
/// replaced before it are reloaded to it again, by an operation of its own. Behind a balancer the
/// new run has another port, takes its share as soon as it is online, and the old one is asked to end when
/// it has answered what it had, or after the balancer's drain limit. A process that moves to another
/// `port`, by this request or because the definition has another one by now, is answered on both
/// meanwhile. One that stays on a port of its own without a balancer, or listens on one, cannot have two
/// runs: its old run ends before the new one begins,
/// and `notice` says that it paused. What is stopped stays so, and what rests between the times of its
/// schedule runs at the next. A new run of an app without `autorestart` has proven itself, too, when it
/// ends with exit code 0. Several apps are reloaded side by side.
#[utoipa::path(post, path = "/api/v1/apps/{ref}/reload", tag = "apps", operation_id = "reload_app",
    params(("ref" = String, Path, description = "id, name, instance or any other reference", example = "web"), Wait, Soak, ToPort),
    responses(
        (status = 200, description = "done", body = wire::Reloaded,
            headers(("location" = String, description = "path of the operation, if anything was done"))),
        (status = 202, description = "being done; the wait was too short to see the end", body = wire::Reloaded,
            headers(("location" = String, description = "path of the operation"))),
        (status = 409, description = "a reload is going on already, or somebody wanted something else meanwhile", body = wire::Problem, content_type = "application/problem+json"),
        (status = 422, description = "a new run did not come up; `process` says whose", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn reload(
    auth: Auth<AppOperate>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    Query(wait): Query<Wait>,
    Query(soak): Query<Soak>,
    Query(to): Query<ToPort>,
) -> Result<Response, ApiError> {
    let (limit, soak) = (wait.limit()?, soak.span()?);
    let plan = to.port.as_deref().map(convert::port_plan).transpose()?;
    let targets = resolve(&auth.snapshot(&api), &reference)?;
    let Replaced { notice, operation, over, now } =
        replace(&api, &auth.principal, &targets, soak, plan, limit).await?;
    let measured = api.handle.measured().await;
    let show = |target: &Arc<ProcessView>| {
        convert::process(now.processes.get(&target.id).unwrap_or(target), measured.as_deref())
    };
    let status = if over { StatusCode::OK } else { StatusCode::ACCEPTED };
    let reloaded = wire::Reloaded { notice, processes: targets.iter().map(show).collect(), operation };
    Ok((status, operation.map(place), Json(reloaded)).into_response())
}

/// What became of a reload that has not failed.
pub struct Replaced {
    /// Who paused, and why.
    pub notice: String,
    /// Its operation, if anything was done.
    pub operation: Option<i64>,
    /// Its end was seen in time.
    pub over: bool,
    /// How it was last.
    pub now: Arc<Snapshot>,
}

/// Replaces their runs and waits for the end of that, at most for `limit`. `plan`: where the new runs
/// are to be, if not where the definition says.
///
/// # Errors
/// The first denial; or why a new run did not come up.
pub async fn replace(
    api: &Api,
    by: &Principal,
    targets: &[Arc<ProcessView>],
    soak: Option<Duration>,
    plan: Option<PortPlan>,
    limit: Duration,
) -> Result<Replaced, ApiError> {
    let mut by_app: BTreeMap<AppId, Vec<ProcessId>> = BTreeMap::new();
    for target in targets {
        by_app.entry(target.app).or_default().push(target.id);
    }
    let up: Vec<Arc<ProcessView>> = targets.iter().filter(|view| view.goal == Goal::Up).cloned().collect();
    act::can_be_started(api, act::specs(&up)).await?;
    let ports: BTreeMap<ProcessId, PortPlan> = match plan {
        Some(plan) => up.iter().map(|view| view.id).zip(act::spread(plan, &up)?).collect(),
        None => BTreeMap::new(),
    };
    let beside = match plan {
        Some(_) => {
            let moves = |view: &&Arc<ProcessView>| moves_beside(ports[&view.id], view.ports.held);
            up.iter().filter(moves).map(|view| view.id).collect()
        }
        None => side_by_side(targets).await?,
    };
    let mut earlier = earlier(api, &up).await?;
    let commands = by_app.values().map(|processes| Command::Reload {
        processes: processes.clone(),
        beside: processes.iter().copied().filter(|id| beside.contains(id)).collect(),
        soak,
        ports: processes.iter().filter_map(|id| Some((*id, *ports.get(id)?))).collect(),
        back_to: processes.iter().filter_map(|id| Some((*id, earlier.remove(id)?))).collect(),
    });
    let author = Author::new(&by.subject, RevisionCause::TakenBack);
    let answers = api.handle.command_by(author, commands.collect()).await?;
    let mut going = BTreeMap::new();
    let mut denied = None;
    for (app, answer) in by_app.keys().zip(answers) {
        match answer {
            Ok(Accepted::Reloading { number }) => _ = going.insert(*app, number),
            Ok(Accepted::Created { .. } | Accepted::Done | Accepted::AlreadySo | Accepted::Noted) => {}
            // Of several apps those that are stopped are left out.
            Err(Denied::NothingUp { .. }) if by_app.len() > 1 => {}
            Err(why) => denied = denied.or(Some((*app, why))),
        }
    }
    let operation = (!going.is_empty())
        .then(|| begin::begin_reload(&api.operations, &by.subject, targets, going.clone()));
    let mut over = true;
    let mut now = api.handle.snapshot();
    if let Some(id) = operation {
        let deadline = Instant::now() + limit;
        let (handle, operations) = (api.handle.clone(), api.operations.clone());
        let mut undo = Undo::follow(handle, operations, by.subject.clone(), id, going.clone());
        match undo.end(limit).await {
            Some(end) => now = end,
            None => (now, over) = (api.handle.snapshot(), false),
        }
        let undone = match over {
            true => undo.undone(deadline.saturating_duration_since(Instant::now())).await,
            false => None,
        };
        for (app, number) in &going {
            let by = api.operations.cancelled_by(id);
            check(&now, *app, *number, targets, by.as_deref(), undone.as_ref())
                .map_err(|why| why.of(Some(id.0 as i64)))?;
        }
    }
    let operation = operation.map(|id| id.0 as i64);
    if let Some((app, why)) = denied {
        let going = api.operations.reload_of(app).filter(|_| matches!(why, Denied::Reloading { .. }));
        let mut refused = ApiError::from(why);
        if let Some(OperationId(going)) = going {
            refused.detail.push_str(&format!(
                "; it is operation {going}, and pmdaemon operations cancel {going} ends it where it is"
            ));
        }
        return Err(refused.of(operation));
    }
    Ok(Replaced { notice: notice(targets, &beside), operation, over, now })
}

/// By which definition each of these runs, where that is not the present one any more. A version that is
/// not kept cannot be taken back to.
async fn earlier(api: &Api, up: &[Arc<ProcessView>]) -> Result<BTreeMap<ProcessId, Arc<AppSpec>>, ApiError> {
    let mut by_app: BTreeMap<AppId, Vec<Arc<ProcessView>>> = BTreeMap::new();
    for view in up {
        let now = view.revision.as_ref().map(|revision| revision.number);
        if view.run_revision != now && view.state.pid().is_some() {
            by_app.entry(view.app).or_default().push(Arc::clone(view));
        }
    }
    let mut earlier = BTreeMap::new();
    for views in by_app.values() {
        let rows = revisions::kept(api, views).await?;
        for view in views {
            let row = rows.iter().find(|row| Some(row.revision.number) == view.run_revision);
            let other = row.filter(|row| row.spec != view.spec);
            earlier.extend(other.map(|row| (view.id, Arc::clone(&row.spec))));
        }
    }
    Ok(earlier)
}

/// The processes that can have two runs at once: they accept from a socket that both can have, or their
/// new run has another port, or no port is theirs and they listen on none. What is not
/// restarted may be about to end: two at work on the same are nobody's wish.
pub async fn side_by_side(targets: &[Arc<ProcessView>]) -> Result<BTreeSet<ProcessId>, ApiError> {
    let shares = |view: &&Arc<ProcessView>| fits_beside(&view.spec, view.instance, view.ports.held);
    let sharing: BTreeSet<ProcessId> = targets.iter().filter(shares).map(|view| view.id).collect();
    let portless = |view: &&Arc<ProcessView>| {
        view.spec.restart.auto && view.spec.port.is_none() && view.ports == Ports::default()
    };
    let portless: Vec<&Arc<ProcessView>> = targets.iter().filter(portless).collect();
    let main = |view: &&Arc<ProcessView>| {
        Some((view.state.pid()?, PortOwner::Ours { name: view.name(), id: view.id }))
    };
    let mains: Vec<(Pid, PortOwner)> = portless.iter().filter_map(main).collect();
    if mains.is_empty() {
        return Ok(sharing);
    }
    let sockets = tokio::task::spawn_blocking(move || listening::sockets(&mains)).await;
    let sockets = sockets.map_err(|e| ApiError::internal(&e))?;
    let listeners: BTreeSet<ProcessId> = sockets
        .iter()
        .filter_map(|socket| match &socket.owner {
            PortOwner::Ours { id, .. } => Some(*id),
            PortOwner::Foreign { .. } | PortOwner::Unknown => None,
        })
        .collect();
    let quiet = portless.iter().map(|view| view.id).filter(|id| !listeners.contains(id));
    Ok(quiet.chain(sharing).collect())
}

/// Says who paused, and why.
fn notice(targets: &[Arc<ProcessView>], beside: &BTreeSet<ProcessId>) -> String {
    let runs = |view: &&Arc<ProcessView>| matches!(view.state, Running { .. });
    let ends = |view: &&Arc<ProcessView>| !view.spec.restart.auto && view.spec.port.is_none();
    let paused = targets.iter().filter(runs).filter(|view| !beside.contains(&view.id) && !ends(view));
    let paused: Vec<String> = paused.map(|view| view.name()).collect();
    if paused.is_empty() {
        return String::new();
    }
    format!(
        "Paused while they were reloaded: {}. The old run of each ended before the new one began, since it binds its port \
         by itself; with --balance PORT, or --listen-mode shared, none would have to.",
        paused.join(", ")
    )
}

/// How that reload of `before` ended, if it has. `by`: who has cancelled it. `undone`: who was replaced by
/// it and has been taken back again; absent while that goes on.
fn check(
    now: &Snapshot,
    app: AppId,
    number: u64,
    before: &[Arc<ProcessView>],
    by: Option<&str>,
    undone: Option<&BTreeSet<ProcessId>>,
) -> Result<(), ApiError> {
    let interrupted = |whose: &str, overtaken: Option<Overtaken>| {
        let early = match (by, overtaken) {
            (Some(by), _) => format!("the reload of {whose} was cancelled by {by}"),
            (None, Some(what)) => {
                format!("the reload of {whose} has ended early: it was overtaken by {what}")
            }
            (None, None) => format!(
                "the reload of {whose} has ended early: somebody wanted something else of it meanwhile"
            ),
        };
        let of_app: Vec<&Arc<ProcessView>> = before.iter().filter(|view| view.app == app).collect();
        let runs_anew = |view: &&&Arc<ProcessView>| {
            now.processes.get(&view.id).is_some_and(|now| now.state.run() > view.state.run())
        };
        let (replaced, left): (Vec<_>, Vec<_>) = of_app.iter().partition(runs_anew);
        let named = |what: &str, some: &[&&Arc<ProcessView>]| match some {
            [] => String::new(),
            some => {
                format!("; {what}: {}", some.iter().map(|view| view.name()).collect::<Vec<_>>().join(", "))
            }
        };
        let (replaced, left) = (named("replaced", &replaced), named("not reloaded", &left));
        let detail = format!("{early}{replaced}{left}");
        Err(ApiError::new(StatusCode::CONFLICT, "reload_interrupted", detail))
    };
    let Some(reload) = now.reloads.get(&app).filter(|reload| reload.number == number) else {
        return interrupted("the app", None);
    };
    let name =
        |id: &ProcessId| now.processes.get(id).map_or_else(|| format!("process {id}"), |view| view.name());
    match &reload.progress {
        Progress::Rolling { .. } | Progress::Done => Ok(()),
        Progress::Interrupted { by: overtaken } => interrupted(
            &now.of_app(app).next().map_or("the app".to_owned(), |view| view.spec.name.to_string()),
            *overtaken,
        ),
        Progress::Failed { process, reason, replaced } => {
            let others = || reload.processes.iter().filter(|id| *id != process);
            let (before, rest): (Vec<ProcessId>, Vec<ProcessId>) =
                others().partition(|id| replaced.contains(id));
            let named = |what: &str, some: &[ProcessId]| match some {
                [] => String::new(),
                some => format!("; {what}: {}", some.iter().map(name).collect::<Vec<_>>().join(", ")),
            };
            let is_back = undo::is_taken_back(now, app, reload, *process);
            let goes_back = is_back && undone.is_none();
            let (undone, before): (Vec<ProcessId>, Vec<ProcessId>) =
                before.into_iter().partition(|id| undone.is_some_and(|undone| undone.contains(id)));
            let stays = match goes_back {
                true => "replaced before, and being taken back",
                false => "replaced before, and left so",
            };
            let before = named(stays, &before) + &named("replaced before, and taken back again", &undone);
            let rest = named("not reloaded", &rest);
            let back = if is_back { "; the definition of before is back" } else { "" };
            let detail =
                format!("the reload ended at {} (id {process}): {reason}{before}{rest}{back}", name(process));
            Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "reload_failed", detail).about(*process))
        }
    }
}
