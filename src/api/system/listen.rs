//! `POST` and `DELETE /api/v1/system/listeners`, for good and for a while

use std::net::{IpAddr, SocketAddr};

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::api::access::{Admin, Auth};
use crate::api::extract::{Json, Path};
use crate::api::requests::{Watched, line, stream};
use crate::api::{ApiError, Shared};
use crate::wire;

/// Serve at one more address
///
/// For good: the next daemon serves it too. Beyond this machine only with a certificate, or when
/// `insecure_http` is said. An address that is served already is answered with 200; with other
/// settings than it has, it is served by them from now on.
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
    if listener.temporary || listener.no_auth {
        let detail = "an address that stays can be neither temporary nor without authentication: use \
                      /api/v1/system/listeners/temporary";
        return Err(ApiError::member(if listener.no_auth { "/no_auth" } else { "/temporary" }, detail));
    }
    let address = address(&listener)?;
    let (status, real) = api.listeners.add(&api, address, &listener.settings).await?;
    Ok((status, JsonAnswer(real)))
}

/// Serve at one more address while the answer is read
///
/// Without authentication on loopback addresses only. The answer does not end: its first line is a `Lent`, then follow the
/// requests that come to this address (`AccessRecord`), and now and then a `StreamControl`. When its
/// reader leaves, the address is as it was before: not served any more, or with authentication
/// again.
#[utoipa::path(post, path = "/api/v1/system/listeners/temporary", tag = "system",
    operation_id = "add_temporary_listener", request_body = wire::Listener,
    responses(
        (status = 200, description = "it is served now", body = wire::Lent, content_type = "application/x-ndjson"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn lend(
    auth: Auth<Admin>,
    State(api): State<Shared>,
    Json(listener): Json<wire::Listener>,
) -> Result<Response, ApiError> {
    let address = address(&listener)?;
    if listener.no_auth && !address.ip().is_loopback() {
        let detail = format!(
            "{} can be reached from other machines, and without authentication all of them could run programs \
             here: use 127.0.0.1",
            address.ip()
        );
        return Err(ApiError::member("/no_auth", detail));
    }
    let lent = api.listeners.lend(&api, address, listener.no_auth, &listener.settings).await?;
    let first = line(&wire::Lent { listener: lent.listener, added: lent.added });
    let lent = Some((lent.lease, lent.end));
    Ok(stream(api, Watched { first: Some(first), lent, principal: auth.principal }))
}

/// Serve there no longer
///
/// Requests that are being answered are finished.
#[utoipa::path(delete, path = "/api/v1/system/listeners/{host}/{port}", tag = "system", operation_id = "remove_listener",
    params(("host" = String, Path, description = "host of the address", example = "127.0.0.1"),
           ("port" = i64, Path, description = "its port", example = 9615, minimum = 0, maximum = 65535)),
    responses(
        (status = 204, description = "not served any more"),
        (status = 404, description = "it was not served", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn remove(
    _auth: Auth<Admin>,
    State(api): State<Shared>,
    Path((host, port)): Path<(String, u16)>,
) -> Result<StatusCode, ApiError> {
    let address = address(&wire::Listener::at(host, port))?;
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
    Ok(SocketAddr::new(ip, port))
}
