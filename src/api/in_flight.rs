//! Requests that are worked on at a time: more are told to come again (web.md 4.3, row 22).
//!
//! An answer that is being read counts no more: streams last. Requests over the unix socket are the
//! owner's and always come through.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::arrival::Arrival;
use super::{ApiError, Shared};

/// So many from TCP.
pub const AT_ONCE: usize = 512;

/// The middleware.
pub async fn bound(State(api): State<Shared>, request: Request, next: Next) -> Response {
    let _turn = match request.extensions().get::<Arrival>() {
        Some(Arrival::Tcp { .. }) => match api.in_flight.try_acquire() {
            Ok(turn) => Some(turn),
            Err(_) => {
                let detail = "too many requests are being answered: try again in a second";
                return ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).into_response();
            }
        },
        Some(Arrival::Unix) | None => None,
    };
    next.run(request).await
}
