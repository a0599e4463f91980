//! `GET /api/v1/processes`

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::access::{Auth, View};
use crate::api::cursor::Key;
use crate::api::extract::Query;
use crate::api::kept::Origin;
use crate::api::list_query::Like;
use crate::api::list_shape::{Keys, Order, Shape};
use crate::api::{Api, ApiError, Shared, convert, convert_usage, cursor, scope};
use crate::auth::Principal;
use crate::daemon::clock;
use crate::daemon::sampling::Measured;
use crate::daemon::view::ProcessView;
use crate::wire;

/// Which processes.
#[derive(Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// In the order of this, with `-` before it the other way round; those that are equal by id. Without
    /// it by id. Who changes in this between two pages may be on both or on none.
    #[param(
        nullable = false,
        pattern = "^-?(id|name|namespace|status|pid|cpu|memory|uptime|restarts)$",
        example = "-memory"
    )]
    sort: Option<String>,
    /// At most so many. Without it: all.
    #[param(nullable = false, minimum = 1, maximum = 1000)]
    limit: Option<i64>,
    /// Go on where a page has ended: its `next_cursor`.
    #[param(nullable = false)]
    cursor: Option<String>,
}

/// A process, as it is and as it is shown.
type Item = (Arc<ProcessView>, wire::Process);

/// By what they can be ordered. What has no such value comes before all that have one.
const KEYS: &Keys<Item> = &[
    ("id", |(_, process)| Key::Number(process.id)),
    ("name", |(_, process)| Key::Text(process.name.clone())),
    ("namespace", |(_, process)| Key::Text(process.namespace.clone())),
    ("status", |(_, process)| Key::Text(process.status.clone())),
    ("pid", |(_, process)| Key::Number(process.pid.unwrap_or(-1))),
    ("cpu", |(_, process)| Key::Number(cursor::thousandths(process.cpu_percent.unwrap_or(-1.0)))),
    ("memory", |(_, process)| Key::Number(process.memory_bytes.unwrap_or(-1))),
    // By the beginning, which stays while the uptime grows.
    ("uptime", |(view, _)| {
        Key::Number(convert_usage::running_since(view).map_or(i64::MIN, |since| -(since.0 as i64)))
    }),
    ("restarts", |(_, process)| Key::Number(process.restarts)),
];

/// List processes
///
/// All of them, or those that are like what is asked for.
#[utoipa::path(get, path = "/api/v1/processes", tag = "processes", operation_id = "list_processes",
    params(Which, Like, Shape),
    responses(
        (status = 200, description = "processes", body = wire::ProcessList),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn list(
    auth: Auth<View>,
    State(api): State<Shared>,
    Query(which): Query<Which>,
    Query(like): Query<Like>,
    Query(shape): Query<Shape>,
) -> Result<Response, ApiError> {
    let measured = api.handle.measured().await;
    if which == Which::default() && like == Like::default() && shape == Shape::default() {
        let body = whole(&api, &auth.principal, measured.as_ref());
        return Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response());
    }
    let snapshot = auth.snapshot(&api);
    let filter = like.filter()?;
    let seen = || {
        let like_that = snapshot.processes.values().filter(|view| filter.fits(view));
        let shown = like_that.map(|view| (view.clone(), convert::process(view, measured.as_deref())));
        let fitting = shown.filter(|(_, process)| shape.fits(process));
        fitting.map(|item| (u64::from(item.0.id.0), item))
    };
    let (limit, cursor) = (which.limit, which.cursor.as_deref());
    let (page, next_cursor) = match &which.sort {
        None => cursor::page("processes", seen(), limit, cursor)?,
        Some(sort) => Order::parse(sort, KEYS)?.page("processes", seen().collect(), limit, cursor)?,
    };
    let items = page.into_iter().map(|(_, process)| process).collect();
    let (seq, total) = (Some(snapshot.events as i64), shape.total(|| seen().count()));
    let list = wire::ProcessList { items, seq, next_cursor, total };
    shape.answer::<wire::Process>(&list)
}

/// The list of all: what most ask for, many of them again and again.
fn whole(api: &Api, principal: &Principal, measured: Option<&Arc<Measured>>) -> Bytes {
    let picture = api.handle.snapshot();
    let measured = measured.map(Arc::as_ref);
    let origin = Origin::new(&principal.namespaces, &picture, measured);
    api.lists.of(origin, clock::now(), || {
        let seen = scope::within(picture, &principal.namespaces);
        let items = seen.processes.values().map(|view| convert::process(view, measured)).collect();
        let seq = Some(seen.events as i64);
        let list = wire::ProcessList { items, seq, next_cursor: None, total: None };
        serde_json::to_vec(&list).expect("it is plain data").into()
    })
}

/// Every process that `principal` sees, with figures that are at most a second old.
pub async fn all(api: &Api, principal: &Principal) -> Vec<wire::Process> {
    let measured = api.handle.measured().await;
    let snapshot = scope::snapshot(api, principal);
    snapshot.processes.values().map(|view| convert::process(view, measured.as_deref())).collect()
}
