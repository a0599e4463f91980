//! `GET /api/v1/apps/{ref}/revisions` and `/revisions/{n}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::api::access::{Auth, View};
use crate::api::conditional::Conditions;
use crate::api::convert_revision::revisions;
use crate::api::cursor::Key;
use crate::api::extract::{Path, Query};
use crate::api::paging::{Page, Paging};
use crate::api::resolve::resolve_app;
use crate::api::{Api, ApiError, Shared, convert};
use crate::daemon::view::ProcessView;
use crate::store::RevisionRow;
use crate::wire;

/// List the versions of a definition
///
/// Each change of the definition is one: when, by whom, how, and what is different. The newest 50
/// are kept.
#[utoipa::path(get, path = "/api/v1/apps/{ref}/revisions", tag = "apps", operation_id = "list_revisions",
    params(("ref" = String, Path, description = "id, name, instance or any other reference of one app", example = "web"), Paging),
    responses(
        (status = 200, description = "the versions, ascending", body = wire::RevisionList),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn list(
    auth: Auth<View>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    Query(paging): Query<Paging>,
) -> Result<Json<wire::RevisionList>, ApiError> {
    let views = resolve_app(&auth.snapshot(&api), &reference)?;
    let Some(first) = views.first() else { return Err(ApiError::no_route()) };
    let list = format!("revisions of {}", first.app.0);
    let all = revisions(&kept(&api, &views).await?);
    let Page { items, more } = paging.page(&list, all, |one| Key::Number(one.revision))?;
    Ok(Json(wire::RevisionList { items, more }))
}

/// Show one version of a definition
#[utoipa::path(get, path = "/api/v1/apps/{ref}/revisions/{revision}", tag = "apps", operation_id = "show_revision",
    params(
        ("ref" = String, Path, description = "id, name, instance or any other reference of one app", example = "web"),
        ("revision" = i64, Path, description = "its number", example = 1, minimum = 1)),
    responses(
        (status = 200, description = "the version with its definition", body = wire::RevisionDetail,
            headers(("etag" = String, description = "names the version"))),
        (status = 304, description = "the version that If-None-Match names"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn show(
    auth: Auth<View>,
    State(api): State<Shared>,
    conditions: Conditions,
    Path((reference, number)): Path<(String, i64)>,
) -> Result<Response, ApiError> {
    let views = resolve_app(&auth.snapshot(&api), &reference)?;
    let rows = kept(&api, &views).await?;
    let row = find(&rows, number)?;
    let all = revisions(&rows);
    let revision = all.into_iter().find(|one| one.revision == number);
    let revision = revision.ok_or_else(ApiError::no_route)?;
    // Another version may be the present one by then.
    let tag = format!("\"{}.{number}.{}\"", row.app.0, if revision.current { "now" } else { "then" });
    if conditions.has_already(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let app = convert::definition(row.app, &row.spec, Some(row.revision.number));
    Ok(([(header::ETAG, tag)], Json(wire::RevisionDetail { revision, app })).into_response())
}

/// The versions that are kept of the app of these processes, ascending.
///
/// # Errors
/// When the store cannot be read.
pub async fn kept(api: &Api, views: &[Arc<ProcessView>]) -> Result<Vec<RevisionRow>, ApiError> {
    let Some(app) = views.first().map(|view| view.app) else { return Err(ApiError::no_route()) };
    let rows = api.handle.recorder().read(move |store| store.revisions(app)).await;
    rows.map_err(|e| ApiError::internal(&e))?.map_err(|e| ApiError::internal(&e))
}

/// The version of that number.
///
/// # Errors
/// 404 with those that are kept.
pub fn find(rows: &[RevisionRow], number: i64) -> Result<&RevisionRow, ApiError> {
    rows.iter().find(|row| row.revision.number as i64 == number).ok_or_else(|| {
        let kept = match rows {
            [] => "none is kept".to_owned(),
            [one] => format!("only {} is kept", one.revision.number),
            [first, .., last] => format!("{} to {} are kept", first.revision.number, last.revision.number),
        };
        let detail = format!("there is no revision {number} of it: {kept}");
        ApiError::new(StatusCode::NOT_FOUND, "revision_not_found", detail)
    })
}
