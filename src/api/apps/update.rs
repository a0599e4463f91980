//! `PUT /api/v1/apps/{ref}`

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::create::SPAWN_LIMIT;
use super::definition;
use crate::api::access::{AppWrite, Auth};
use crate::api::act::{self, Wait};
use crate::api::conditional::Conditions;
use crate::api::extract::{Json, Path, Query};
use crate::api::resolve::resolve_app;
use crate::api::{Api, ApiError, Shared, convert, notices};
use crate::daemon::revisions::{Author, Expected};
use crate::daemon::view::ProcessView;
use crate::model::{AppSpec, Goal, ProcessId, RevisionCause, State as Doing};
use crate::supervisor::{Command, Then};
use crate::wire;

/// What follows, and how long to wait for it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// `keep` (default): the next run is the first by the new definition. `start`: what is down
    /// starts; refused if anything of the app is up. `restart`: all restart.
    #[param(nullable = false, inline)]
    then: Option<wire::Then>,
}

impl Which {
    /// That follows.
    pub fn of(then: wire::Then) -> Which {
        Which { then: Some(then) }
    }
}

/// Change the definition of an app
///
/// The whole definition, as for a new app; what is left out gets its default, except `instances`,
/// which stays. Ids, names and log files stay, too. When the program cannot be executed, the old
/// definition is put back.
#[utoipa::path(put, path = "/api/v1/apps/{ref}", tag = "apps", operation_id = "update_app",
    params(("ref" = String, Path, description = "id, name, instance or any other reference of one app", example = "web"), Which, Wait,
        ("if-match" = String, Header, description = "needed (428): the ETag of the definition that is to be replaced (412 if it is another by now), or `*` for any")),
    request_body(content = wire::NewApp, example = json!({"script": "server.js", "cwd": "/srv/api"})),
    responses(
        (status = 200, description = "changed", body = wire::App, headers(("etag" = String, description = "names the version of the definition"))),
        (status = 409, description = "`start`, and something of the app is up", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused; nothing was changed", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn update(
    auth: Auth<AppWrite>,
    State(api): State<Shared>,
    conditions: Conditions,
    Path(reference): Path<String>,
    Query(which): Query<Which>,
    Query(wait): Query<Wait>,
    Json(new): Json<wire::NewApp>,
) -> Result<Response, ApiError> {
    let sent = serde_json::to_value(&new).map_err(|e| ApiError::internal(&e))?;
    let done = replace(&api, &auth, &conditions, &reference, new, &which, &wait).await;
    done.map_err(|refused| refused.within(&sent))
}

/// The same, told of what the whole definition has: a form has all of its members.
pub async fn replace(
    api: &Api,
    auth: &Auth<AppWrite>,
    conditions: &Conditions,
    reference: &str,
    new: wire::NewApp,
    which: &Which,
    wait: &Wait,
) -> Result<Response, ApiError> {
    let limit = wait.limit()?.max(SPAWN_LIMIT);
    let before = resolve_app(&auth.snapshot(api), reference)?;
    let Some(first) = before.first() else { return Err(ApiError::no_route()) };
    let expected = conditions.expected_by_all(first)?;
    redefine(api, auth, expected, &before, new, which, limit).await
}

/// Gives the app of `before` the definition that `new` asks for, and answers with the app.
///
/// # Errors
/// Why it is as it was.
pub(super) async fn redefine(
    api: &Api,
    auth: &Auth<AppWrite>,
    expected: Option<Expected>,
    before: &[Arc<ProcessView>],
    mut new: wire::NewApp,
    which: &Which,
    limit: Duration,
) -> Result<Response, ApiError> {
    let Some(first) = before.first() else { return Err(ApiError::no_route()) };
    let old = first.spec.clone();
    same("/name", &mut new.name, old.name.as_str())?;
    same("/namespace", &mut new.namespace, old.namespace.as_str())?;
    new.instances.get_or_insert(i64::from(present(before)));
    let spec = definition::resolved(api, new).await?;
    definition::may_be(api, &auth.principal, &spec)?;
    let then = which.then.map_or(Then::Keep, convert::then);
    let author = Author { expected, ..Author::new(&auth.principal.subject, RevisionCause::Updated) };
    change(api, auth, author, before, Arc::new(spec), Follows::of(then), limit).await
}

/// How many processes the app has: of those that it was defined with, some may be deleted.
pub(super) fn present(before: &[Arc<ProcessView>]) -> u32 {
    before.iter().filter(|view| view.goal != Goal::Gone).count().max(1) as u32
}

/// So often a change is tried anew when somebody else changes the definition at the same time.
const ATTEMPTS: usize = 5;

/// What is changed is a part of the definition of now: made of one that somebody else has replaced
/// meanwhile, it would undo what they did.
pub(super) struct Attempts(usize);

impl Attempts {
    /// All of them.
    pub(super) fn new() -> Attempts {
        Attempts(ATTEMPTS)
    }

    /// Whether that is to be made of the definition of now once more. Never when the client has said
    /// which version they know.
    pub(super) fn again(&mut self, done: &Result<Response, ApiError>, known: Option<Expected>) -> bool {
        let raced = matches!(done, Err(error) if error.status == StatusCode::PRECONDITION_FAILED);
        self.0 -= 1;
        raced && known.is_none() && self.0 > 0
    }
}

/// What follows a change.
pub(super) struct Follows {
    then: Then,
    /// Who restarts besides, where nothing follows for all.
    restarts: BTreeSet<ProcessId>,
}

impl Follows {
    /// The same for all of them.
    pub(super) fn of(then: Then) -> Follows {
        Follows { then, restarts: BTreeSet::new() }
    }

    /// These restart, and nobody else does.
    pub(super) fn restart(restarts: BTreeSet<ProcessId>) -> Follows {
        Follows { then: Then::Keep, restarts }
    }

    /// Nothing begins or ends.
    fn is_nothing(&self) -> bool {
        self.then == Then::Keep && self.restarts.is_empty()
    }

    /// That one has a new run by it.
    fn begins(&self, process: ProcessId) -> bool {
        self.then != Then::Keep || self.restarts.contains(&process)
    }
}

/// Changes the definition, waits for what follows, and answers with the app.
///
/// # Errors
/// Why it is as it was.
pub(super) async fn change(
    api: &Api,
    auth: &Auth<AppWrite>,
    author: Author,
    before: &[Arc<ProcessView>],
    spec: Arc<AppSpec>,
    follows: Follows,
    limit: Duration,
) -> Result<Response, ApiError> {
    let earlier = auth.snapshot(api);
    let views = update_app(api, author, before, spec.clone(), &follows, limit).await?;
    let (tag, mut app) = definition::shown(api, &views).await?;
    if !follows.is_nothing() {
        app.notices = notices::of_definition(&spec, &earlier, &auth.snapshot(api));
    }
    Ok((tag, JsonAnswer(app)).into_response())
}

/// An update renames nothing.
fn same(member: &str, given: &mut Option<String>, is: &str) -> Result<(), ApiError> {
    match given.get_or_insert_with(|| is.to_owned()).as_str() == is {
        true => Ok(()),
        false => {
            let what = &member[1..];
            let detail = format!("{what} cannot be changed from {is}: delete the app and define it anew");
            Err(ApiError { code: "cannot_be_changed", ..ApiError::member(member, detail) })
        }
    }
}

/// Changes the definition and waits for what follows, or puts the old one back.
pub(super) async fn update_app(
    api: &Api,
    author: Author,
    before: &[Arc<ProcessView>],
    spec: Arc<AppSpec>,
    follows: &Follows,
    limit: Duration,
) -> Result<Vec<Arc<ProcessView>>, ApiError> {
    let Some(first) = before.first() else { return Err(ApiError::no_route()) };
    let (app, old) = (first.app, first.spec.clone());
    let name = author.name.clone();
    let mut commands = vec![Command::Update { app, spec, then: follows.then }];
    commands.extend(follows.restarts.iter().map(|process| Command::Restart { process: *process }));
    // Somebody may have deleted one of them meanwhile; the others restart.
    let answers = api.handle.command_by(author, commands).await?;
    answers.into_iter().next().transpose()?;
    let settled = |view: &Arc<ProcessView>| {
        let replaced = match before.iter().find(|old| old.id == view.id) {
            Some(old) if follows.begins(view.id) => view.latest_run > old.latest_run,
            Some(_) | None => true,
        };
        let calm = match view.state {
            Doing::Stopping { .. } => !follows.begins(view.id),
            Doing::Waiting { .. }
            | Doing::Starting { .. }
            | Doing::Idle(_)
            | Doing::Backoff { .. }
            | Doing::Running { .. } => act::is_settled(&view.state),
        };
        let replaced = replaced || matches!(view.state, Doing::Waiting { .. });
        replaced && calm && view.goal != Goal::Gone
    };
    let (now, _) = api.handle.wait(limit, |now| now.of_app(app).all(settled)).await;
    let views: Vec<Arc<ProcessView>> = now.of_app(app).cloned().collect();
    if !follows.is_nothing()
        && let Err(mut cannot) = act::cannot_spawn(views.iter())
    {
        put_back(api, &name, before, old, follows.then).await?;
        cannot.detail.push_str("; the old definition is back");
        return Err(cannot);
    }
    Ok(views)
}

/// As it was: stopped what was stopped, running what ran.
async fn put_back(
    api: &Api,
    name: &str,
    before: &[Arc<ProcessView>],
    old: Arc<AppSpec>,
    then: Then,
) -> Result<(), ApiError> {
    let Some(app) = before.first().map(|view| view.app) else { return Ok(()) };
    let mut commands = vec![Command::Update { app, spec: old, then: Then::Keep }];
    commands.extend(before.iter().map(|view| match (view.goal, then) {
        (Goal::Up, Then::Restart | Then::Keep) => Command::Start { process: view.id },
        (Goal::Up | Goal::Down | Goal::Gone, Then::Start)
        | (Goal::Down | Goal::Gone, Then::Keep | Then::Restart) => Command::Stop { process: view.id },
    }));
    // One of them may be gone by now; the others are put back.
    for answer in api.handle.command_by(Author::new(name, RevisionCause::PutBack), commands).await? {
        if let Err(why) = answer {
            tracing::warn!("after an update that failed: {why}");
        }
    }
    Ok(())
}
