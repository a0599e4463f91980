//! `DELETE /api/v1/tokens/{id}`

use axum::extract::State;
use axum::http::StatusCode;

use super::{may_manage, not_found};
use crate::api::access::{Auth, View};
use crate::api::extract::Path;
use crate::api::{ApiError, Shared};
use crate::auth::Accounts;
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
    let revoke = |accounts: &mut Accounts| {
        let rows = accounts.tokens(clock::unix_ms());
        // Those that the daemon made for the command line have no name of their own.
        let meant = rows.iter().filter(|row| row.jti == id || (row.subject == id && row.made_by.is_some()));
        let theirs = meant.filter(|row| may_manage(&auth.principal, row));
        theirs.filter_map(|row| accounts.revoke(&row.jti)).collect()
    };
    match api.change(revoke).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(not_found(&id)),
    }
}
