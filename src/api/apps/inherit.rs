//! `PUT /api/v1/apps/{ref}/inherited-env`

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use super::definition;
use crate::api::access::{AppWrite, Auth};
use crate::api::convert::check_variable;
use crate::api::extract::{Json, Path};
use crate::api::resolve::resolve;
use crate::api::{ApiError, Shared};
use crate::daemon::revisions::Author;
use crate::daemon::view::ProcessView;
use crate::model::{AppId, AppSpec, RevisionCause};
use crate::supervisor::{Command, Then};
use crate::wire;

/// Replace the environment that an app inherits
///
/// The whole of it: a variable that is not among these is gone. `filter_env` of the app applies,
/// declared variables stay, and nothing restarts: the next run is the first that has them. They
/// are kept to start the app again, and never shown.
#[utoipa::path(put, path = "/api/v1/apps/{ref}/inherited-env", tag = "apps", operation_id = "inherit_env",
    params(("ref" = String, Path, description = "id, name, instance or any other reference; every app that is meant", example = "web")),
    request_body(content = wire::InheritedEnv, example = json!({"variables": {"PATH": "/usr/bin:/bin"}})),
    responses(
        (status = 204, description = "noted"),
        (status = "4XX", description = "refused; nothing was changed", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn inherit(
    auth: Auth<AppWrite>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    Json(env): Json<wire::InheritedEnv>,
) -> Result<StatusCode, ApiError> {
    for (name, value) in &env.variables {
        check_variable("/variables", name, value)?;
    }
    let targets = resolve(&auth.snapshot(&api), &reference)?;
    let apps: BTreeMap<AppId, &Arc<ProcessView>> = targets.iter().map(|view| (view.app, view)).collect();
    let mut commands = Vec::new();
    for (app, view) in apps {
        let inherited_env = view.spec.env_sources.inherit(env.variables.clone());
        let spec = AppSpec { inherited_env, ..(*view.spec).clone() };
        definition::may_be(&api, &auth.principal, &spec)?;
        commands.push(Command::Update { app, spec: Arc::new(spec), then: Then::Keep });
    }
    let author = Author::new(&auth.principal.subject, RevisionCause::Environment);
    for answer in api.handle.command_by(author, commands).await? {
        answer?;
    }
    Ok(StatusCode::NO_CONTENT)
}
