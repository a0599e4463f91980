//! `PUT /api/v1/restore-points/{name}`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{name, point_of, points, show, with_files};
use crate::api::access::{Admin, Auth};
use crate::api::extract::{Path, Query};
use crate::api::{ApiError, Shared};
use crate::wire;

/// Whether an empty list may take the place of what is there.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Force {
    /// Also when there is no app at all. Default false.
    #[param(nullable = false)]
    force: Option<bool>,
}

/// Save a restore point
///
/// All apps as they are defined, and which of their processes are to run. State is saved anyway:
/// this is for coming back to it. An empty list does not take the place of a point, unless forced.
#[utoipa::path(put, path = "/api/v1/restore-points/{name}", tag = "apps", operation_id = "save_restore_point",
    params(("name" = String, Path, description = "its name", example = "default"), Force),
    responses(
        (status = 200, description = "saved", body = wire::RestorePoint),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn save(
    _auth: Auth<Admin>,
    State(api): State<Shared>,
    Path(text): Path<String>,
    Query(force): Query<Force>,
) -> Result<Json<wire::RestorePoint>, ApiError> {
    let (name, points) = (name(&text)?, points(&api));
    api.handle.may_save()?;
    let point = point_of(&api.handle.snapshot());
    if point.apps.is_empty() && !force.force.unwrap_or(false) && points.names().contains(&name) {
        let detail = format!(
            "there are no apps, and an empty list would take the place of the restore point {name}: use --force if \
             that is what you want"
        );
        return Err(ApiError::new(StatusCode::CONFLICT, "nothing_to_save", detail));
    }
    let shown = show(&name, &point);
    with_files(move || points.save(&name, &point)).await?;
    Ok(Json(shown))
}
