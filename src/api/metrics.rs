//! `GET /api/v1/processes/{id}/metrics`, `GET /api/v1/apps/{ref}/metrics` and `GET /api/v1/system/metrics`:
//! what was used over time.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::access::{Auth, View};
use super::extract::{Path, Query};
use super::metrics_series::{Figures, WhichSeries};
use super::metrics_span::{Span, Which};
use super::resolve::{resolve, resolve_app};
use super::{ApiError, Shared, convert, cursor, metrics_marks};
use crate::daemon::clock;
use crate::model::ProcessId;
use crate::sample::history::{Bucket, Range, Series, Spread};
use crate::wire::{self, MetricPoint, Metrics};

/// So many processes of an app, each with up to 360 points, are enough for one answer.
const PROCESSES: i64 = 20;

/// Which processes of an app.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhichOfApp {
    /// At most so many processes. Default 20.
    #[param(nullable = false, minimum = 1, maximum = 1000)]
    limit: Option<i64>,
    /// Go on where a page has ended: its `next_cursor`.
    #[param(nullable = false)]
    cursor: Option<String>,
}

/// What a process has used over time
///
/// The lowest, mean and highest values of CPU and memory of its whole tree, in steps of 15 s, 5 min,
/// 30 min or 2 h, and its restarts and failures. It is measured every second while somebody looks and
/// every 15 s otherwise. After the death of the daemon up to the last five minutes may be missing.
#[utoipa::path(get, path = "/api/v1/processes/{id}/metrics", tag = "processes", operation_id = "process_metrics",
    params(("id" = i64, Path, description = "its id", minimum = 0), Which, WhichSeries),
    responses(
        (status = 200, description = "what is known of that time", body = Metrics),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn of_process(
    auth: Auth<View>,
    State(api): State<Shared>,
    Path(id): Path<u32>,
    Query(which): Query<Which>,
    Query(series): Query<WhichSeries>,
) -> Result<Json<Metrics>, ApiError> {
    let (span, figures) = (which.span(clock::unix_ms())?, series.figures()?);
    if !auth.snapshot(&api).processes.contains_key(&ProcessId(id)) {
        let detail = format!("there is no process with id {id}");
        return Err(ApiError::new(StatusCode::NOT_FOUND, "process_not_found", detail));
    }
    over(&api, Series::Process(ProcessId(id)), span, figures).await.map(Json)
}

/// What the host has used over time
///
/// As for a process; CPU is 100 when all of its cores are busy.
#[utoipa::path(get, path = "/api/v1/system/metrics", tag = "system", operation_id = "system_metrics", params(Which, WhichSeries),
    responses(
        (status = 200, description = "what is known of that time", body = Metrics),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn of_system(
    _auth: Auth<View>,
    State(api): State<Shared>,
    Query(which): Query<Which>,
    Query(series): Query<WhichSeries>,
) -> Result<Json<Metrics>, ApiError> {
    over(&api, Series::Host, which.span(clock::unix_ms())?, series.figures()?).await.map(Json)
}

/// What the processes of an app have used over time
///
/// Of each of them as for a process.
#[utoipa::path(get, path = "/api/v1/apps/{ref}/metrics", tag = "apps", operation_id = "app_metrics",
    params(("ref" = String, Path, description = "id, name, instance or namespace:name", example = "web"),
        Which, WhichSeries, WhichOfApp),
    responses(
        (status = 200, description = "what is known of that time", body = wire::AppMetrics),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn of_app(
    auth: Auth<View>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    Query(which): Query<Which>,
    Query(series): Query<WhichSeries>,
    Query(of_app): Query<WhichOfApp>,
) -> Result<Json<wire::AppMetrics>, ApiError> {
    let (span, figures) = (which.span(clock::unix_ms())?, series.figures()?);
    let snapshot = auth.snapshot(&api);
    resolve_app(&snapshot, &reference)?;
    let views = resolve(&snapshot, &reference)?;
    let by_id = views.iter().map(|view| (u64::from(view.id.0), view));
    let limit = Some(of_app.limit.unwrap_or(PROCESSES));
    let (page, next_cursor) = cursor::page("metrics", by_id, limit, of_app.cursor.as_deref())?;
    let mut items = Vec::new();
    for view in page {
        items.push(wire::ProcessMetrics {
            id: i64::from(view.id.0),
            name: view.name(),
            instance: i64::from(view.instance),
            metrics: over(&api, Series::Process(view.id), span, figures).await?,
        });
    }
    Ok(Json(wire::AppMetrics { items, next_cursor }))
}

/// What is known of that time up to now.
///
/// # Errors
/// When the events cannot be read.
pub async fn metrics(api: &Shared, series: Series, range: Range) -> Result<Metrics, ApiError> {
    over(api, series, Span::of(range, clock::unix_ms()), Figures::ALL).await
}

async fn over(api: &Shared, series: Series, span: Span, figures: Figures) -> Result<Metrics, ApiError> {
    let usages = api.handle.usages().clone();
    let buckets = tokio::task::spawn_blocking(move || {
        usages.history().between(series, span.range, span.from_ms, span.to_ms)
    });
    let points = span.points(buckets.await.map_err(|e| ApiError::internal(&e))?);
    let marks = metrics_marks::between(api, series, span.from_ms, span.to_ms).await?;
    Ok(Metrics {
        range: span.range.as_str().to_owned(),
        from: convert::time(span.from_ms),
        to: convert::time(span.to_ms),
        step_ms: span.step_ms as i64,
        points: points.into_iter().map(|one| point(one, figures)).collect(),
        marks,
    })
}

fn point((at, bucket): (u64, Bucket), figures: Figures) -> MetricPoint {
    let spread = |of: Spread, digits: f64| {
        let round = |value: f64| (value * digits).round() / digits;
        wire::Spread {
            min: round(of.min),
            avg: round(of.sum / f64::from(bucket.count.max(1))),
            max: round(of.max),
        }
    };
    MetricPoint {
        at_ms: at as i64,
        count: i64::from(bucket.count),
        cpu_percent: figures.cpu.then(|| spread(bucket.cpu, 100.0)),
        memory_bytes: figures.memory.then(|| spread(bucket.memory, 1.0)),
    }
}
