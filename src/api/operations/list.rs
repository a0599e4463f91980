//! `GET /api/v1/operations`

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::access::{Auth, View};
use crate::api::extract::Query;
use crate::api::{Api, ApiError, Shared, convert_operation, cursor};
use crate::auth::Principal;
use crate::model::{Operation, Standing};
use crate::wire;

/// Which operations.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Only those in this state: `running`, `done`, `failed`, `cancelled` or `interrupted`.
    #[param(
        nullable = false,
        pattern = "^(running|done|failed|cancelled|interrupted)$",
        example = "running"
    )]
    pub state: Option<String>,
    /// At most so many. Default 100.
    #[param(nullable = false, minimum = 1, maximum = 1000)]
    pub limit: Option<i64>,
    /// Go on where a page has ended: its `next_cursor`.
    #[param(nullable = false)]
    pub cursor: Option<String>,
    /// True: also how many there are on all pages together, as `total`.
    #[param(nullable = false)]
    pub count: Option<bool>,
}

/// The name of this list in its cursors.
const LIST: &str = "operations";

/// List operations
///
/// The newest first, without their items. The newest 1,000 are kept, for a day after their end.
#[utoipa::path(get, path = "/api/v1/operations", tag = "operations", operation_id = "list_operations", params(Which),
    responses(
        (status = 200, description = "operations, the newest first", body = wire::OperationList),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn list(
    auth: Auth<View>,
    State(api): State<Shared>,
    Query(which): Query<Which>,
) -> Result<Json<wire::OperationList>, ApiError> {
    let (mut items, next_cursor) = found(&api, &auth.principal, &which)?;
    items.iter_mut().for_each(|operation| operation.items.clear());
    let total = match which.count {
        Some(true) => Some(count(&api, &auth.principal, &which)?),
        Some(false) | None => None,
    };
    Ok(Json(wire::OperationList { items, next_cursor, total }))
}

/// How many of those there are that `by` sees.
fn count(api: &Api, by: &Principal, which: &Which) -> Result<i64, ApiError> {
    let state = which.state.as_deref().map(standing).transpose()?;
    let all = api.operations.all();
    let wanted = all.iter().filter(|operation| state.is_none_or(|state| operation.standing() == state));
    Ok(wanted.filter(|operation| convert_operation::is_seen(operation, &by.namespaces)).count() as i64)
}

/// Those, with their items, and where the next ones begin.
///
/// # Errors
/// When the question makes no sense.
pub fn found(
    api: &Api,
    by: &Principal,
    which: &Which,
) -> Result<(Vec<wire::Operation>, Option<String>), ApiError> {
    let limit = cursor::limit(which.limit, 100)?;
    let before = which.cursor.as_deref().map(|text| cursor::decode(LIST, text)).transpose()?;
    let state = which.state.as_deref().map(standing).transpose()?;
    let wanted = |operation: &Operation| {
        before.is_none_or(|before| operation.id.0 < before)
            && state.is_none_or(|state| operation.standing() == state)
    };
    let all = api.operations.all();
    let seen = all.iter().rev().filter(|operation| wanted(operation));
    let mut seen = seen.filter_map(|operation| convert_operation::operation(operation, &by.namespaces));
    let items: Vec<wire::Operation> = seen.by_ref().take(limit).collect();
    let more = seen.next().is_some();
    let next_cursor = items.last().filter(|_| more).map(|last| cursor::encode(LIST, last.id as u64));
    Ok((items, next_cursor))
}

fn standing(word: &str) -> Result<Standing, ApiError> {
    Standing::ALL.into_iter().find(|standing| standing.as_str() == word).ok_or_else(|| {
        let words = Standing::ALL.map(Standing::as_str).join(", ");
        let detail = format!("{word:?} is no state of an operation: use {words}");
        ApiError::new(axum::http::StatusCode::BAD_REQUEST, "invalid_query", detail)
    })
}
