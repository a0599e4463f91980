//! `POST /api/v1/apps/{ref}/stop`

use axum::extract::State;

use crate::api::access::{AppOperate, Auth};
use crate::api::act::{Acted, Wait, act};
use crate::api::extract::{Path, Query};
use crate::api::resolve::resolve;
use crate::api::{ApiError, Shared};
use crate::wire;

/// Stop an app
///
/// The whole process tree gets the stop signal, then SIGKILL after the kill timeout. It stays stopped.
#[utoipa::path(post, path = "/api/v1/apps/{ref}/stop", tag = "apps", operation_id = "stop_app",
    params(("ref" = String, Path, description = "id, name, instance or namespace:name", example = "web"), Wait),
    responses(
        (status = 200, description = "done, or so already", body = wire::Outcome,
            headers(("location" = String, description = "path of the operation, if anything was done"))),
        (status = 202, description = "being done; the wait was too short to see the end", body = wire::Outcome,
            headers(("location" = String, description = "path of the operation"))),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn stop(
    auth: Auth<AppOperate>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    Query(wait): Query<Wait>,
) -> Result<Acted, ApiError> {
    let limit = wait.limit()?;
    let targets = resolve(&auth.snapshot(&api), &reference)?;
    act(&api, &auth.principal, wire::Action::Stop, &targets, limit).await
}
