//! `POST /api/v1/apps/{ref}/reset`

use axum::extract::State;

use crate::api::access::{AppOperate, Auth};
use crate::api::act::{Acted, act};
use crate::api::extract::Path;
use crate::api::resolve::resolve;
use crate::api::{ApiError, Shared};
use crate::wire;

/// Set the counters of an app to zero
///
/// Those of restarts and of unstable runs. What runs goes on.
#[utoipa::path(post, path = "/api/v1/apps/{ref}/reset", tag = "apps", operation_id = "reset_app",
    params(("ref" = String, Path, description = "id, name, instance or any other reference", example = "web")),
    responses(
        (status = 200, description = "done, or so already", body = wire::Outcome,
            headers(("location" = String, description = "path of the operation, if anything was done"))),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn reset(
    auth: Auth<AppOperate>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
) -> Result<Acted, ApiError> {
    let targets = resolve(&auth.snapshot(&api), &reference)?;
    act(&api, &auth.principal, wire::Action::Reset, &targets, std::time::Duration::ZERO).await
}
