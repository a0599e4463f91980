//! `PUT /api/v1/secrets/{namespace}/{name}`

use axum::extract::State;
use axum::http::StatusCode;

use super::parsed;
use crate::api::access::{AppWrite, Auth};
use crate::api::audit::Note;
use crate::api::extract::{Json, Path};
use crate::api::{ApiError, Shared};
use crate::daemon::clock;
use crate::wire;

/// The longest value, in bytes.
const LONGEST: usize = 65_536;

/// Set a secret
///
/// It is kept encrypted, and never shown. Apps of the namespace refer to it in their variables:
/// `${secret:NAME}` is its value, `${secret-file:NAME}` the path of a file with the value, for that run
/// alone. What runs keeps the value with which it was started.
#[utoipa::path(put, path = "/api/v1/secrets/{namespace}/{name}", tag = "secrets", operation_id = "set_secret",
    params(("namespace" = String, Path, description = "of which apps", example = "default"), ("name" = String, Path, description = "its name", example = "DB_PASSWORD")),
    request_body(content = wire::NewSecret),
    responses(
        (status = 204, description = "set"),
        (status = "4XX", description = "refused; nothing was changed", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn set(
    auth: Auth<AppWrite>,
    State(api): State<Shared>,
    note: Note,
    Path((namespace, name)): Path<(String, String)>,
    Json(new): Json<wire::NewSecret>,
) -> Result<StatusCode, ApiError> {
    let (namespace, name) = parsed(&namespace, &name)?;
    note.about(format!("{namespace}:{name}"));
    if !auth.principal.namespaces.has(namespace.as_str()) {
        let detail = format!("{} has no rights in namespace {namespace}", auth.principal.subject);
        return Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden", detail));
    }
    if new.value.is_empty() || new.value.len() > LONGEST || new.value.contains('\0') {
        let detail = format!("a value has 1 to {LONGEST} bytes and no NUL characters");
        return Err(ApiError::member("/value", detail));
    }
    api.handle.may_save()?;
    let subject = &auth.principal.subject;
    let change = api.handle.secrets().set(&namespace, &name, &new.value, subject, clock::unix_ms());
    api.handle.keep(vec![change.map_err(|e| ApiError::internal(&e))?]).await?;
    Ok(StatusCode::NO_CONTENT)
}
