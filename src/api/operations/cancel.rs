//! `DELETE /api/v1/operations/{id}`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::{find, unknown};
use crate::api::access::{AppOperate, Auth};
use crate::api::audit::Note;
use crate::api::extract::Path;
use crate::api::{ApiError, Shared};
use crate::daemon::operations::CannotCancel;
use crate::model::{OperationId, Target};
use crate::wire;

/// Cancel an operation
///
/// What has not begun is left undone; what has begun goes on. Of a reload, a new run that has begun
/// beside its old one goes again, and the old one stays.
#[utoipa::path(delete, path = "/api/v1/operations/{id}", tag = "operations", operation_id = "cancel_operation",
    params(("id" = i64, Path, description = "its number", example = 7, minimum = 1)),
    responses(
        (status = 200, description = "the rest is left undone", body = wire::Operation),
        (status = 409, description = "it is over, or all of it has begun", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn cancel(
    auth: Auth<AppOperate>,
    State(api): State<Shared>,
    note: Note,
    Path(id): Path<i64>,
) -> Result<Json<wire::Operation>, ApiError> {
    let seen = find(&api, &auth.principal, id)?;
    note.about(format!("operation {id} ({})", seen.action));
    let namespaces = &auth.principal.namespaces;
    let conflict = |code, detail: String| ApiError::new(StatusCode::CONFLICT, code, detail);
    let which = |target: &Target| namespaces.has(&target.namespace);
    match api.operations.cancel(OperationId(id as u64), &auth.principal.subject, which).await {
        Ok(_) => Ok(Json(find(&api, &auth.principal, id)?)),
        Err(CannotCancel::Unknown) => Err(unknown(id)),
        Err(CannotCancel::Over(standing)) => {
            Err(conflict("operation_over", format!("operation {id} is over: it is {}", standing.as_str())))
        }
        Err(CannotCancel::Begun) => Err(conflict(
            "operation_begun",
            format!(
                "all of operation {id} has begun, and what has begun goes on: stop or start what you need"
            ),
        )),
    }
}
