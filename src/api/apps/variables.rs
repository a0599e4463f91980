//! `GET` and `PATCH /api/v1/apps/{ref}/env`: the variables of an app as a resource of their own.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::create::SPAWN_LIMIT;
use super::update::{self, Attempts, Follows};
use super::{definition, revisions};
use crate::api::access::{AppWrite, Auth, View};
use crate::api::conditional::{self, Conditions};
use crate::api::convert::check_variable;
use crate::api::extract::{Json, Path};
use crate::api::resolve::resolve_app;
use crate::api::{Api, ApiError, Shared, pointing};
use crate::daemon::preparing;
use crate::daemon::revisions::{Author, Expected};
use crate::daemon::view::ProcessView;
use crate::model::{AppSpec, RevisionCause, secret_ref};
use crate::store::RevisionRow;
use crate::supervisor::Then;
use crate::wire::{self, VariableSource};

/// How a value is shown.
const MASKED: &str = "***";

/// List the variables of an app
///
/// Those that its definition and its env files declare, and where each is from. Values are masked. What
/// a process inherits beside them is not listed.
#[utoipa::path(get, path = "/api/v1/apps/{ref}/env", tag = "apps", operation_id = "show_env",
    params(("ref" = String, Path, description = "id, name, instance or any other reference of one app", example = "web"),
        ("if-none-match" = Option<String>, Header, description = "answers 304 if the definition has this ETag still", nullable = false)),
    responses(
        (status = 200, description = "the variables", body = wire::Variables, headers(("etag" = String, description = "names the version of the definition"))),
        (status = 304, description = "the version that If-None-Match names"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn show(
    auth: Auth<View>,
    State(api): State<Shared>,
    conditions: Conditions,
    Path(reference): Path<String>,
) -> Result<Response, ApiError> {
    let views = resolve_app(&auth.snapshot(&api), &reference)?;
    let Some(first) = views.first() else { return Err(ApiError::no_route()) };
    let tag = conditional::tag(first);
    if conditions.has_already(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    shown(&api, &views).await
}

/// Change some variables of an app, and nothing else
///
/// A JSON merge patch (RFC 7396): variables that are named get that value, `null` takes one away, all
/// others stay. It is a new version of the definition, and ends nothing: a process has the variables
/// when it is started, restarted or reloaded next, and `notices` names those that run without. (`POST`
/// to the same path changes variables and sees to it that what is up has them.)
#[utoipa::path(patch, path = "/api/v1/apps/{ref}/env", tag = "apps", operation_id = "patch_env",
    params(("ref" = String, Path, description = "id, name, instance or any other reference of one app", example = "web"),
        ("if-match" = Option<String>, Header, description = "the ETag of the definition that is to be changed (412 if it is another by now), or `*` for any. Without it: the present one", nullable = false)),
    request_body(content = wire::VariablesPatch, content_type = "application/merge-patch+json",
        example = json!({"variables": {"LOG_LEVEL": "debug", "TRACE": null}})),
    responses(
        (status = 200, description = "the app has these variables now", body = wire::Variables, headers(("etag" = String, description = "names the version of the definition"))),
        (status = "4XX", description = "refused; nothing was changed", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn patch(
    auth: Auth<AppWrite>,
    State(api): State<Shared>,
    conditions: Conditions,
    Path(reference): Path<String>,
    Json(patch): Json<wire::VariablesPatch>,
) -> Result<Response, ApiError> {
    check(&patch)?;
    let mut attempts = Attempts::new();
    loop {
        let before = resolve_app(&auth.snapshot(&api), &reference)?;
        let Some(first) = before.first() else { return Err(ApiError::no_route()) };
        let known = conditions.expected(first)?;
        let expected = Some(known.unwrap_or_else(|| Conditions::present(first)));
        let done = change(&api, &auth, expected, &before, &patch).await;
        if !attempts.again(&done, known) {
            return done;
        }
    }
}

fn check(patch: &wire::VariablesPatch) -> Result<(), ApiError> {
    for (name, value) in &patch.variables {
        let value = value.as_deref().unwrap_or_default();
        check_variable("/variables", name, value)?;
        if value == MASKED {
            let detail = format!(
                "{MASKED} is how the value of {name} is shown, and not its value: leave {name} out to keep it"
            );
            return Err(ApiError::member(&format!("/variables{}", pointing::into(name)), detail));
        }
    }
    Ok(())
}

async fn change(
    api: &Api,
    auth: &Auth<AppWrite>,
    expected: Option<Expected>,
    before: &[Arc<ProcessView>],
    patch: &wire::VariablesPatch,
) -> Result<Response, ApiError> {
    let Some(first) = before.first() else { return Err(ApiError::no_route()) };
    let mut spec = AppSpec { instances: update::present(before), ..AppSpec::clone(&first.spec) };
    for (name, value) in &patch.variables {
        match value {
            Some(value) => _ = spec.env.insert(name.clone(), value.clone()),
            None => _ = spec.env.remove(name),
        }
    }
    definition::may_be(api, &auth.principal, &spec)?;
    let has_them = definition::has_its_secrets(api, &spec);
    has_them.map_err(|refused| refused.moved("/env", "/variables"))?;
    let author = Author { expected, ..Author::new(&auth.principal.subject, RevisionCause::Environment) };
    let follows = Follows::of(Then::Keep);
    let views = update::update_app(api, author, before, Arc::new(spec), &follows, SPAWN_LIMIT).await?;
    shown(api, &views).await
}

/// The variables of the app of these processes, and who of them runs without.
async fn shown(api: &Api, views: &[Arc<ProcessView>]) -> Result<Response, ApiError> {
    let Some(first) = views.first() else { return Err(ApiError::no_route()) };
    let spec = &first.spec;
    let (files, unread) = match preparing::read(spec.env_sources.files.clone()).await {
        Ok(files) => (files, None),
        Err(why) => (BTreeMap::new(), Some(format!("What is in the env files is not listed: {why}."))),
    };
    let declared = spec.env.iter().map(|(name, value)| {
        let of_secret = secret_ref::refers(value);
        (name.clone(), if of_secret { VariableSource::Secret } else { VariableSource::Definition })
    });
    let mut sources: BTreeMap<String, VariableSource> =
        files.into_keys().map(|name| (name, VariableSource::File)).collect();
    sources.extend(declared);
    let rows = revisions::kept(api, views).await?;
    let variables = wire::Variables {
        variables: sources.keys().map(|name| (name.clone(), MASKED.to_owned())).collect(),
        sources,
        revision: conditional::number(first) as i64,
        notices: unread.into_iter().chain(outdated(views, &rows)).collect(),
    };
    Ok(([(header::ETAG, conditional::tag(first))], JsonAnswer(variables)).into_response())
}

/// Says who runs with other variables than the definition has.
fn outdated(views: &[Arc<ProcessView>], rows: &[RevisionRow]) -> Option<String> {
    let runs_without = |view: &&Arc<ProcessView>| {
        let now = view.revision.as_ref().map(|revision| revision.number);
        let by = rows.iter().find(|row| Some(row.revision.number) == view.run_revision);
        let same = match by {
            Some(row) => row.spec.env == view.spec.env && row.spec.env_sources == view.spec.env_sources,
            None => view.run_revision == now,
        };
        view.state.pid().is_some() && !same
    };
    let names: Vec<String> = views.iter().filter(runs_without).map(|view| view.name()).collect();
    let (first, name) = (names.first()?, &views.first()?.spec.name);
    let who = if names.len() == 1 { format!("{first} runs") } else { format!("{} run", names.join(", ")) };
    Some(format!("{who} with the variables of before until the next start, restart or reload of {name}."))
}
