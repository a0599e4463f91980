//! `GET /api/v1/forwards`

use axum::Json;
use axum::extract::State;

use super::show;
use crate::api::access::{Auth, View};
use crate::api::cursor::Key;
use crate::api::extract::Query;
use crate::api::paging::{Page, Paging};
use crate::api::{ApiError, Shared};
use crate::wire;

/// List forwards
///
/// And how far each is: its place in each log, and what is still to be sent.
#[utoipa::path(get, path = "/api/v1/forwards", tag = "logs", operation_id = "list_forwards", params(Paging),
    responses(
        (status = 200, description = "by name", body = wire::ForwardList),
        (status = 403, description = "for namespaces only", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn list(
    auth: Auth<View>,
    State(api): State<Shared>,
    Query(paging): Query<Paging>,
) -> Result<Json<wire::ForwardList>, ApiError> {
    auth.must_see_all()?;
    let all = api.forwards.list().await?.into_iter().map(show).collect();
    let key = |forward: &wire::Forward| Key::Text(forward.name.clone());
    let Page { items, more } = paging.page("forwards", all, key)?;
    Ok(Json(wire::ForwardList { items, more }))
}
