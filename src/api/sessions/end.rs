//! `DELETE /api/v1/sessions/{id}`

use axum::extract::State;
use axum::http::StatusCode;

use super::{id, may_manage};
use crate::api::access::{Auth, View};
use crate::api::extract::Path;
use crate::api::{ApiError, Shared};
use crate::auth::Accounts;
use crate::daemon::clock;
use crate::wire;

/// End a browser session
///
/// One's own, or any as an admin.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "auth", operation_id = "end_session",
    params(("id" = String, Path, description = "its id, as the list has it", example = "0123456789abcdef")),
    responses(
        (status = 204, description = "ended"),
        (status = 404, description = "there is none", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn end(
    auth: Auth<View>,
    State(api): State<Shared>,
    Path(wanted): Path<String>,
) -> Result<StatusCode, ApiError> {
    let end = |accounts: &mut Accounts| {
        let rows = accounts.sessions(clock::unix_ms());
        let meant = rows.iter().find(|row| id(row) == wanted && may_manage(&auth.principal, row));
        meant.and_then(|row| accounts.end_session_of(&row.id_hash)).into_iter().collect()
    };
    match api.change(end).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => {
            let detail =
                format!("there is no session {wanted:?}: pmdaemon session list shows which there are");
            Err(ApiError::new(StatusCode::NOT_FOUND, "session_not_found", detail))
        }
    }
}
