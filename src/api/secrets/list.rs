//! `GET /api/v1/secrets`

use axum::Json;
use axum::extract::State;

use super::users;
use crate::api::access::{AppWrite, Auth};
use crate::api::cursor::Key;
use crate::api::extract::Query;
use crate::api::paging::{Page, Paging};
use crate::api::{ApiError, Shared, convert};
use crate::wire;

/// List secrets
///
/// Which there are, of the namespaces that one sees, and who uses them. Never their values.
#[utoipa::path(get, path = "/api/v1/secrets", tag = "secrets", operation_id = "list_secrets", params(Paging),
    responses(
        (status = 200, description = "by namespace and name", body = wire::SecretList),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn list(
    auth: Auth<AppWrite>,
    State(api): State<Shared>,
    Query(paging): Query<Paging>,
) -> Result<Json<wire::SecretList>, ApiError> {
    let snapshot = auth.snapshot(&api);
    let known = api.handle.secrets().list().into_iter();
    let theirs = known.filter(|known| auth.principal.namespaces.has(known.namespace.as_str()));
    let shown = theirs.map(|known| wire::Secret {
        used_by: users(&snapshot, &known.namespace, &known.name),
        namespace: known.namespace.to_string(),
        name: known.name.to_string(),
        updated_at: convert::time(known.at_ms),
        updated_by: known.by,
    });
    let key = |secret: &wire::Secret| Key::Text(format!("{} {}", secret.namespace, secret.name));
    let Page { items, more } = paging.page("secrets", shown.collect(), key)?;
    Ok(Json(wire::SecretList { items, more }))
}
