//! `POST /api/v1/apps/{ref}/trigger`

use std::time::Duration;

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use crate::api::access::{AppOperate, Auth};
use crate::api::extract::{Json, Path};
use crate::api::{ApiError, Shared, give};
use crate::keeper::protocol::Inlet;
use crate::wire;

/// So long a program may take to answer.
const LIMIT: Duration = Duration::from_secs(10);

/// Have programs do something
///
/// What they offer with PM2's io library (`io.action`); the processes of the reference that offer it
/// are asked, and each may take 10 seconds to reply.
#[utoipa::path(post, path = "/api/v1/apps/{ref}/trigger", tag = "apps", operation_id = "trigger_action",
    params(("ref" = String, Path, description = "id, name, instance or any other reference", example = "web")),
    request_body(content = wire::TriggerOrder, example = json!({"action": "clear cache"})),
    responses(
        (status = 200, description = "asked; `answered` says who has replied", body = wire::Triggered),
        (status = 409, description = "none runs, or none offers that", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn trigger(
    auth: Auth<AppOperate>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    Json(order): Json<wire::TriggerOrder>,
) -> Result<JsonAnswer<wire::Triggered>, ApiError> {
    let running = give::running(&auth.snapshot(&api), &reference)?;
    let custom = api.handle.usages().custom();
    let told: Vec<_> = running.iter().filter_map(|(_, run)| custom.of(*run)).collect();
    let offers =
        |run| told.iter().any(|told| told.run == run && told.offers().any(|name| name == order.action));
    let asked: Vec<_> = running.iter().filter(|(_, run)| offers(*run)).collect();
    if asked.is_empty() {
        let mut names: Vec<&str> = told.iter().flat_map(|told| told.offers()).collect();
        names.sort_unstable();
        names.dedup();
        let has = match names.is_empty() {
            true => "it offers none: a program does that with io.action of @pm2/io".to_owned(),
            false => format!("it offers {}", names.join(", ")),
        };
        let detail = format!("{reference} has no action {:?}: {has}", order.action);
        return Err(ApiError::new(StatusCode::CONFLICT, "no_such_action", detail));
    }
    let message = match &order.param {
        Some(param) => json!({"msg": order.action, "opts": param}).to_string(),
        None => Value::String(order.action.clone()).to_string(),
    };
    if message.len() > super::message::LONGEST {
        return Err(ApiError::member("/param", "action and param together have at most 16 KiB"));
    }
    // Before they are asked: nobody is quicker than that.
    let mut replies = custom.replies();
    let mut items = Vec::new();
    for (view, run) in asked {
        let given = api.handle.give(*run, Inlet::Channel, message.clone()).await?;
        items.push(wire::ActionReply {
            id: i64::from(view.id.0),
            name: view.name(),
            answered: false,
            reply: Value::Null,
            problem: given.err().map(|why| give::refusal(view, Inlet::Channel, &why)),
        });
    }
    let all = async {
        while items.iter().any(|item| !item.answered && item.problem.is_none()) {
            let reply = match replies.recv().await {
                Ok(reply) => reply,
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            };
            let is_its = |item: &&mut wire::ActionReply| {
                item.id == i64::from(reply.process.0) && reply.action == order.action && !item.answered
            };
            if let Some(item) = items.iter_mut().find(is_its) {
                (item.answered, item.reply) = (true, reply.value);
            }
        }
    };
    // Who has not answered by then is told as such.
    let _ = tokio::time::timeout(LIMIT, all).await;
    Ok(JsonAnswer(wire::Triggered { items }))
}
