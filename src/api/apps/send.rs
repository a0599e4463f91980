//! `POST /api/v1/apps/{ref}/stdin`

use axum::Json as JsonAnswer;
use axum::extract::State;

use crate::api::access::{AppOperate, Auth};
use crate::api::extract::{Json, Path};
use crate::api::{ApiError, Shared, give};
use crate::keeper::protocol::Inlet;
use crate::wire;

/// Write a line to standard input
///
/// Of each process that runs and was started with a pipe as standard input (`stdin` of its definition);
/// the answer lists those that took it. A line has at most 4,095 bytes and gets its newline here. The input
/// never ends.
#[utoipa::path(post, path = "/api/v1/apps/{ref}/stdin", tag = "apps", operation_id = "send_line",
    params(("ref" = String, Path, description = "id, name, instance or any other reference", example = "web")),
    request_body(content = wire::InputOrder, example = json!({"line": "reload rules"})),
    responses(
        (status = 200, description = "written for the processes that are listed", body = wire::Outcome),
        (status = 409, description = "none runs, or none took it", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn send(
    auth: Auth<AppOperate>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    Json(order): Json<wire::InputOrder>,
) -> Result<JsonAnswer<wire::Outcome>, ApiError> {
    if order.line.contains(['\n', '\0']) || order.line.len() > 4095 {
        return Err(ApiError::member("/line", "a line has at most 4095 bytes, without newline and NUL"));
    }
    let given = give::give(&api, &auth.snapshot(&api), &reference, Inlet::Input, &order.line).await?;
    Ok(JsonAnswer(given))
}
