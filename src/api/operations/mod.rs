//! Operations: what takes time has a document. [`begin`] makes it, for every handler that gives such
//! commands; [`crate::daemon::operations`] follows it.

pub mod begin;
pub mod cancel;
pub mod follow;
pub mod list;
pub mod operate;
pub mod rehearse;
pub mod reload;
pub mod show;

pub use operate::select;

use axum::http::StatusCode;

use super::{Api, ApiError, convert_operation};
use crate::auth::Principal;
use crate::model::OperationId;
use crate::wire;

/// That one, as `principal` sees it.
///
/// # Errors
/// 404 when there is none that they see.
pub fn find(api: &Api, principal: &Principal, id: i64) -> Result<wire::Operation, ApiError> {
    let id = u64::try_from(id).map_err(|_| unknown(id))?;
    let found = api.operations.get(OperationId(id));
    found
        .and_then(|operation| convert_operation::operation(&operation, &principal.namespaces))
        .ok_or_else(|| unknown(id as i64))
}

/// 404.
fn unknown(id: i64) -> ApiError {
    let detail = format!(
        "there is no operation {id}, or not any more: the newest 1,000 are kept, for a day after their end"
    );
    ApiError::new(StatusCode::NOT_FOUND, "operation_not_found", detail)
}
