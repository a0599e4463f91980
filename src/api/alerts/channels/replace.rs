//! `PUT /api/v1/alerts/channels/{name}`

use axum::Json as JsonAnswer;
use axum::extract::State;

use super::super::{convert, same_name};
use crate::api::access::{Admin, Auth};
use crate::api::audit::Note;
use crate::api::extract::{Json, Path};
use crate::api::{ApiError, Shared};
use crate::wire;

/// Replace a channel
///
/// With all that it is to be; what waits is told there. `***` in place of a secret, a token, the value of a
/// header or the URL keeps the one that is there.
#[utoipa::path(put, path = "/api/v1/alerts/channels/{name}", tag = "alerts", operation_id = "replace_alert_channel",
    params(("name" = String, Path, description = "its name", example = "ops")),
    request_body(content = wire::NewAlertChannel, example = json!({"name": "ops", "webhook": {"url": "https://hooks.example/pmdaemon", "secret": "0123456789abcdef"}})),
    responses(
        (status = 200, description = "replaced", body = wire::AlertChannel),
        (status = 404, description = "there is none", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused; nothing was changed", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn replace(
    auth: Auth<Admin>,
    State(api): State<Shared>,
    note: Note,
    Path(name): Path<String>,
    Json(new): Json<wire::NewAlertChannel>,
) -> Result<JsonAnswer<wire::AlertChannel>, ApiError> {
    note.about(name.as_str());
    auth.must_see_all()?;
    api.alerts.channel(&name)?;
    same_name(&name, &new.name)?;
    api.alerts.put_channel(convert::channel_wish(new)?, true).await?;
    let status = api.alerts.channel(&name)?;
    Ok(JsonAnswer(convert::channel(status)))
}
