//! `PUT /api/v1/users/{name}/password`

use axum::extract::State;
use axum::http::StatusCode;

use super::not_found;
use crate::api::access::{Auth, View};
use crate::api::audit::Note;
use crate::api::extract::{Json, Path};
use crate::api::password::{self, Source};
use crate::api::{ApiError, Shared};
use crate::auth::{Accounts, Refused, Right};
use crate::wire;

/// Give a user another password
///
/// An admin for anybody, everybody else for oneself, with the present one. The user's sessions, and
/// the tokens that they logged in with, end.
#[utoipa::path(put, path = "/api/v1/users/{name}/password", tag = "auth", operation_id = "set_password",
    params(("name" = String, Path, description = "the name of the user", example = "alice")),
    request_body(content = wire::NewPassword, example = json!({"password": "correct horse battery"})),
    responses(
        (status = 204, description = "it counts from now on"),
        (status = 404, description = "there is no such user", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn set(
    auth: Auth<View>,
    State(api): State<Shared>,
    source: Source,
    Path(name): Path<String>,
    Json(new): Json<wire::NewPassword>,
) -> Result<StatusCode, ApiError> {
    let admin = auth.principal.may(Right::Admin);
    if api.accounts().user(&name).is_none() || (!admin && auth.principal.subject != name) {
        return Err(not_found(&name));
    }
    let mut verified = None;
    if !admin {
        let Some(current) = new.current else {
            return Err(ApiError::member("/current", "say the present password, too: it is missing"));
        };
        let user = password::verify(&api, &name, current, source, &Note::default()).await;
        verified = Some(user.map_err(as_refusal)?);
    }
    let hash = password::hash(&api, new.password).await?;
    let set = |accounts: &mut Accounts| match &verified {
        // What was the present one is not any more.
        Some(user) if !accounts.is_still(user) => Vec::new(),
        Some(_) | None => accounts.set_password(&name, hash),
    };
    match api.change(set).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false if verified.is_some() => Err(Refused::Revoked.into()),
        false => Err(not_found(&name)),
    }
}

/// Whoever asks is known; what they said is wrong.
fn as_refusal(error: ApiError) -> ApiError {
    match error.status {
        StatusCode::UNAUTHORIZED => {
            ApiError::new(StatusCode::FORBIDDEN, "wrong_password", "the present password is another one")
        }
        _ => error,
    }
}
