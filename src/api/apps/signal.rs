//! `POST /api/v1/apps/{ref}/signal`

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;

use crate::api::access::{AppOperate, Auth};
use crate::api::extract::{Json, Path};
use crate::api::resolve::resolve;
use crate::api::{ApiError, Shared, convert};
use crate::model::Signal;
use crate::supervisor::{Command, Denied};
use crate::wire;

/// Send a signal
///
/// To the main process of each instance that is online; the answer lists those. What the program
/// does with it is its own affair: if it ends, that is a crash and the restart rules decide. When
/// none is online, nothing is sent.
#[utoipa::path(post, path = "/api/v1/apps/{ref}/signal", tag = "apps", operation_id = "signal_app",
    params(("ref" = String, Path, description = "id, name, instance or any other reference", example = "web")),
    request_body(content = wire::SignalOrder, example = json!({"signal": "USR1"})),
    responses(
        (status = 200, description = "sent to the processes that are listed", body = wire::Outcome),
        (status = 409, description = "nothing of it is online", body = wire::Problem, content_type = "application/problem+json"),
        (status = 422, description = "there is no such signal", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn signal(
    auth: Auth<AppOperate>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    Json(order): Json<wire::SignalOrder>,
) -> Result<JsonAnswer<wire::Outcome>, ApiError> {
    let signal = Signal::parse(&order.signal).map_err(|e| ApiError::member("/signal", e))?;
    let targets = resolve(&auth.snapshot(&api), &reference)?;
    if targets.is_empty() {
        return Err(ApiError::new(StatusCode::NOT_FOUND, "app_not_found", "there are no processes"));
    }
    let commands = targets.iter().map(|target| Command::Signal { process: target.id, signal });
    let answers = api.handle.command(commands.collect()).await?;
    let mut sent = Vec::new();
    let mut denied: Option<Denied> = None;
    for (target, answer) in targets.iter().zip(answers) {
        match answer {
            Ok(_) => sent.push(target),
            Err(why) => denied = denied.or(Some(why)),
        }
    }
    match denied {
        Some(why) if sent.is_empty() => Err(why.into()),
        Some(_) | None => {
            let measured = api.handle.measured().await;
            let processes = sent.iter().map(|view| convert::process(view, measured.as_deref())).collect();
            Ok(JsonAnswer(wire::Outcome { changed: true, processes, ..wire::Outcome::default() }))
        }
    }
}
