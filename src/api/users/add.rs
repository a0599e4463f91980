//! `POST /api/v1/users`

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;

use super::show;
use crate::api::access::{Admin, Auth};
use crate::api::audit::Note;
use crate::api::extract::Json;
use crate::api::tokens::{RESERVED, grantable};
use crate::api::{ApiError, Shared, password};
use crate::auth::Accounts;
use crate::daemon::clock;
use crate::model::Name;
use crate::store::UserRow;
use crate::wire;

/// Add a user
#[utoipa::path(post, path = "/api/v1/users", tag = "auth", operation_id = "add_user",
    request_body(content = wire::NewUser, example = json!({"name": "alice", "password": "correct horse battery", "role": "operator"})),
    responses(
        (status = 201, description = "added", body = wire::User),
        (status = 409, description = "somebody has that name", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused; nobody was added", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn add(
    auth: Auth<Admin>,
    State(api): State<Shared>,
    note: Note,
    Json(new): Json<wire::NewUser>,
) -> Result<(StatusCode, JsonAnswer<wire::User>), ApiError> {
    let name = Name::parse(&new.name).map_err(|bad| ApiError::member("/name", bad.to_string()))?;
    note.about(name.as_str());
    let (role, namespaces) = grantable(&auth.principal, new.role, new.namespaces.as_deref())?;
    let password = password::hash(&api, new.password).await?;
    let now = clock::unix_ms();
    let row = UserRow { name: name.to_string(), password, role, namespaces, created_at_ms: now };
    let add = |accounts: &mut Accounts| {
        if RESERVED.contains(&name.as_str()) || accounts.knows(name.as_str(), now) {
            let detail = format!("{name} is the name of a user or token already: use another one");
            return Err(ApiError::new(StatusCode::CONFLICT, "name_taken", detail));
        }
        Ok((show(&row), accounts.add_user(row)))
    };
    let user = api.record(add, |accounts, user| drop(accounts.remove_user(&user.name))).await?;
    Ok((StatusCode::CREATED, JsonAnswer(user)))
}
