//! `POST /api/v1/apps/{ref}/env` and `…/env/reveal`

use std::collections::BTreeMap;

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::create::SPAWN_LIMIT;
use super::rollback::Which;
use super::update::{self, Attempts};
use super::{bring, definition};
use crate::api::access::{AppWrite, Auth, EnvRead};
use crate::api::act::Wait;
use crate::api::conditional::Conditions;
use crate::api::convert::check_variable;
use crate::api::extract::{Json, Path, Query};
use crate::api::resolve::resolve_app;
use crate::api::{ApiError, Shared};
use crate::daemon::revisions::Author;
use crate::daemon::{environment, preparing};
use crate::model::{AppSpec, RevisionCause};
use crate::wire;

/// Change some variables of an app
///
/// Those that are not named stay as they are. What is up gets them as by a plan: it is reloaded where that
/// interrupts nobody, and restarts otherwise.
#[utoipa::path(post, path = "/api/v1/apps/{ref}/env", tag = "apps", operation_id = "change_env",
    params(("ref" = String, Path, description = "id, name, instance or any other reference of one app", example = "web"), Which, Wait,
        ("if-match" = Option<String>, Header, description = "refused with 412 unless the app has this ETag", nullable = false)),
    request_body(content = wire::EnvOrder, example = json!({"set": {"LOG_LEVEL": "debug"}, "unset": ["TRACE"]})),
    responses(
        (status = 200, description = "the app is defined so now", body = wire::App, headers(("etag" = String, description = "names the version of the definition"))),
        (status = "4XX", description = "refused; nothing was changed", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn change(
    auth: Auth<AppWrite>,
    State(api): State<Shared>,
    conditions: Conditions,
    Path(reference): Path<String>,
    Query(which): Query<Which>,
    Query(wait): Query<Wait>,
    Json(order): Json<wire::EnvOrder>,
) -> Result<Response, ApiError> {
    let limit = wait.limit()?.max(SPAWN_LIMIT);
    for (name, value) in &order.set {
        check_variable("/set", name, value)?;
    }
    let sent = serde_json::to_value(&order).map_err(|e| ApiError::internal(&e))?;
    let mut attempts = Attempts::new();
    loop {
        let before = resolve_app(&auth.snapshot(&api), &reference)?;
        let Some(first) = before.first() else { return Err(ApiError::no_route()) };
        let known = conditions.expected(first)?;
        let expected = Some(known.unwrap_or_else(|| Conditions::present(first)));
        let spec = AppSpec {
            env: changed(&first.spec, &order)?,
            instances: update::present(&before),
            ..AppSpec::clone(&first.spec)
        };
        let author = Author { expected, ..Author::new(&auth.principal.subject, RevisionCause::Environment) };
        let done = bring::bring(&api, &auth, author, &before, spec, which.then, limit).await;
        if !attempts.again(&done, known) {
            return done.map_err(|refused| refused.moved("/env", "/set").within(&sent));
        }
    }
}

/// The variables that the app declares, with the change in them.
fn changed(spec: &AppSpec, order: &wire::EnvOrder) -> Result<BTreeMap<String, String>, ApiError> {
    let mut env = spec.env.clone();
    env.extend(order.set.clone());
    for (at, name) in order.unset.iter().enumerate() {
        if env.remove(name).is_none() {
            let detail = format!("{} declares no variable {name}", spec.name);
            return Err(ApiError::member(&format!("/unset/{at}"), detail));
        }
    }
    Ok(env)
}

/// Tell the environment of a process
///
/// With the values: all that its next run gets, but for what is kept as a secret, which is named and
/// not shown. Only an admin may see it, and it is in the audit that somebody did.
#[utoipa::path(post, path = "/api/v1/apps/{ref}/env/reveal", tag = "apps", operation_id = "reveal_env",
    params(("ref" = String, Path, description = "id, name, instance or any other reference of one app; its first process", example = "web")),
    responses(
        (status = 200, description = "every variable", body = wire::Environment),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn reveal(
    auth: Auth<EnvRead>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
) -> Result<JsonAnswer<wire::Environment>, ApiError> {
    let views = resolve_app(&auth.snapshot(&api), &reference)?;
    let Some(first) = views.first() else { return Err(ApiError::no_route()) };
    definition::may_be(&api, &auth.principal, &first.spec)?;
    let port = first.ports.held.map(|port| port.number());
    let files = preparing::read(first.spec.env_sources.files.clone()).await;
    let files = files.map_err(|why| ApiError::new(StatusCode::CONFLICT, "env_file", why))?;
    let variables =
        environment::of_process(api.handle.home(), &first.spec, first.id, first.instance, port, files);
    Ok(JsonAnswer(wire::Environment { id: i64::from(first.id.0), variables }))
}
