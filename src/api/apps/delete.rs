//! `DELETE /api/v1/apps/{ref}`

use axum::extract::State;

use crate::api::access::{AppDelete, Auth};
use crate::api::act::{Acted, Wait, act_if};
use crate::api::conditional::Conditions;
use crate::api::extract::{Path, Query};
use crate::api::resolve::resolve;
use crate::api::{ApiError, Shared};
use crate::wire;

/// Stop an app and delete it
///
/// Its own log files go with it.
#[utoipa::path(delete, path = "/api/v1/apps/{ref}", tag = "apps", operation_id = "delete_app",
    params(("ref" = String, Path, description = "id, name, instance or namespace:name", example = "web"), Wait,
        ("if-match" = Option<String>, Header, description = "refused with 412 unless the app has this ETag", nullable = false)),
    responses(
        (status = 200, description = "done, or so already", body = wire::Outcome,
            headers(("location" = String, description = "path of the operation, if anything was done"))),
        (status = 202, description = "being done; the wait was too short to see the end", body = wire::Outcome,
            headers(("location" = String, description = "path of the operation"))),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn delete(
    auth: Auth<AppDelete>,
    State(api): State<Shared>,
    conditions: Conditions,
    Path(reference): Path<String>,
    Query(wait): Query<Wait>,
) -> Result<Acted, ApiError> {
    let limit = wait.limit()?;
    let targets = resolve(&auth.snapshot(&api), &reference)?;
    let mut expected = None;
    for target in &targets {
        // A tag is of one app, so it is the same for all.
        expected = conditions.expected(target)?;
    }
    act_if(&api, &auth.principal, wire::Action::Delete, &targets, expected, limit).await
}
