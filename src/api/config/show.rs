//! `GET /api/v1/system/config`

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, header};

use super::{config, tag};
use crate::api::access::{Admin, Auth};
use crate::api::{ApiError, Shared};
use crate::wire;

/// The settings of pmdaemon itself
///
/// What counts, who says so, and what everybody has. Nothing of it is secret; secrets are no settings.
#[utoipa::path(get, path = "/api/v1/system/config", tag = "system", operation_id = "show_config",
    responses(
        (status = 200, description = "all of them", body = wire::Config,
            headers(("etag" = String, description = "what was set; for If-Match"))),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn show(
    auth: Auth<Admin>,
    State(api): State<Shared>,
) -> Result<([(HeaderName, String); 1], Json<wire::Config>), ApiError> {
    auth.must_see_all()?;
    let wishes = api.config.wishes();
    Ok(([(header::ETAG, tag(&wishes))], Json(config(&api, &wishes))))
}
