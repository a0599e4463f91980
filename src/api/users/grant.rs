//! `PUT /api/v1/users/{name}/grant`

use axum::Json as JsonAnswer;
use axum::extract::State;

use super::{not_found, show};
use crate::api::access::{Admin, Auth};
use crate::api::extract::{Json, Path};
use crate::api::tokens::grantable;
use crate::api::{ApiError, Shared};
use crate::auth::Accounts;
use crate::wire;

/// Give a user another role, or other namespaces
///
/// Their sessions and tokens, and those that they had made, end: what they stem from is no more.
#[utoipa::path(put, path = "/api/v1/users/{name}/grant", tag = "auth", operation_id = "grant_user",
    params(("name" = String, Path, description = "the name of the user", example = "alice")),
    request_body(content = wire::UserGrant, example = json!({"role": "deployer", "namespaces": ["shop"]})),
    responses(
        (status = 200, description = "given", body = wire::User),
        (status = 404, description = "there is no such user", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn grant(
    auth: Auth<Admin>,
    State(api): State<Shared>,
    Path(name): Path<String>,
    Json(new): Json<wire::UserGrant>,
) -> Result<JsonAnswer<wire::User>, ApiError> {
    let (role, namespaces) = grantable(&auth.principal, new.role, new.namespaces.as_deref())?;
    let mut given = None;
    let give = |accounts: &mut Accounts| {
        let changes = accounts.set_grant(&name, role, namespaces);
        given = accounts.user(&name).map(show);
        changes
    };
    api.change(give).await?;
    given.map(JsonAnswer).ok_or_else(|| not_found(&name))
}
