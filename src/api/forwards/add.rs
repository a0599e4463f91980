//! `POST /api/v1/forwards`

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;

use super::show;
use crate::api::access::{Admin, Auth};
use crate::api::audit::Note;
use crate::api::extract::Json;
use crate::api::resolve::resolve;
use crate::api::{ApiError, Shared};
use crate::daemon::clock;
use crate::daemon::forward::definition::{Only, Wish};
use crate::wire;

/// Begin a forward
///
/// Lines that are written from now on are sent, each at least once and in order within its log,
/// also over restarts of the daemon and while the receiver is away: the log files are the queue.
/// What retention removes first is counted in `lost_bytes`, and told as an event `forward.gap`.
#[utoipa::path(post, path = "/api/v1/forwards", tag = "logs", operation_id = "add_forward",
    request_body(content = wire::NewForward, example = json!({"name": "central", "syslog": "tcp://logs.example:514"})),
    responses(
        (status = 201, description = "begun", body = wire::Forward),
        (status = 409, description = "the name is in use", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused; nothing was begun", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn add(
    auth: Auth<Admin>,
    State(api): State<Shared>,
    note: Note,
    Json(new): Json<wire::NewForward>,
) -> Result<(StatusCode, JsonAnswer<wire::Forward>), ApiError> {
    note.about(new.name.as_str());
    auth.must_see_all()?;
    let stream = match new.stream {
        None => None,
        Some(wire::Stream::Out) => Some(Only::Out),
        Some(wire::Stream::Err) => Some(Only::Err),
        Some(wire::Stream::Sys) => {
            return Err(ApiError::member("/stream", "only what apps write is forwarded: write out or err"));
        }
    };
    // What means nothing now is a slip of whoever typed it; what is deleted later is not.
    let snapshot = api.handle.snapshot();
    for reference in &new.apps {
        resolve(&snapshot, reference)?;
    }
    let wish = Wish {
        name: new.name,
        syslog: new.syslog,
        http: new.http,
        facility: new.facility,
        headers: new.headers,
        gzip: new.gzip,
        apps: new.apps,
        stream,
        level: new.level,
    };
    let definition =
        wish.define(clock::unix_ms()).map_err(|mistake| ApiError::member(mistake.0, mistake.1))?;
    Ok((StatusCode::CREATED, JsonAnswer(show(api.forwards.add(definition).await?))))
}
