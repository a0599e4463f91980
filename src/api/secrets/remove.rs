//! `DELETE /api/v1/secrets/{namespace}/{name}`

use axum::extract::State;
use axum::http::StatusCode;

use super::{parsed, users};
use crate::api::access::{AppWrite, Auth};
use crate::api::audit::Note;
use crate::api::extract::Path;
use crate::api::{ApiError, Shared};
use crate::wire;

/// Forget a secret
///
/// Refused while an app refers to it: its next start would fail.
#[utoipa::path(delete, path = "/api/v1/secrets/{namespace}/{name}", tag = "secrets", operation_id = "remove_secret",
    params(("namespace" = String, Path, description = "of which apps", example = "default"), ("name" = String, Path, description = "its name", example = "DB_PASSWORD")),
    responses(
        (status = 204, description = "forgotten"),
        (status = 404, description = "there is none", body = wire::Problem, content_type = "application/problem+json"),
        (status = 409, description = "an app refers to it", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn remove(
    auth: Auth<AppWrite>,
    State(api): State<Shared>,
    note: Note,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let (namespace, name) = parsed(&namespace, &name)?;
    note.about(format!("{namespace}:{name}"));
    let not_there = || {
        let detail = format!("there is no secret {name} in namespace {namespace}");
        ApiError::new(StatusCode::NOT_FOUND, "secret_not_found", detail)
    };
    // What is in another namespace is as if it were not there.
    if !auth.principal.namespaces.has(namespace.as_str()) {
        return Err(not_there());
    }
    let users = users(&api.handle.snapshot(), &namespace, &name);
    if !users.is_empty() {
        let detail = format!("{name} is used by {}: change these apps first", users.join(", "));
        return Err(ApiError::new(StatusCode::CONFLICT, "in_use", detail));
    }
    api.handle.may_save()?;
    let change = api.handle.secrets().remove(&namespace, &name).ok_or_else(not_there)?;
    api.handle.keep(vec![change]).await?;
    Ok(StatusCode::NO_CONTENT)
}
