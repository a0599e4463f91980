//! `GET /api/v1/apps/{ref}/runs`

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::access::{Auth, View};
use crate::api::extract::{Path, Query};
use crate::api::resolve::resolve_app;
use crate::api::{ApiError, Shared, convert_schedule};
use crate::store::EventQuery;
use crate::wire;

/// Events of a process that are looked through.
const EVENTS: usize = 2_000;
const MOST: u32 = 500;

/// How many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// So many of the newest. Default 50.
    #[param(nullable = false, minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

impl Which {
    /// The newest so many.
    pub fn of(limit: u32) -> Which {
        Which { limit: Some(limit) }
    }
}

/// List the runs of a job
///
/// What became of each of its times, and of runs by hand: began, ended, exit code; skipped and
/// missed ones, too. Told from the events that are kept, at most 2,000 of each process.
#[utoipa::path(get, path = "/api/v1/apps/{ref}/runs", tag = "apps", operation_id = "list_runs",
    params(("ref" = String, Path, description = "id, name, instance or any other reference of one app", example = "backup"), Which),
    responses(
        (status = 200, description = "the runs, oldest first", body = wire::JobRunList),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn runs(
    auth: Auth<View>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<wire::JobRunList>, ApiError> {
    let limit = which.limit.unwrap_or(50);
    if !(1..=MOST).contains(&limit) {
        let detail = format!("limit is {limit}: 1 to {MOST} is allowed");
        return Err(ApiError::new(axum::http::StatusCode::BAD_REQUEST, "invalid_query", detail));
    }
    let mut items = Vec::new();
    for view in resolve_app(&auth.snapshot(&api), &reference)? {
        let query =
            EventQuery { process: Some(view.id), limit: EVENTS, newest: true, ..EventQuery::default() };
        let events = api.handle.recorder().read(move |store| store.events(&query)).await;
        let events = events.map_err(|e| ApiError::internal(&e))?.map_err(|e| ApiError::internal(&e))?;
        items.extend(convert_schedule::runs(&events));
    }
    // Times of the same form are in the order of their text.
    items.sort_by(|a, b| a.at.cmp(&b.at));
    items.drain(..items.len().saturating_sub(limit as usize));
    Ok(Json(wire::JobRunList { items }))
}
