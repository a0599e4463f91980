//! `GET /api/v1/system/requests`

use axum::extract::State;
use axum::response::Response;

use crate::api::Shared;
use crate::api::access::{Admin, Auth};
use crate::api::requests::{Watched, stream};
use crate::wire;

/// Watch requests
///
/// Lines of JSON as requests are answered, at every address and over the unix socket: an
/// `AccessRecord` each, and now and then a `StreamControl`. Nothing from before is told.
#[utoipa::path(get, path = "/api/v1/system/requests", tag = "system", operation_id = "watch_requests",
    responses((status = 200, description = "goes on until the reader leaves", body = wire::AccessRecord,
        content_type = "application/x-ndjson")))]
pub async fn watch(auth: Auth<Admin>, State(api): State<Shared>) -> Response {
    stream(api, Watched { first: None, lent: None, principal: auth.principal })
}
