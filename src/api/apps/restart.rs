//! `POST /api/v1/apps/{ref}/restart`

use axum::extract::State;
use serde::Deserialize;

use crate::api::access::{AppOperate, Auth};
use crate::api::act::{Acted, Wait, act, restart_on};
use crate::api::extract::{Path, Query};
use crate::api::ready::{Ready, act_until_ready};
use crate::api::resolve::resolve;
use crate::api::{ApiError, Shared, convert};
use crate::wire;

/// `?port=3001`: on another port than the definition's.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OnPort {
    /// `3001`, `3001-3004` (spread over the processes) or `auto:4000-4100`. Crashes keep it; the next
    /// restart without it returns to the definition.
    #[param(nullable = false, example = "3001")]
    port: Option<String>,
}

/// Restart an app
///
/// The old tree is gone before the new run begins. What is stopped is started.
#[utoipa::path(post, path = "/api/v1/apps/{ref}/restart", tag = "apps", operation_id = "restart_app",
    params(("ref" = String, Path, description = "id, name, instance or namespace:name", example = "web"), Wait, OnPort, Ready),
    responses(
        (status = 200, description = "done, or so already", body = wire::Outcome,
            headers(("location" = String, description = "path of the operation, if anything was done"))),
        (status = 202, description = "being done; the wait was too short to see the end", body = wire::Outcome,
            headers(("location" = String, description = "path of the operation"))),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json"),
        (status = 504, description = "not ready within the wait; it goes on", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn restart(
    auth: Auth<AppOperate>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    Query(wait): Query<Wait>,
    Query(ready): Query<Ready>,
    Query(on): Query<OnPort>,
) -> Result<Acted, ApiError> {
    let limit = wait.limit()?;
    let plan = on.port.as_deref().map(convert::port_plan).transpose()?;
    let targets = resolve(&auth.snapshot(&api), &reference)?;
    let by = &auth.principal;
    match (ready.limit(limit), plan) {
        (Some(limit), plan) => act_until_ready(&api, by, wire::Action::Restart, plan, &targets, limit).await,
        (None, Some(plan)) => restart_on(&api, by, plan, &targets, limit).await,
        (None, None) => act(&api, by, wire::Action::Restart, &targets, limit).await,
    }
}
