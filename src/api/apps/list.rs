//! `GET /api/v1/apps`

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::access::{Auth, View};
use crate::api::cursor::Key;
use crate::api::extract::Query;
use crate::api::list_query::Like;
use crate::api::list_shape::{Keys, Order, Shape};
use crate::api::resolve::resolve;
use crate::api::{ApiError, Shared, balancer_state, convert, cursor, log_state};
use crate::daemon::view::ProcessView;
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
    /// In the order of this, with `-` before it the other way round; those that are equal by id. Without
    /// it by id. CPU, memory and restarts are those of all processes of an app together. Who changes in
    /// this between two pages may be on both or on none.
    #[param(nullable = false, pattern = "^-?(id|name|namespace|cpu|memory|restarts)$", example = "name")]
    sort: Option<String>,
    /// At most so many. Without it: all.
    #[param(nullable = false, minimum = 1, maximum = 1000)]
    limit: Option<i64>,
    /// Go on where a page has ended: its `next_cursor`.
    #[param(nullable = false)]
    cursor: Option<String>,
}

/// An app, with the processes of it that are meant.
type Item = (Vec<Arc<ProcessView>>, wire::App);

/// By what they can be ordered.
const KEYS: &Keys<Item> = &[
    ("id", |(_, app)| Key::Number(app.id)),
    ("name", |(_, app)| Key::Text(app.name.clone())),
    ("namespace", |(_, app)| Key::Text(app.namespace.clone())),
    ("cpu", |(_, app)| {
        Key::Number(app.processes.iter().filter_map(|it| it.cpu_percent).map(cursor::thousandths).sum())
    }),
    ("memory", |(_, app)| Key::Number(app.processes.iter().filter_map(|it| it.memory_bytes).sum())),
    ("restarts", |(_, app)| Key::Number(app.processes.iter().map(|it| it.restarts).sum())),
];

/// List apps with their processes
///
/// All of them, or those that are like what is asked for. Of each app only the processes that are.
#[utoipa::path(get, path = "/api/v1/apps", tag = "apps", operation_id = "list_apps",
    params(Which, Like, Shape),
    responses(
        (status = 200, description = "the apps", body = wire::AppList),
        (status = "4XX", description = "nothing fits the reference", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn list(
    auth: Auth<View>,
    State(api): State<Shared>,
    Query(which): Query<Which>,
    Query(like): Query<Like>,
    Query(shape): Query<Shape>,
) -> Result<Response, ApiError> {
    let measured = api.handle.measured().await;
    let measured = measured.as_deref();
    let snapshot = auth.snapshot(&api);
    let chosen = resolve(&snapshot, which.reference.as_deref().unwrap_or("all"))?;
    let filter = like.filter()?;
    let has_words = |view: &ProcessView| !shape.has_words() || shape.fits(&convert::process(view, measured));
    let mut by_app = BTreeMap::<_, Vec<_>>::new();
    for view in chosen.into_iter().filter(|view| filter.fits(view) && has_words(view)) {
        by_app.entry(view.app).or_default().push(view);
    }
    let total = shape.total(|| by_app.len());
    let shown = by_app.into_iter().filter_map(|(app, views)| {
        let shown = convert::app(&views, measured)?;
        Some((u64::from(app.0), (views, shown)))
    });
    let (limit, cursor) = (which.limit, which.cursor.as_deref());
    let (page, next_cursor) = match &which.sort {
        None => cursor::page("apps", shown, limit, cursor)?,
        Some(sort) => Order::parse(sort, KEYS)?.page("apps", shown.collect(), limit, cursor)?,
    };
    let (by_app, mut items): (Vec<_>, Vec<_>) = page.into_iter().unzip();
    if which.reference.is_some() {
        for (views, app) in by_app.iter().zip(&mut items) {
            app.balancer = balancer_state::of(&api, &snapshot, views).await;
            log_state::add(&api, views, &mut app.processes).await?;
        }
    }
    shape.answer::<wire::App>(&wire::AppList { items, seq: Some(snapshot.events as i64), next_cursor, total })
}
