//! `POST /api/v1/operations` with `reload`: each app by itself, as by its own route, all in one operation.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;

use super::rehearse;
use crate::api::act::{self, Acted};
use crate::api::apps::reload::{LONGEST_SOAK, Replaced, replace};
use crate::api::{Api, ApiError, convert};
use crate::auth::Principal;
use crate::daemon::view::ProcessView;
use crate::model::{AppId, Goal, ProcessId, State};
use crate::supervisor::Command;
use crate::wire;

/// Reloads the apps of these processes and waits for the end of that, at most for `limit`. `soak`: how
/// long each new run has to stay well, if not as its app says. What is stopped stays so.
///
/// # Errors
/// The first denial; or why a new run did not come up, with the operation that tells of all.
pub async fn reload(
    api: &Api,
    by: &Principal,
    targets: &[Arc<ProcessView>],
    soak: Option<Duration>,
    limit: Duration,
) -> Result<Acted, ApiError> {
    let Replaced { notice, operation, over, now } =
        replace(api, by, &those_up(targets), soak, None, limit).await?;
    let measured = api.handle.measured().await;
    let show = |target: &Arc<ProcessView>| {
        convert::process(now.processes.get(&target.id).unwrap_or(target), measured.as_deref())
    };
    let outcome = wire::Outcome {
        changed: operation.is_some(),
        processes: targets.iter().map(show).collect(),
        notices: Some(notice).filter(|notice| !notice.is_empty()).into_iter().collect(),
        operation,
        ..wire::Outcome::default()
    };
    Ok(Acted { status: if over { StatusCode::OK } else { StatusCode::ACCEPTED }, outcome })
}

/// How long each new run has to stay well, if not as its app says.
///
/// # Errors
/// 422 when it is too long, or nothing is to be reloaded.
pub fn soak(action: wire::BulkAction, ms: Option<i64>) -> Result<Option<Duration>, ApiError> {
    let Some(ms) = ms else { return Ok(None) };
    if action != wire::BulkAction::Reload {
        let detail = format!("soak_ms is for a reload: leave it out to {} something", action.as_str());
        return Err(ApiError::member("/soak_ms", detail));
    }
    let longest = LONGEST_SOAK.as_millis() as i64;
    let ms = convert::number("/soak_ms", Some(ms), 0, 0, longest)?;
    Ok(Some(Duration::from_millis(ms as u64)))
}

/// Says which of these would be reloaded. Nothing is done.
///
/// # Errors
/// What would be refused is refused.
pub async fn rehearsed(api: &Api, targets: &[Arc<ProcessView>]) -> Result<wire::Outcome, ApiError> {
    let up = those_up(targets);
    act::can_be_started(api, act::specs(&up)).await?;
    let mut by_app: BTreeMap<AppId, Vec<ProcessId>> = BTreeMap::new();
    for view in &up {
        by_app.entry(view.app).or_default().push(view.id);
    }
    let commands = by_app.into_values().map(|processes| Command::Reload {
        beside: processes.iter().copied().collect(),
        processes,
        soak: None,
        ports: BTreeMap::new(),
        back_to: BTreeMap::new(),
    });
    for answer in api.handle.rehearse(commands.collect()).await?.answers {
        answer?;
    }
    let would = |view: &Arc<ProcessView>| {
        let is_up = up.iter().any(|one| one.id == view.id);
        rehearse::told(view, if is_up { wire::BulkAction::Reload.as_str() } else { "nothing" })
    };
    Ok(wire::Outcome { would: targets.iter().map(would).collect(), ..wire::Outcome::default() })
}

/// Those that a reload is about.
fn those_up(targets: &[Arc<ProcessView>]) -> Vec<Arc<ProcessView>> {
    let rests = |view: &ProcessView| view.spec.rests_between_slots() && matches!(view.state, State::Idle(_));
    targets.iter().filter(|view| view.goal == Goal::Up && !rests(view)).cloned().collect()
}
