//! What can be done to a process by itself, and waiting for their outcome.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::operations::begin;
use super::{Api, ApiError, convert, notices};
use crate::auth::Principal;
use crate::daemon::revisions::{Author, Expected};
use crate::daemon::view::{ProcessView, Snapshot};
use crate::daemon::{exposed, gone, preparing};
use crate::model::{AppId, AppSpec, PortPlan, ProcessId, Reason, Rest, RunId, State, Step, Task, Unmet};
use crate::supervisor::{Accepted, Command, Denied};
use crate::wire::{self, Action};

/// The longest wait for an outcome.
const MAX_WAIT: Duration = Duration::from_secs(3600);

/// `?wait=30s`: answer when the outcome is there, at most after that time.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wait {
    /// How long to wait for the outcome, for example `30s`. Without it the answer comes at once.
    #[param(nullable = false, example = "30s")]
    wait: Option<String>,
}

impl Wait {
    /// So long.
    pub fn of(limit: Duration) -> Wait {
        Wait { wait: Some(format!("{}ms", limit.as_millis())) }
    }

    /// The span; zero when none was given.
    ///
    /// # Errors
    /// 400 when it is no span, or too long.
    pub fn limit(&self) -> Result<Duration, ApiError> {
        let refuse = |detail| ApiError::new(StatusCode::BAD_REQUEST, "invalid_query", detail);
        match &self.wait {
            None => Ok(Duration::ZERO),
            Some(text) => match wire::span::parse(text, None) {
                Ok(span) if span <= MAX_WAIT => Ok(span),
                Ok(_) => Err(ApiError::new(
                    StatusCode::BAD_REQUEST,
                    "wait_too_long",
                    "wait is too long: 1h is the most",
                )),
                Err(e) => Err(refuse(format!("wait: {e}"))),
            },
        }
    }
}

/// What became of an action: an answer that says where its operation is.
pub struct Acted {
    /// 200 when the outcome is there, 202 before.
    pub status: StatusCode,
    /// The body.
    pub outcome: wire::Outcome,
}

impl IntoResponse for Acted {
    fn into_response(self) -> Response {
        let place = self.outcome.operation.map(place);
        (self.status, place, axum::Json(self.outcome)).into_response()
    }
}

/// The header that says where an operation is.
pub fn place(operation: i64) -> [(header::HeaderName, String); 1] {
    [(header::LOCATION, format!("/api/v1/operations/{operation}"))]
}

/// The task that an action is.
pub fn task(action: Action) -> Task {
    match action {
        Action::Start => Task::Start,
        Action::Stop => Task::Stop,
        Action::Restart => Task::Restart,
        Action::Delete => Task::Delete,
        Action::Reset => Task::Reset,
    }
}

/// The command that an action is for one process.
pub fn command(action: Action, process: ProcessId) -> Command {
    match action {
        Action::Start => Command::Start { process },
        Action::Stop => Command::Stop { process },
        Action::Restart => Command::Restart { process },
        Action::Delete => Command::Delete { process },
        Action::Reset => Command::Reset { process },
    }
}

/// Nothing is on its way to another state: it runs, rests, or waits for what will not come by itself.
pub fn is_settled(state: &State) -> bool {
    match state {
        State::Idle(_) | State::Running { .. } | State::Backoff { .. } => true,
        State::Waiting { unmet } => unmet.iter().any(Unmet::is_hopeless),
        State::Starting { .. } | State::Stopping { .. } => false,
    }
}

/// Is the outcome of that action there? `before` is the newest life at the time of the command.
fn reached(action: Action, now: Option<&ProcessView>, before: Option<RunId>) -> bool {
    let Some(now) = now else { return true };
    let settled = is_settled(&now.state);
    match action {
        Action::Start => settled,
        // Without a port it has no new life, and will not get one by itself.
        Action::Restart => {
            let parked =
                matches!(now.state, State::Idle(Rest::Errored(Reason::NoPort(_))) | State::Waiting { .. });
            settled && (parked || now.latest_run > before)
        }
        Action::Stop => matches!(now.state, State::Idle(_)),
        Action::Delete => false,
        Action::Reset => true,
    }
}

/// Does it to every one of them, then waits for all, at most for `limit`.
///
/// # Errors
/// The first denial; or 422 when something that was to run cannot be executed.
pub async fn act(
    api: &Api,
    by: &Principal,
    action: Action,
    targets: &[Arc<ProcessView>],
    limit: Duration,
) -> Result<Acted, ApiError> {
    act_if(api, by, action, targets, None, limit).await
}

/// As [`act`], if the definition is of that version still.
///
/// # Errors
/// 412 when it is not, and nothing was done.
pub async fn act_if(
    api: &Api,
    by: &Principal,
    action: Action,
    targets: &[Arc<ProcessView>],
    expected: Option<Expected>,
    limit: Duration,
) -> Result<Acted, ApiError> {
    can_be_done(api, action, targets).await?;
    let commands = targets.iter().map(|target| command(action, target.id)).collect();
    give(api, by, action, commands, targets, expected, limit).await
}

/// Restarts them on other ports, until the next plain restart. A range is spread over them.
///
/// # Errors
/// As [`act`]; 422 when there are fewer ports than processes.
pub async fn restart_on(
    api: &Api,
    by: &Principal,
    plan: PortPlan,
    targets: &[Arc<ProcessView>],
    limit: Duration,
) -> Result<Acted, ApiError> {
    let spread = spread(plan, targets)?;
    can_be_run_anew(api, specs(targets)).await?;
    let places = targets.iter().zip(spread);
    let commands = places.map(|(target, port)| Command::Move { process: target.id, port }).collect();
    give(api, by, Action::Restart, commands, targets, None, limit).await
}

/// Where each of these is to be.
///
/// # Errors
/// 422 when there are not enough ports.
pub fn spread(plan: PortPlan, targets: &[Arc<ProcessView>]) -> Result<Vec<PortPlan>, ApiError> {
    let shared = targets.iter().all(|view| matches!(view.spec.port, Some(PortPlan::Shared(_))));
    // An app that shares its port shares another one, too.
    let plan = match plan {
        PortPlan::Single(port) if shared => PortPlan::Shared(port),
        PortPlan::Single(_) | PortPlan::Shared(_) | PortPlan::Range(..) | PortPlan::Auto(..) => plan,
    };
    plan.spread(targets.len() as u32).map_err(|e| ApiError::member("/port", e.to_string()))
}

/// Whether an action would run only what can be run, as far as that is seen before anything happens.
///
/// # Errors
/// The sentence of the first app that cannot be started.
pub async fn can_be_done(api: &Api, action: Action, targets: &[Arc<ProcessView>]) -> Result<(), ApiError> {
    match action {
        Action::Restart => can_be_run_anew(api, specs(targets)).await,
        // Nothing is stopped for a start, which tells by itself what it lacks.
        Action::Start => {
            are_nobody_elses(specs(targets.iter().filter(|view| view.state.pid().is_none()))).await
        }
        Action::Stop | Action::Delete | Action::Reset => Ok(()),
    }
}

/// The definitions of these processes, each once.
pub fn specs<'a>(targets: impl IntoIterator<Item = &'a Arc<ProcessView>>) -> Vec<Arc<AppSpec>> {
    let by_app: BTreeMap<AppId, _> =
        targets.into_iter().map(|view| (view.app, Arc::clone(&view.spec))).collect();
    by_app.into_values().collect()
}

/// As [`can_be_started`], and 422 if a program or its script is gone: what runs is not ended for a run
/// that cannot be.
///
/// # Errors
/// The sentence of the first app that cannot be started.
async fn can_be_run_anew(api: &Api, specs: Vec<Arc<AppSpec>>) -> Result<(), ApiError> {
    let look = {
        let specs = specs.clone();
        move || specs.iter().try_for_each(|spec| gone::check(spec).map_err(|why| left(spec, &why)))
    };
    tokio::task::spawn_blocking(look).await.map_err(|e| ApiError::internal(&e))??;
    can_be_started(api, specs).await
}

/// 422 if a file cannot be read or a secret is not there that the next run needs, or others could change
/// what root would run: what runs is not stopped for that.
///
/// # Errors
/// The sentence of the first app that cannot be started.
pub async fn can_be_started(api: &Api, specs: Vec<Arc<AppSpec>>) -> Result<(), ApiError> {
    for spec in &specs {
        let ready = preparing::read(spec.env_sources.files.clone()).await.map(drop);
        ready.and_then(|()| api.handle.secrets().check(spec)).map_err(|why| left(spec, &why))?;
    }
    are_nobody_elses(specs).await
}

/// 422 if others could change what root would run.
///
/// # Errors
/// The sentence of the first app with which that is so.
async fn are_nobody_elses(specs: Vec<Arc<AppSpec>>) -> Result<(), ApiError> {
    let look = |spec: &Arc<AppSpec>| {
        let run_as = spec.resources.run_as.as_ref();
        exposed::check(&spec.cwd, &spec.script, &spec.hooks, &spec.env_sources.files, run_as)
            .map_err(|exposed| left(spec, &exposed.detail))
    };
    let looking = tokio::task::spawn_blocking(move || specs.iter().try_for_each(look));
    looking.await.map_err(|e| ApiError::internal(&e))?
}

fn left(spec: &AppSpec, why: &str) -> ApiError {
    let detail = format!("{} cannot be started: {why}; it is left as it is", spec.name);
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "cannot_execute", detail)
}

/// Gives a command for each of the targets, then waits for what `action` leads to.
async fn give(
    api: &Api,
    by: &Principal,
    action: Action,
    commands: Vec<Command>,
    targets: &[Arc<ProcessView>],
    expected: Option<Expected>,
    limit: Duration,
) -> Result<Acted, ApiError> {
    let earlier = api.handle.snapshot();
    let author = Author { expected, ..Author::ourselves() };
    let answers = api.handle.command_by(author, commands).await?;
    let notices = notices::of_action(action, targets, &earlier, &api.handle.snapshot());
    let operation = followed(api, by, action, targets, &answers);
    let accepted: Result<Vec<Accepted>, _> = answers.into_iter().collect();
    accepted.map_err(|denied| ApiError::from(denied).of(operation))?;
    let before: BTreeMap<ProcessId, Option<RunId>> = targets.iter().map(|t| (t.id, t.latest_run)).collect();
    let all_reached = |now: &Snapshot| {
        before.iter().all(|(id, before)| {
            // A run that was replaced may end after the present one.
            let ends = matches!(action, Action::Stop | Action::Delete) && now.leaving.contains_key(id);
            !ends && reached(action, now.processes.get(id).map(AsRef::as_ref), *before)
        })
    };
    let changed = operation.is_some();
    // What is under way already is waited for by who wants to wait.
    let (now, reached) = match changed || !limit.is_zero() {
        true => api.handle.wait(limit, all_reached).await,
        false => (api.handle.snapshot(), true),
    };
    if matches!(action, Action::Start | Action::Restart) {
        cannot_spawn(targets.iter().filter_map(|target| now.processes.get(&target.id)))
            .map_err(|cannot| cannot.of(operation))?;
    }
    let measured = match action {
        Action::Start | Action::Restart | Action::Reset => api.handle.measured().await,
        // What is down uses nothing.
        Action::Stop | Action::Delete => None,
    };
    let show = |target: &Arc<ProcessView>| {
        convert::process(now.processes.get(&target.id).unwrap_or(target), measured.as_deref())
    };
    let status = if reached { StatusCode::OK } else { StatusCode::ACCEPTED };
    let processes = targets.iter().map(show).collect();
    let outcome = wire::Outcome { changed, processes, notices, operation, would: Vec::new() };
    Ok(Acted { status, outcome })
}

/// The operation for what was just commanded. `None`: nothing is done.
fn followed(
    api: &Api,
    by: &Principal,
    action: Action,
    targets: &[Arc<ProcessView>],
    answers: &[Result<Accepted, Denied>],
) -> Option<i64> {
    let task = task(action);
    let step = |answer: &Result<Accepted, Denied>| match answer {
        Ok(Accepted::Done) => begin::first_step(task),
        Ok(_) => Step::Done,
        Err(denied) => Step::Failed(denied.to_string()),
    };
    let is_done = |answer: &Result<Accepted, Denied>| matches!(answer, Ok(Accepted::Done));
    let of_all = targets.iter().zip(answers).map(|(view, answer)| begin::target(view, task, step(answer)));
    answers.iter().any(is_done).then(|| begin::begin(api, by, task, of_all.collect()).0 as i64)
}

/// 422 if the program of one of them cannot be executed, 409 if it lost its port.
///
/// # Errors
/// The sentence of the first that cannot.
pub fn cannot_spawn<'a>(views: impl Iterator<Item = &'a Arc<ProcessView>>) -> Result<(), ApiError> {
    for view in views {
        if let State::Idle(Rest::Errored(Reason::CannotSpawn(detail))) = &view.state {
            return Err(ApiError::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "cannot_execute",
                format!("{} cannot be started: {detail}", view.name()),
            ));
        }
        if let State::Idle(Rest::Errored(Reason::NoPort(detail))) = &view.state {
            let sentence = format!("{} cannot be started: {detail}", view.name());
            return Err(ApiError::new(StatusCode::CONFLICT, "port_taken", sentence));
        }
    }
    Ok(())
}
