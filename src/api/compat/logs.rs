//! `GET /api/logs/{ref}`

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::access::{Auth, LogsRead};
use crate::api::extract::{Path, Query};
use crate::api::resolve::resolve;
use crate::api::{ApiError, Shared, logs};
use crate::wire;

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// The last so many. Default 20.
    #[param(nullable = false, minimum = 0, maximum = 10_000)]
    lines: Option<i64>,
    /// Only one stream: `out` or `err`.
    #[param(nullable = false, inline)]
    stream: Option<wire::Stream>,
}

/// Last log lines
///
/// An array of records, or the bare text with `Accept: text/plain`.
#[utoipa::path(get, path = "/api/logs/{ref}", tag = "compat", operation_id = "compat_logs",
    params(("ref" = String, Path, description = "id, name, instance or namespace:name"), Which),
    responses(
        (status = 200, description = "oldest first", content(
            (Vec<wire::LogRecord> = "application/json"), (String = "text/plain"))),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn logs(
    auth: Auth<LogsRead>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    Query(which): Query<Which>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let lines = which.lines.unwrap_or(20);
    if !(0..=10_000).contains(&lines) {
        let detail = format!("lines is {lines}: 0 to 10000 is allowed");
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid_query", detail));
    }
    let views = resolve(&auth.snapshot(&api), &reference)?;
    if logs::plain(&headers) {
        return logs::last_text(&auth.viewer(&api), &views, lines as usize, which.stream).await;
    }
    let records = logs::last_lines(&api.handle, &views, lines as usize, which.stream).await?;
    // This route keeps the shape that it always had.
    let shape = |record: wire::LogRecord| wire::LogRecord {
        ts: record.ts,
        ..wire::LogRecord::plain(record.id, &record.name, record.stream, &record.text)
    };
    Ok(axum::Json(records.into_iter().map(shape).collect::<Vec<_>>()).into_response())
}
