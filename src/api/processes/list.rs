//! `GET /api/v1/processes`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::access::{Auth, View};
use crate::api::extract::Query;
use crate::api::kept::Origin;
use crate::api::list_query::Like;
use crate::api::{Api, ApiError, Shared, convert, cursor, scope};
use crate::auth::Principal;
use crate::daemon::clock;
use crate::daemon::sampling::Measured;
use crate::wire;

/// Which processes.
#[derive(Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// At most so many. Without it: all.
    #[param(nullable = false, minimum = 1, maximum = 1000)]
    limit: Option<i64>,
    /// Go on where a page has ended: its `next_cursor`.
    #[param(nullable = false)]
    cursor: Option<String>,
}

/// List processes
///
/// All of them, or those that are like what is asked for.
#[utoipa::path(get, path = "/api/v1/processes", tag = "processes", operation_id = "list_processes",
    params(Which, Like),
    responses(
        (status = 200, description = "processes, by id", body = wire::ProcessList),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn list(
    auth: Auth<View>,
    State(api): State<Shared>,
    Query(which): Query<Which>,
    Query(like): Query<Like>,
) -> Result<Response, ApiError> {
    let measured = api.handle.measured().await;
    if which == Which::default() && like == Like::default() {
        let body = whole(&api, &auth.principal, measured.as_ref());
        return Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response());
    }
    let snapshot = auth.snapshot(&api);
    let filter = like.filter()?;
    let like_that = snapshot.processes.values().filter(|view| filter.fits(view));
    let by_id = like_that.map(|view| (u64::from(view.id.0), view));
    let (views, next_cursor) = cursor::page("processes", by_id, which.limit, which.cursor.as_deref())?;
    let items = views.into_iter().map(|view| convert::process(view, measured.as_deref())).collect();
    Ok(Json(wire::ProcessList { items, next_cursor }).into_response())
}

/// The list of all: what most ask for, many of them again and again.
fn whole(api: &Api, principal: &Principal, measured: Option<&Arc<Measured>>) -> Bytes {
    let picture = api.handle.snapshot();
    let measured = measured.map(Arc::as_ref);
    let origin = Origin::new(&principal.namespaces, &picture, measured);
    api.lists.of(origin, clock::now(), || {
        let seen = scope::within(picture, &principal.namespaces);
        let items = seen.processes.values().map(|view| convert::process(view, measured)).collect();
        let list = wire::ProcessList { items, next_cursor: None };
        serde_json::to_vec(&list).expect("it is plain data").into()
    })
}

/// Every process that `principal` sees, with figures that are at most a second old.
pub async fn all(api: &Api, principal: &Principal) -> Vec<wire::Process> {
    let measured = api.handle.measured().await;
    let snapshot = scope::snapshot(api, principal);
    snapshot.processes.values().map(|view| convert::process(view, measured.as_deref())).collect()
}
