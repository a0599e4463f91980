//! `GET /api/v1/system/log`

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::chosen::Chosen;
use super::form::Form;
use super::query::Which;
use super::stream::Happened;
use crate::api::access::{Admin, Auth};
use crate::api::extract::Query;
use crate::api::{ApiError, Shared};
use crate::logs::{Source, Stream};
use crate::model::ProcessId;

/// pmdaemon's own log
///
/// What keeper and daemon wrote about themselves, as text: one line per event. Of the parameters,
/// `tail`, `grep`, `level`, `limit`, `follow` and `download` mean something here.
#[utoipa::path(get, path = "/api/v1/system/log", tag = "system", operation_id = "system_log", params(Which),
    responses(
        (status = 200, description = "lines, oldest first", body = String, content_type = "text/plain"),
        (status = "4XX", description = "refused", body = crate::wire::Problem, content_type = "application/problem+json")))]
pub async fn own(
    auth: Auth<Admin>,
    State(api): State<Shared>,
    Query(which): Query<Which>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let mut wanted = which.wanted(&headers)?;
    wanted.form = Form::text();
    let source = Source {
        process: ProcessId(u32::MAX),
        name: "pmdaemon".to_owned(),
        stream: Stream::Err,
        path: api.handle.home().daemon_log(),
        since: None,
        until: None,
    };
    let viewer = auth.viewer(&api);
    let begun = super::Begun { sources: vec![source], structure: 0 };
    super::respond(viewer, Chosen::nobody(), begun, wanted, Happened::default(), "pmdaemon").await
}
