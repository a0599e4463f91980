//! `POST /api/v1/apps/{ref}/message`

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde_json::Value;

use crate::api::access::{AppOperate, Auth};
use crate::api::extract::{Json, Path};
use crate::api::{ApiError, Shared, give};
use crate::keeper::protocol::Inlet;
use crate::wire;

/// The longest message, in bytes: a channel takes so much whole or not at all.
pub const LONGEST: usize = 16 * 1024;

/// Send a message
///
/// On the IPC channel of each process that runs and has one, which Node programs get as
/// `process.on("message")`; the answer lists those that took it.
#[utoipa::path(post, path = "/api/v1/apps/{ref}/message", tag = "apps", operation_id = "send_message",
    params(("ref" = String, Path, description = "id, name, instance or any other reference", example = "web")),
    request_body(content = wire::MessageOrder, example = json!({"message": {"type": "process:msg", "topic": "rules", "data": {"n": 1}}})),
    responses(
        (status = 200, description = "sent to the processes that are listed", body = wire::Outcome),
        (status = 409, description = "none runs, or none took it", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn message(
    auth: Auth<AppOperate>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    Json(order): Json<wire::MessageOrder>,
) -> Result<JsonAnswer<wire::Outcome>, ApiError> {
    if is_of_node(&order.message) {
        return Err(ApiError::member(
            "/message",
            "a message with a cmd that begins with NODE_ is one of Node's own",
        ));
    }
    let text = order.message.to_string();
    if text.len() > LONGEST {
        return Err(ApiError::member("/message", "a message has at most 16 KiB"));
    }
    let given = give::give(&api, &auth.snapshot(&api), &reference, Inlet::Channel, &text).await?;
    Ok(JsonAnswer(given))
}

/// Whether Node would take it as said by itself, and not hand it to the program.
fn is_of_node(message: &Value) -> bool {
    message.get("cmd").and_then(Value::as_str).is_some_and(|cmd| cmd.starts_with("NODE_"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_node_says_to_itself_is_known_wherever_it_stands() {
        for of_node in [json!({"cmd": "NODE_HANDLE"}), json!({"act": "disconnect", "cmd": "NODE_CLUSTER"})] {
            assert!(is_of_node(&of_node), "{of_node}");
        }
        for other in [json!({"cmd": "node"}), json!({"cmd": 1}), json!(["cmd", "NODE_"]), json!("NODE_X")] {
            assert!(!is_of_node(&other), "{other}");
        }
    }
}
