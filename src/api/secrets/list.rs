//! `GET /api/v1/secrets`

use axum::Json;
use axum::extract::State;

use super::users;
use crate::api::access::{AppWrite, Auth};
use crate::api::{ApiError, Shared, convert};
use crate::wire;

/// List secrets
///
/// Which there are, of the namespaces that one sees, and who uses them. Never their values.
#[utoipa::path(get, path = "/api/v1/secrets", tag = "secrets", operation_id = "list_secrets",
    responses(
        (status = 200, description = "the secrets", body = wire::SecretList),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn list(
    auth: Auth<AppWrite>,
    State(api): State<Shared>,
) -> Result<Json<wire::SecretList>, ApiError> {
    let snapshot = auth.snapshot(&api);
    let known = api.handle.secrets().list().into_iter();
    let theirs = known.filter(|known| auth.principal.namespaces.has(known.namespace.as_str()));
    let items = theirs.map(|known| wire::Secret {
        used_by: users(&snapshot, &known.namespace, &known.name),
        namespace: known.namespace.to_string(),
        name: known.name.to_string(),
        updated_at: convert::time(known.at_ms),
        updated_by: known.by,
    });
    Ok(Json(wire::SecretList { items: items.collect() }))
}
