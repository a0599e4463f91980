//! `GET /api/v1/apps`

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::access::{Auth, View};
use crate::api::extract::Query;
use crate::api::list_query::Like;
use crate::api::resolve::resolve;
use crate::api::{ApiError, Shared, balancer_state, convert, cursor, log_state};
use crate::wire;

/// Which apps.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Only what this reference means: an id, a name, `name-i`, `/pattern/`, a namespace, a script.
    /// Each app has only those of its processes that are meant.
    #[serde(rename = "ref")]
    #[param(rename = "ref", nullable = false, example = "/^web/")]
    reference: Option<String>,
    /// At most so many. Without it: all.
    #[param(nullable = false, minimum = 1, maximum = 1000)]
    limit: Option<i64>,
    /// Go on where a page has ended: its `next_cursor`.
    #[param(nullable = false)]
    cursor: Option<String>,
}

/// List apps with their processes
///
/// All of them, or those that are like what is asked for. Of each app only the processes that are.
#[utoipa::path(get, path = "/api/v1/apps", tag = "apps", operation_id = "list_apps",
    params(Which, Like),
    responses(
        (status = 200, description = "the apps, by id", body = wire::AppList),
        (status = "4XX", description = "nothing fits the reference", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn list(
    auth: Auth<View>,
    State(api): State<Shared>,
    Query(which): Query<Which>,
    Query(like): Query<Like>,
) -> Result<Json<wire::AppList>, ApiError> {
    let measured = api.handle.measured().await;
    let snapshot = auth.snapshot(&api);
    let chosen = resolve(&snapshot, which.reference.as_deref().unwrap_or("all"))?;
    let filter = like.filter()?;
    let mut by_app = BTreeMap::<_, Vec<_>>::new();
    for view in chosen.into_iter().filter(|view| filter.fits(view)) {
        by_app.entry(view.app).or_default().push(view);
    }
    let of_app = by_app.into_iter().map(|(app, views)| (u64::from(app.0), views));
    let (by_app, next_cursor) = cursor::page("apps", of_app, which.limit, which.cursor.as_deref())?;
    let mut items: Vec<wire::App> =
        by_app.iter().filter_map(|views| convert::app(views, measured.as_deref())).collect();
    if which.reference.is_some() {
        for (views, app) in by_app.iter().zip(&mut items) {
            app.balancer = balancer_state::of(&api, &snapshot, views).await;
            log_state::add(&api, views, &mut app.processes).await?;
        }
    }
    Ok(Json(wire::AppList { items, next_cursor }))
}
