//! The open routes: constant bodies that tell strangers nothing (acceptance row R5).

use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{Shared, access};

fn body(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// The daemon answers.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()),
    responses((status = 200, description = "alive")))]
pub async fn alive() -> Response {
    body(StatusCode::OK, r#"{"status":"ok"}"#)
}

/// State is loaded, it can be saved, and the keeper is there. Whoever has a token is told what is not.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()),
    responses((status = 200, description = "ready"), (status = 503, description = "not ready yet")))]
pub async fn ready(State(api): State<Shared>, parts: Parts) -> Response {
    let keeper = match api.handle.keeper_pid() {
        Some(_) => None,
        None => Some("there is no keeper: a new one is being started".to_owned()),
    };
    let store = api.handle.recorder().may_write().err().map(|why| why.to_string());
    let reasons: Vec<String> = keeper.into_iter().chain(store).collect();
    if reasons.is_empty() {
        return body(StatusCode::OK, r#"{"status":"ok"}"#);
    }
    // Strangers learn that something is wrong, and not what.
    match access::recognise(&parts, &api) {
        Ok(_) => {
            let told = json!({"status": "unavailable", "reasons": reasons});
            (StatusCode::SERVICE_UNAVAILABLE, Json(told)).into_response()
        }
        Err(_) => body(StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"unavailable"}"#),
    }
}
