//! `POST /api/v1/apps/{ref}/rollback`

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::create::SPAWN_LIMIT;
use super::{bring, revisions};
use crate::api::access::{AppWrite, Auth};
use crate::api::act::Wait;
use crate::api::conditional::{self, Conditions};
use crate::api::extract::{Json, Path, Query};
use crate::api::resolve::resolve_app;
use crate::api::{ApiError, Shared};
use crate::daemon::revisions::Author;
use crate::model::{AppSpec, RevisionCause};
use crate::wire;

/// What follows.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Without it, who is up goes on where it runs by that definition already, is reloaded where that
    /// interrupts nobody, and restarts otherwise. `restart`: all restart. `keep`: the next run is the
    /// first by that definition. `start`: what is down starts; refused if anything of the app is up.
    #[param(nullable = false, inline)]
    pub then: Option<wire::Then>,
}

/// Go back to an earlier version of the definition
///
/// It becomes a new version, which is as that one was, number of processes included. When its
/// program cannot be executed, or a reload to it fails, the definition of before is put back.
#[utoipa::path(post, path = "/api/v1/apps/{ref}/rollback", tag = "apps", operation_id = "rollback_app",
    params(("ref" = String, Path, description = "id, name, instance or any other reference of one app", example = "web"), Which, Wait,
        ("if-match" = Option<String>, Header, description = "refused with 412 unless the app has this ETag", nullable = false)),
    request_body(content = wire::RollbackOrder, example = json!({"revision": 1})),
    responses(
        (status = 200, description = "the app is defined so now", body = wire::App, headers(("etag" = String, description = "names the version of the definition"))),
        (status = 409, description = "there is no version to go back to, or it is like that already", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused; nothing was changed", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn rollback(
    auth: Auth<AppWrite>,
    State(api): State<Shared>,
    conditions: Conditions,
    Path(reference): Path<String>,
    Query(which): Query<Which>,
    Query(wait): Query<Wait>,
    Json(order): Json<wire::RollbackOrder>,
) -> Result<Response, ApiError> {
    let limit = wait.limit()?.max(SPAWN_LIMIT);
    let before = resolve_app(&auth.snapshot(&api), &reference)?;
    let Some(first) = before.first() else { return Err(ApiError::no_route()) };
    let expected = conditions.expected(first)?;
    let (rows, now) = (revisions::kept(&api, &before).await?, conditional::number(first));
    let number = match order.revision {
        Some(number) => number,
        None => rows.iter().map(|row| row.revision.number).filter(|number| *number < now).max().ok_or_else(
            || {
                let detail =
                    format!("{} has one revision only: there is none to go back to", first.spec.name);
                ApiError::new(StatusCode::CONFLICT, "no_earlier_revision", detail)
            },
        )? as i64,
    };
    let row = revisions::find(&rows, number)?;
    let spec = AppSpec::clone(&row.spec);
    if spec == *first.spec {
        let detail = format!("{} is defined as in revision {number} already: nothing was done", spec.name);
        return Err(ApiError::new(StatusCode::CONFLICT, "already_so", detail));
    }
    let cause = RevisionCause::RolledBack(row.revision.number);
    let author = Author { expected, ..Author::new(&auth.principal.subject, cause) };
    bring::bring(&api, &auth, author, &before, spec, which.then, limit).await
}
