//! `GET /api/v1/apps/{ref}`

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::api::access::{Auth, View};
use crate::api::conditional::{self, Conditions};
use crate::api::extract::Path;
use crate::api::resolve::{resolve, resolve_app};
use crate::api::{ApiError, Shared, balancer_state, convert, log_state};
use crate::wire;

/// Show one app
///
/// `ref` is an id, a name, an instance (`web-0`) or `namespace:name`. With an id or an instance,
/// `processes` has that one only.
#[utoipa::path(get, path = "/api/v1/apps/{ref}", tag = "apps", operation_id = "show_app",
    params(("ref" = String, Path, description = "id, name, instance or namespace:name", example = "web"),
        ("if-none-match" = Option<String>, Header, description = "the ETag of a definition that is known: 304 while it is the same. What processes do is not part of it", nullable = false)),
    responses(
        (status = 200, description = "the app", body = wire::App, headers(("etag" = String, description = "names the version of the definition"))),
        (status = 304, description = "the definition is still the one that If-None-Match names"),
        (status = 404, description = "there is none", body = wire::Problem, content_type = "application/problem+json"),
        (status = 409, description = "the name is in several namespaces", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn show(
    auth: Auth<View>,
    State(api): State<Shared>,
    conditions: Conditions,
    Path(reference): Path<String>,
) -> Result<Response, ApiError> {
    let measured = api.handle.measured().await;
    let snapshot = auth.snapshot(&api);
    resolve_app(&snapshot, &reference)?;
    let views = resolve(&snapshot, &reference)?;
    let tag = views.first().map(|view| conditional::tag(view)).unwrap_or_default();
    if conditions.has_already(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let mut app = convert::app(&views, measured.as_deref()).ok_or_else(ApiError::no_route)?;
    app.balancer = balancer_state::of(&api, &snapshot, &views).await;
    log_state::add(&api, &views, &mut app.processes).await?;
    Ok(([(header::ETAG, tag)], Json(app)).into_response())
}
