//! Waiting until processes are ready (acceptance row B12): `?ready=true`.
//!
//! A process is ready by the sign of its policy, and once its health check has passed if it has one.
//! Another is ready when it says so, or has run for its min-uptime and, if it has a `PORT`, that port
//! accepts connections. A run that ends first, or is not ready within the wait, is a failure with a
//! reason and the last lines of the log. Nothing is stopped for that, unless its own limit says so.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use futures_util::future::try_join_all;
use serde::Deserialize;
use tokio::time::Instant;

use super::act::{Acted, act, restart_on};
use super::{Api, ApiError, convert, logs};
use crate::auth::Principal;
use crate::daemon::view::ProcessView;
use crate::daemon::{accepting, clock, event_text, preparing};
use crate::model::depends::waits_for;
use crate::model::{
    Goal, Health, Moment, PortPlan, ProcessId, Readiness, ReadyBy, Rest, RunId, State, Status, Unmet, Vitals,
    in_words,
};
use crate::probe;
use crate::wire::Action;

/// So many lines of the log are shown of a process that is not ready.
const LINES: usize = 10;
/// From one try to connect to the next.
const KNOCK: Duration = Duration::from_millis(100);
/// A run whose own limit ends so soon after the wait is waited for: then it is known what becomes of
/// it.
const ALMOST: Duration = Duration::from_millis(800);

/// How long is waited when nobody says how long.
const USUAL: Duration = Duration::from_secs(60);

/// `?ready=true`: answer when everything is ready.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Ready {
    /// True: answer when all of it is ready, by what `ready` of the app says, by its health check, or
    /// by having run for its min-uptime with its port accepting connections. Otherwise the answer is
    /// a problem `not_ready`. `wait` is the limit, 60s if it is absent.
    #[param(nullable = false)]
    ready: Option<bool>,
}

impl Ready {
    /// How long to wait for that; absent: not at all.
    pub fn limit(&self, wait: Duration) -> Option<Duration> {
        let limit = if wait.is_zero() { USUAL } else { wait };
        self.ready.unwrap_or(false).then_some(limit)
    }
}

/// Starts or restarts all of them, and waits until they are ready. With a `plan` it is a restart on
/// those ports.
///
/// # Errors
/// The first denial, or as [`all`].
pub async fn act_until_ready(
    api: &Api,
    by: &Principal,
    action: Action,
    plan: Option<PortPlan>,
    targets: &[Arc<ProcessView>],
    limit: Duration,
) -> Result<Acted, ApiError> {
    let begin = Instant::now();
    let mut acted = match plan {
        Some(plan) => restart_on(api, by, plan, targets, Duration::ZERO).await?,
        None => act(api, by, action, targets, Duration::ZERO).await?,
    };
    let awaited: Vec<Awaited> = targets.iter().map(|view| (view.id, present_life(action, view))).collect();
    all(api, &awaited, begin, limit).await?;
    let (now, measured) = (api.handle.snapshot(), api.handle.measured().await);
    for (process, target) in acted.outcome.processes.iter_mut().zip(targets) {
        if let Some(view) = now.processes.get(&target.id) {
            *process = convert::process(view, measured.as_deref());
        }
    }
    Ok(Acted { status: StatusCode::OK, ..acted })
}

/// The life that is not the one to wait for: a start leaves alone what runs.
fn present_life(action: Action, view: &ProcessView) -> Option<RunId> {
    match view.state {
        State::Starting { .. } | State::Running { .. } if action == Action::Start => None,
        State::Starting { .. }
        | State::Running { .. }
        | State::Stopping { .. }
        | State::Waiting { .. }
        | State::Backoff { .. }
        | State::Idle(_) => view.latest_run,
    }
}

/// A process that is waited for, and the newest life that is not the one to wait for.
pub type Awaited = (ProcessId, Option<RunId>);

/// Waits until all of them are ready. `begin`: since when who asked has been waiting.
///
/// # Errors
/// 422 `not_ready` when one has ended, 504 `not_ready` when one is not ready within `limit`.
pub async fn all(api: &Api, awaited: &[Awaited], begin: Instant, limit: Duration) -> Result<(), ApiError> {
    let deadline = begin + limit;
    let one = |&(id, before): &Awaited| async move {
        match tokio::time::timeout_at(deadline, one(api, id, before)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => Err((id, StatusCode::UNPROCESSABLE_ENTITY, why)),
            Err(_) => {
                if let Some(settled) = settles_soon(api, id, before).await {
                    return settled.map_err(|why| (id, StatusCode::UNPROCESSABLE_ENTITY, why));
                }
                let why = late(api.handle.snapshot().processes.get(&id), limit);
                Err((id, StatusCode::GATEWAY_TIMEOUT, why))
            }
        }
    };
    match try_join_all(awaited.iter().map(one)).await {
        Ok(_) => Ok(()),
        Err((id, status, why)) => Err(not_ready(api, id, status, why).await),
    }
}

/// What a look at a process says.
enum Look {
    Ready,
    /// Something must happen first.
    Wait,
    /// Time must pass first.
    WaitUntil(Moment),
    /// It has run long enough; its port must accept.
    Knock(Arc<ProcessView>),
    Failed(String),
}

/// What became of a run whose own limit is almost over.
async fn settles_soon(api: &Api, id: ProcessId, before: Option<RunId>) -> Option<Result<(), String>> {
    let until = match api.handle.snapshot().processes.get(&id)?.state {
        State::Running { readiness: Readiness::Awaited { until, .. }, .. } => until,
        State::Running { readiness: Readiness::Unasked | Readiness::Reached { .. }, .. }
        | State::Starting { .. }
        | State::Stopping { .. }
        | State::Backoff { .. }
        | State::Waiting { .. }
        | State::Idle(_) => return None,
    };
    let left = Some(until.since(clock::now())).filter(|left| *left <= ALMOST)?;
    tokio::time::timeout(left + KNOCK, one(api, id, before)).await.ok()
}

/// What is remembered of the looks before.
#[derive(Default)]
struct Seen {
    /// The life that is waited for, as soon as it is known: its end is a failure, also when another
    /// one follows.
    awaited: Option<RunId>,
    /// What a health check complained of last.
    complaint: Option<String>,
    /// When the life that is waited for is a failed start, and why.
    promise: Option<(Moment, String)>,
}

impl Seen {
    fn note(&mut self, view: &ProcessView) {
        self.complaint = complaint_of(view).or(self.complaint.take());
        match view.state {
            State::Running { readiness: Readiness::Awaited { limit, until }, .. } => {
                let missing = missing(view);
                self.promise =
                    Some((until, format!("it was not ready within {}: {missing}", in_words(limit))));
            }
            State::Running { readiness: Readiness::Unasked | Readiness::Reached { .. }, .. } => {
                self.promise = None;
            }
            State::Starting { .. }
            | State::Stopping { .. }
            | State::Backoff { .. }
            | State::Waiting { .. }
            | State::Idle(_) => {}
        }
    }

    /// Its time was over before it ended.
    fn was_late(&self) -> Option<String> {
        self.promise.as_ref().filter(|(until, _)| *until <= clock::now()).map(|(_, why)| why.clone())
    }
}

/// Waits for one. The error is why it will not be ready.
async fn one(api: &Api, id: ProcessId, before: Option<RunId>) -> Result<(), String> {
    let mut watch = api.handle.watch();
    let mut seen = Seen::default();
    loop {
        let view = watch.borrow_and_update().processes.get(&id).cloned();
        match look(view, before, &mut seen) {
            Look::Ready => return Ok(()),
            Look::Failed(why) => return Err(why),
            Look::Wait => watch.changed().await.map_err(|_| "the daemon is ending".to_owned())?,
            Look::WaitUntil(at) => {
                // Either is followed by another look.
                let _ = tokio::time::timeout(at.since(clock::now()), watch.changed()).await;
            }
            Look::Knock(view) => match accepts(&view).await {
                true => return Ok(()),
                false => _ = tokio::time::timeout(KNOCK, watch.changed()).await,
            },
        }
    }
}

fn look(view: Option<Arc<ProcessView>>, before: Option<RunId>, seen: &mut Seen) -> Look {
    let Some(view) = view else { return Look::Failed("it was deleted".to_owned()) };
    if view.latest_run <= before {
        return match &view.state {
            State::Idle(rest) => Look::Failed(at_rest(rest)),
            State::Waiting { unmet } if unmet.iter().any(Unmet::is_hopeless) => {
                Look::Failed(format!("it {}", waits_for(unmet)))
            }
            State::Running { .. }
            | State::Starting { .. }
            | State::Stopping { .. }
            | State::Waiting { .. }
            | State::Backoff { .. } => Look::Wait,
        };
    }
    if seen.awaited.is_some() && seen.awaited != view.latest_run {
        return Look::Failed(seen.was_late().unwrap_or_else(|| ended(&view)));
    }
    seen.awaited = view.latest_run;
    seen.note(&view);
    match &view.state {
        State::Waiting { .. } | State::Starting { .. } => Look::Wait,
        State::Running { vitals: Some(Vitals { health: Health::Unhealthy { reason }, .. }), .. } => {
            Look::Failed(format!("it is unhealthy: {reason}"))
        }
        State::Running { .. } if view.state.status() == Status::Starting => Look::Wait,
        State::Running { vitals: Some(_), .. }
        | State::Running { readiness: Readiness::Awaited { .. } | Readiness::Reached { .. }, .. } => {
            Look::Ready
        }
        State::Running { since, vitals: None, readiness: Readiness::Unasked, .. } => {
            let stable = *since + view.spec.restart.min_uptime;
            if clock::now() < stable { Look::WaitUntil(stable) } else { Look::Knock(view) }
        }
        State::Stopping { pid: Some(_), .. } => Look::Failed(match (seen.was_late(), &seen.complaint) {
            (Some(late), _) => late,
            (None, Some(reason)) if view.goal == Goal::Up => {
                format!("it is unhealthy and is restarted: {reason}")
            }
            (None, Some(_) | None) => "it is being ended".to_owned(),
        }),
        State::Stopping { pid: None, .. } | State::Backoff { .. } => {
            Look::Failed(seen.was_late().unwrap_or_else(|| ended(&view)))
        }
        State::Idle(rest) => Look::Failed(seen.was_late().unwrap_or_else(|| at_rest(rest))),
    }
}

/// What it has not done that it is to become ready by.
fn missing(view: &ProcessView) -> String {
    view.awaits.as_ref().map_or(ReadyBy::Auto.missing(), |policy| policy.by.missing())
}

/// What a health check of it complains of.
fn complaint_of(view: &ProcessView) -> Option<String> {
    super::convert_health::health(&view.state)?.1
}

fn ended(view: &ProcessView) -> String {
    match view.last_end {
        Some(end) => format!("it ended with {end}"),
        None => "it ended".to_owned(),
    }
}

fn at_rest(rest: &Rest) -> String {
    match rest {
        Rest::Stopped => "it is stopped".to_owned(),
        Rest::Finished(end) => format!("it ended with {end}"),
        Rest::Errored(reason) => format!("it is errored: {reason}"),
    }
}

/// Whether its port accepts connections; without a port there is nothing to ask.
async fn accepts(view: &ProcessView) -> bool {
    let held = view.ports.held.map(crate::model::Port::number);
    // Whoever connects to a shared socket is let in by whoever has it open.
    if let (Some(PortPlan::Shared(_)), Some(pid), Some(port)) = (view.spec.port, view.state.pid(), held) {
        return tokio::task::spawn_blocking(move || accepting::accepts(pid, port)).await.unwrap_or(false);
    }
    match preparing::own_port(&view.spec, held).await {
        Some(port) => probe::tcp::connect(&format!("localhost:{port}")).await.is_ok(),
        None => true,
    }
}

/// Why it is not ready although it was given time.
fn late(view: Option<&Arc<ProcessView>>, limit: Duration) -> String {
    let limit = event_text::span(limit);
    let missing = view.map(|view| missing(view));
    let because = match view.map(|view| (&view.state, complaint_of(view))) {
        Some((State::Waiting { unmet }, _)) => format!(" (it {})", waits_for(unmet)),
        Some((State::Running { .. }, Some(reason))) => format!(" (its health check says: {reason})"),
        Some((State::Running { readiness: Readiness::Awaited { .. }, .. }, None)) => {
            format!(" ({})", missing.unwrap_or_default())
        }
        Some((State::Running { vitals: Some(_), .. }, None)) => {
            " (its first health check has not ended)".to_owned()
        }
        Some((State::Running { vitals: None, .. }, None)) => {
            " (it has not run for its min-uptime, or its port does not accept connections)".to_owned()
        }
        Some((
            State::Idle(_) | State::Backoff { .. } | State::Starting { .. } | State::Stopping { .. },
            _,
        ))
        | None => String::new(),
    };
    format!("{limit} have passed{because}; it is left running and may become ready later")
}

async fn not_ready(api: &Api, id: ProcessId, status: StatusCode, why: String) -> ApiError {
    let Some(view) = api.handle.snapshot().processes.get(&id).cloned() else {
        return ApiError::new(status, "not_ready", format!("process {id} is not ready: {why}"));
    };
    let mut detail = format!("{} (id {id}) is not ready: {why}", view.name());
    // A log that cannot be read must not hide the reason.
    let lines = logs::last_lines(&api.handle, &[view], LINES, None).await.unwrap_or_default();
    if lines.is_empty() {
        detail.push_str("; it has printed nothing");
    } else {
        detail.push_str(". Its last lines:");
        lines.iter().for_each(|line| detail.push_str(&format!("\n  {}", probe::plain(&line.text))));
    }
    ApiError::new(status, "not_ready", detail)
}
