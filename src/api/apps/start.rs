//! `POST /api/v1/apps/{ref}/start`

use axum::extract::State;

use crate::api::access::{AppOperate, Auth};
use crate::api::act::{Acted, Wait, act};
use crate::api::extract::{Path, Query};
use crate::api::ready::{Ready, act_until_ready};
use crate::api::resolve::resolve;
use crate::api::{ApiError, Shared};
use crate::wire;

/// Start an app
///
/// What is up already stays as it is.
#[utoipa::path(post, path = "/api/v1/apps/{ref}/start", tag = "apps", operation_id = "start_app",
    params(("ref" = String, Path, description = "id, name, instance or namespace:name", example = "web"), Wait, Ready),
    responses(
        (status = 200, description = "done, or so already", body = wire::Outcome,
            headers(("location" = String, description = "path of the operation, if anything was done"))),
        (status = 202, description = "being done; the wait was too short to see the end", body = wire::Outcome,
            headers(("location" = String, description = "path of the operation"))),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json"),
        (status = 504, description = "not ready within the wait; it goes on", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn start(
    auth: Auth<AppOperate>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    Query(wait): Query<Wait>,
    Query(ready): Query<Ready>,
) -> Result<Acted, ApiError> {
    let limit = wait.limit()?;
    let targets = resolve(&auth.snapshot(&api), &reference)?;
    match ready.limit(limit) {
        Some(limit) => {
            act_until_ready(&api, &auth.principal, wire::Action::Start, None, &targets, limit).await
        }
        None => act(&api, &auth.principal, wire::Action::Start, &targets, limit).await,
    }
}
