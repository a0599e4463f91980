//! `DELETE /api/v1/tokens/{id}`

use axum::extract::State;
use axum::http::StatusCode;

use super::{may_manage, not_found};
use crate::api::access::{Auth, View};
use crate::api::extract::Path;
use crate::api::{ApiError, Shared};
use crate::daemon::clock;
use crate::wire;

/// Revoke a token
///
/// By its id, or by its name: all of that name. It is void at once, with the browser sessions that
/// came from it; streams that are open end within a second. One's own, or any as an admin.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "auth", operation_id = "revoke_token",
    params(("id" = String, Path, description = "its id or name", example = "ci")),
    responses(
        (status = 204, description = "it is void"),
        (status = 404, description = "there is none", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn revoke(
    auth: Auth<View>,
    State(api): State<Shared>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let changes: Vec<_> = {
        let mut accounts = api.accounts();
        let rows = accounts.tokens(clock::unix_ms());
        // Those that the daemon made for the command line have no name of their own.
        let meant = rows.iter().filter(|row| row.jti == id || (row.subject == id && row.made_by.is_some()));
        let ids: Vec<String> =
            meant.filter(|row| may_manage(&auth.principal, row)).map(|row| row.jti.clone()).collect();
        ids.iter().filter_map(|jti| accounts.revoke(jti)).collect()
    };
    if changes.is_empty() {
        return Err(not_found(&id));
    }
    api.handle.keep(changes).await?;
    Ok(StatusCode::NO_CONTENT)
}
