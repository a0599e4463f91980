//! What follows a definition that is made of an earlier one, where nobody has said it: as a plan goes
//! the same way, and for each process from the definition that it runs by. Who runs by that one
//! already is left alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json as JsonAnswer;
use axum::response::{IntoResponse, Response};

use super::update::{self, Follows};
use super::{definition, reload, revisions};
use crate::api::access::{AppWrite, Auth};
use crate::api::plans::differ;
use crate::api::{Api, ApiError, act, convert, notices};
use crate::daemon::revisions::Author;
use crate::daemon::view::ProcessView;
use crate::model::{AppSpec, Goal, ProcessId, Rest, State};
use crate::supervisor::Then;
use crate::wire::{self, PlanAction};

/// Gives the app of `before` that definition, with what follows, and answers with the app.
///
/// # Errors
/// Why it is as it was; or why a reload to it has failed.
pub(super) async fn bring(
    api: &Api,
    auth: &Auth<AppWrite>,
    author: Author,
    before: &[Arc<ProcessView>],
    spec: AppSpec,
    then: Option<wire::Then>,
    limit: Duration,
) -> Result<Response, ApiError> {
    definition::may_be(api, &auth.principal, &spec)?;
    let spec = Arc::new(spec);
    let needed = match then {
        Some(then) => Needed::All(convert::then(then)),
        None => needed(api, before, &spec).await?,
    };
    // What the earlier one needs may be gone by now.
    match needed {
        Needed::All(Then::Keep) => definition::has_its_secrets(api, &spec)?,
        Needed::All(Then::Start | Then::Restart) | Needed::Restart(_) | Needed::Reload(_) => {
            act::can_be_started(api, vec![Arc::clone(&spec)]).await?;
        }
    }
    let follows = match needed {
        Needed::All(then) => Follows::of(then),
        Needed::Restart(some) => Follows::restart(some.into_iter().collect()),
        Needed::Reload(some) => return reloaded(api, auth, author, before, spec, &some, limit).await,
    };
    update::change(api, auth, author, before, spec, follows, limit).await
}

/// What it takes.
enum Needed {
    /// The same of all.
    All(Then),
    /// These restart.
    Restart(Vec<ProcessId>),
    /// These are replaced one after the other.
    Reload(Vec<ProcessId>),
}

async fn needed(api: &Api, before: &[Arc<ProcessView>], spec: &AppSpec) -> Result<Needed, ApiError> {
    let rows = revisions::kept(api, before).await?;
    let by_number: BTreeMap<u64, &Arc<AppSpec>> =
        rows.iter().map(|row| (row.revision.number, &row.spec)).collect();
    let up = || before.iter().filter(|view| view.goal == Goal::Up && !rests(view));
    let runs_by = |view: &ProcessView| view.run_revision.and_then(|number| by_number.get(&number).copied());
    let ways: Vec<(ProcessId, PlanAction)> =
        up().map(|view| (view.id, way(view, runs_by(view), spec))).collect();
    let others = ways.iter().filter(|(_, way)| *way != PlanAction::None);
    let others: Vec<ProcessId> = others.map(|(id, _)| *id).collect();
    Ok(match others.len() {
        0 => Needed::All(Then::Keep),
        _ if ways.iter().all(|(_, way)| matches!(way, PlanAction::None | PlanAction::Reload)) => {
            Needed::Reload(others)
        }
        all if all == before.len() => Needed::All(Then::Restart),
        _ => Needed::Restart(others),
    })
}

/// It is wanted up and runs at its times only.
fn rests(view: &ProcessView) -> bool {
    view.spec.rests_between_slots() && matches!(view.state, State::Idle(Rest::Stopped | Rest::Finished(_)))
}

/// How that one, which is wanted up, comes to run by `spec`: not at all, by a reload or by a restart.
fn way(view: &ProcessView, runs_by: Option<&Arc<AppSpec>>, spec: &AppSpec) -> PlanAction {
    let old = runs_by.unwrap_or(&view.spec);
    let new = AppSpec { instances: old.instances, ..differ::comparable(old, spec, true) };
    let way = if **old == new { PlanAction::Live } else { differ::way(old, &new) };
    match way {
        // What does not run goes by it when it is begun anew.
        PlanAction::Live if view.state.pid().is_none() => PlanAction::Restart,
        PlanAction::Live => PlanAction::None,
        PlanAction::Create
        | PlanAction::None
        | PlanAction::Start
        | PlanAction::Reload
        | PlanAction::Restart
        | PlanAction::Remove => way,
    }
}

/// The definition first; a reload that fails takes it back.
async fn reloaded(
    api: &Api,
    auth: &Auth<AppWrite>,
    author: Author,
    before: &[Arc<ProcessView>],
    spec: Arc<AppSpec>,
    some: &[ProcessId],
    limit: Duration,
) -> Result<Response, ApiError> {
    let earlier = auth.snapshot(api);
    let views =
        update::update_app(api, author, before, spec.clone(), &Follows::of(Then::Keep), limit).await?;
    let targets: Vec<Arc<ProcessView>> = views.into_iter().filter(|view| some.contains(&view.id)).collect();
    let replaced = reload::replace(api, &auth.principal, &targets, None, None, limit).await?;
    let now = auth.snapshot(api);
    let app = before.first().map(|view| view.app);
    let views: Vec<Arc<ProcessView>> = app.into_iter().flat_map(|app| now.of_app(app)).cloned().collect();
    let (tag, mut app) = definition::shown(api, &views).await?;
    app.notices = notices::of_definition(&spec, &earlier, &now);
    if let Some(operation) = replaced.operation.filter(|_| !replaced.over) {
        app.notices.push(format!(
            "The reload goes on as operation {operation}; until its end some run by the definition of before."
        ));
    }
    Ok((tag, JsonAnswer(app)).into_response())
}
