//! `GET /api/v1/restore-points`

use axum::Json;
use axum::extract::State;

use super::{points, show, with_files};
use crate::api::access::{Auth, View};
use crate::api::cursor::Key;
use crate::api::extract::Query;
use crate::api::paging::{Page, Paging};
use crate::api::{ApiError, Shared};
use crate::wire;

/// List restore points
///
/// One that cannot be read is left out, and named in the daemon's log.
#[utoipa::path(get, path = "/api/v1/restore-points", tag = "apps", operation_id = "list_restore_points", params(Paging),
    responses(
        (status = 200, description = "by name", body = wire::RestorePointList),
        (status = 403, description = "for namespaces only", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn list(
    auth: Auth<View>,
    State(api): State<Shared>,
    Query(paging): Query<Paging>,
) -> Result<Json<wire::RestorePointList>, ApiError> {
    auth.must_see_all()?;
    let points = points(&api);
    let all = with_files(move || {
        let mut items = Vec::new();
        for name in points.names() {
            match points.load(&name) {
                Ok(Some(point)) => items.push(show(&name, &point)),
                Ok(None) => {}
                Err(error) => tracing::warn!("{error}"),
            }
        }
        Ok(items)
    });
    let key = |point: &wire::RestorePoint| Key::Text(point.name.clone());
    let Page { items, more } = paging.page("restore-points", all.await?, key)?;
    Ok(Json(wire::RestorePointList { items, more }))
}
