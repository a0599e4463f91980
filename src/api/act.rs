//! What can be done to a process by itself, and waiting for their outcome.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use serde::Deserialize;

use super::{Api, ApiError, convert, notices};
use crate::daemon::preparing;
use crate::daemon::view::{ProcessView, Snapshot};
use crate::model::{PortPlan, ProcessId, Reason, Rest, RunId, State, Unmet};
use crate::supervisor::{Accepted, Command};
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
                Ok(_) => Err(refuse("wait is too long: 1h is the most".to_owned())),
                Err(e) => Err(refuse(format!("wait: {e}"))),
            },
        }
    }
}

fn command(action: Action, process: ProcessId) -> Command {
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
    action: Action,
    targets: &[Arc<ProcessView>],
    limit: Duration,
) -> Result<(StatusCode, wire::Outcome), ApiError> {
    if action == Action::Restart {
        can_be_started(targets).await?;
    }
    let commands = targets.iter().map(|target| command(action, target.id)).collect();
    give(api, action, commands, targets, limit).await
}

/// Restarts them on other ports, until the next plain restart. A range is spread over them.
///
/// # Errors
/// As [`act`]; 422 when there are fewer ports than processes.
pub async fn restart_on(
    api: &Api,
    plan: PortPlan,
    targets: &[Arc<ProcessView>],
    limit: Duration,
) -> Result<(StatusCode, wire::Outcome), ApiError> {
    let shared = targets.iter().all(|view| matches!(view.spec.port, Some(PortPlan::Shared(_))));
    // An app that shares its port shares another one, too.
    let plan = match plan {
        PortPlan::Single(port) if shared => PortPlan::Shared(port),
        PortPlan::Single(_) | PortPlan::Shared(_) | PortPlan::Range(..) | PortPlan::Auto(..) => plan,
    };
    let spread = plan.spread(targets.len() as u32).map_err(|e| ApiError::member("/port", e.to_string()))?;
    can_be_started(targets).await?;
    let places = targets.iter().zip(spread);
    let commands = places.map(|(target, port)| Command::Move { process: target.id, port }).collect();
    give(api, Action::Restart, commands, targets, limit).await
}

/// 422 if a file cannot be read that the next run needs: what runs is not stopped for that.
///
/// # Errors
/// The sentence of the first app that cannot be started.
async fn can_be_started(targets: &[Arc<ProcessView>]) -> Result<(), ApiError> {
    let mut seen = BTreeSet::new();
    for target in targets.iter().filter(|target| seen.insert(target.app)) {
        if let Err(why) = preparing::read(target.spec.env_sources.files.clone()).await {
            let detail = format!("{} cannot be started: {why}; it is left as it is", target.name());
            return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "cannot_execute", detail));
        }
    }
    Ok(())
}

/// Gives a command for each of the targets, then waits for what `action` leads to.
async fn give(
    api: &Api,
    action: Action,
    commands: Vec<Command>,
    targets: &[Arc<ProcessView>],
    limit: Duration,
) -> Result<(StatusCode, wire::Outcome), ApiError> {
    let earlier = api.handle.snapshot();
    let answers = api.handle.command(commands).await?;
    let notices = notices::of_action(action, targets, &earlier, &api.handle.snapshot());
    let mut changed = Vec::new();
    for (target, answer) in targets.iter().zip(answers) {
        if answer? == Accepted::Done {
            changed.push(target);
        }
    }
    let before: BTreeMap<ProcessId, Option<RunId>> = targets.iter().map(|t| (t.id, t.latest_run)).collect();
    let all_reached = |now: &Snapshot| {
        before.iter().all(|(id, before)| reached(action, now.processes.get(id).map(AsRef::as_ref), *before))
    };
    let changed_any = !changed.is_empty();
    let (now, reached) =
        if changed_any { api.handle.wait(limit, all_reached).await } else { (api.handle.snapshot(), true) };
    if matches!(action, Action::Start | Action::Restart) {
        cannot_spawn(targets.iter().filter_map(|target| now.processes.get(&target.id)))?;
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
    Ok((status, wire::Outcome { changed: changed_any, processes, notices }))
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
