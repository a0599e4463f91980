//! `POST /api/v1/alerts/channels`

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;

use super::super::convert;
use crate::api::access::{Admin, Auth};
use crate::api::audit::Note;
use crate::api::extract::Json;
use crate::api::{ApiError, Shared};
use crate::wire;

/// Make a channel
///
/// What it is to be told waits for its receiver for an hour, in order and at most 100 at a time. Redirects are
/// not followed, and this machine is not told unless the daemon has `PMDAEMON_ALERT_LOOPBACK=allow` in its
/// environment.
#[utoipa::path(post, path = "/api/v1/alerts/channels", tag = "alerts", operation_id = "add_alert_channel",
    request_body(content = wire::NewAlertChannel, example = json!({"name": "ops", "webhook": {"url": "https://hooks.example/pmdaemon", "secret": "0123456789abcdef"}})),
    responses(
        (status = 201, description = "made", body = wire::AlertChannel),
        (status = 409, description = "the name is in use", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused; nothing was made", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn add(
    auth: Auth<Admin>,
    State(api): State<Shared>,
    note: Note,
    Json(new): Json<wire::NewAlertChannel>,
) -> Result<(StatusCode, JsonAnswer<wire::AlertChannel>), ApiError> {
    note.about(new.name.as_str());
    auth.must_see_all()?;
    let name = new.name.clone();
    api.alerts.put_channel(convert::channel_wish(new)?, false).await?;
    let status = api.alerts.channel(&name)?;
    Ok((StatusCode::CREATED, JsonAnswer(convert::channel(status))))
}
