//! `/api/v1/users`: people who log in with a password.

pub mod add;
pub mod grant;
pub mod list;
pub mod password;
pub mod remove;

use axum::http::StatusCode;

use crate::api::{ApiError, convert};
use crate::store::UserRow;
use crate::wire;

fn show(row: &UserRow) -> wire::User {
    wire::User {
        name: row.name.clone(),
        role: convert::role(row.role),
        namespaces: row.namespaces.words(),
        created_at: convert::time(row.created_at_ms),
        has_password: !row.password.is_empty(),
    }
}

fn not_found(name: &str) -> ApiError {
    let detail = format!("there is no user {name:?}: pmdaemon user list shows who there is");
    ApiError::new(StatusCode::NOT_FOUND, "user_not_found", detail)
}
