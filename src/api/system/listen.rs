//! `POST` and `DELETE /api/v1/system/listeners`

use std::net::{IpAddr, SocketAddr};

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;

use crate::api::access::{Admin, Auth};
use crate::api::extract::{Json, Path};
use crate::api::{ApiError, Shared};
use crate::wire;

/// Serve at one more address
///
/// Loopback addresses only. An address that is served already is answered with 200.
#[utoipa::path(post, path = "/api/v1/system/listeners", tag = "system", operation_id = "add_listener",
    request_body = wire::Listener,
    responses(
        (status = 200, description = "it is served already", body = wire::Listener),
        (status = 201, description = "it is served now", body = wire::Listener),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn add(
    _auth: Auth<Admin>,
    State(api): State<Shared>,
    Json(listener): Json<wire::Listener>,
) -> Result<(StatusCode, JsonAnswer<wire::Listener>), ApiError> {
    let address = address(&listener)?;
    let (status, real) = api.listeners.add(&api, address).await?;
    Ok((status, JsonAnswer(real)))
}

/// Serve there no longer
///
/// Requests that are being answered are finished.
#[utoipa::path(delete, path = "/api/v1/system/listeners/{host}/{port}", tag = "system", operation_id = "remove_listener",
    params(("host" = String, Path, description = "host of the address", example = "127.0.0.1"),
           ("port" = u16, Path, description = "its port", example = 9615)),
    responses(
        (status = 204, description = "not served any more"),
        (status = 404, description = "it was not served", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn remove(
    _auth: Auth<Admin>,
    State(api): State<Shared>,
    Path((host, port)): Path<(String, u16)>,
) -> Result<StatusCode, ApiError> {
    let address = address(&wire::Listener { host, port: i64::from(port) })?;
    match api.listeners.remove(&api, address) {
        true => Ok(StatusCode::NO_CONTENT),
        false => {
            Err(ApiError::new(StatusCode::NOT_FOUND, "no_such_listener", format!("{address} is not served")))
        }
    }
}

fn address(listener: &wire::Listener) -> Result<SocketAddr, ApiError> {
    let port = u16::try_from(listener.port)
        .map_err(|_| ApiError::member("/port", format!("{} is not a port: use 0 to 65535", listener.port)))?;
    let ip: IpAddr = match listener.host.as_str() {
        "localhost" => IpAddr::from([127, 0, 0, 1]),
        other => other.trim_matches(['[', ']']).parse().map_err(|_| {
            ApiError::member(
                "/host",
                format!("{other:?} is not an address: use an IP address such as 127.0.0.1"),
            )
        })?,
    };
    if !ip.is_loopback() {
        let detail = format!(
            "{ip} is not a loopback address: beyond this machine TLS is needed, which is not there yet"
        );
        return Err(ApiError::member("/host", detail));
    }
    Ok(SocketAddr::new(ip, port))
}
