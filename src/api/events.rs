//! `GET /api/v1/events`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::access::{Auth, View};
use super::extract::Query;
use super::{ApiError, Shared, convert};
use crate::model::ProcessId;
use crate::store::EventQuery;
use crate::wire;

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Only those of this process.
    #[param(nullable = false, minimum = 0)]
    process: Option<u32>,
    /// Those after this `seq`. Without it: the newest.
    #[param(nullable = false, minimum = 0)]
    after: Option<u64>,
    /// At most so many. Default 100.
    #[param(nullable = false, minimum = 1, maximum = 1000)]
    limit: Option<i64>,
}

/// What has happened
///
/// Every change of state with its cause, oldest first. The last 100,000 are kept.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", operation_id = "list_events", params(Which),
    responses(
        (status = 200, description = "events, oldest first", body = wire::EventList),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn list(
    auth: Auth<View>,
    State(api): State<Shared>,
    Query(which): Query<Which>,
) -> Result<Json<wire::EventList>, ApiError> {
    let limit = which.limit.unwrap_or(100);
    if !(1..=1000).contains(&limit) {
        let detail = format!("limit is {limit}: 1 to 1000 is allowed");
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid_query", detail));
    }
    let query = EventQuery {
        after: which.after,
        process: which.process.map(ProcessId),
        namespaces: auth.namespaces(),
        limit: limit as usize,
        newest: which.after.is_none(),
    };
    let rows = api.handle.recorder().read(move |store| store.events(&query)).await;
    let rows = rows.map_err(|e| ApiError::internal(&e))?.map_err(|e| ApiError::internal(&e))?;
    Ok(Json(wire::EventList { items: rows.iter().map(convert::event).collect() }))
}
