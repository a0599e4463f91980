//! The open routes: constant bodies that tell nothing (acceptance row R5).

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Shared;

fn body(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// The daemon answers.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()),
    responses((status = 200, description = "alive")))]
pub async fn alive() -> Response {
    body(StatusCode::OK, r#"{"status":"ok"}"#)
}

/// State is loaded, it can be saved, and the keeper is there.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()),
    responses((status = 200, description = "ready"), (status = 503, description = "not ready yet")))]
pub async fn ready(State(api): State<Shared>) -> Response {
    match (api.handle.keeper_pid(), api.handle.recorder().may_write()) {
        (Some(_), Ok(())) => body(StatusCode::OK, r#"{"status":"ok"}"#),
        (None, _) | (_, Err(_)) => body(StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"unavailable"}"#),
    }
}
