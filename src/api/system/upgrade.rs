//! `POST /api/v1/system/upgrade`

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;

use crate::api::access::{Admin, Auth};
use crate::api::extract::Json;
use crate::api::{ApiError, Shared};
use crate::daemon::succession::{Change, Wish};
use crate::daemon::upgrade::{self, Unfit};
use crate::wire;

/// Become another program
///
/// Services, their logs and the listening sockets go on. First the new program checks itself with a
/// copy of the store; if it does not pass, the answer says why and nothing has changed. Once this is
/// answered with 202, look at `upgrade` in `GET /api/v1/system` until it has the id of the answer and
/// is not `under_way` any more: `done`, or `failed` when the new program did not come to serve and
/// the earlier one went on. Requests meanwhile wait a moment; connections that were idle are closed.
#[utoipa::path(post, path = "/api/v1/system/upgrade", tag = "system", operation_id = "upgrade",
    request_body = wire::UpgradeOrder,
    responses(
        (status = 202, description = "it has begun", body = wire::UpgradeBegun),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn upgrade(
    _auth: Auth<Admin>,
    State(api): State<Shared>,
    Json(order): Json<wire::UpgradeOrder>,
) -> Result<(StatusCode, JsonAnswer<wire::UpgradeBegun>), ApiError> {
    if let Some(Change::UnderWay { .. }) = &*api.handle.change().borrow() {
        return Err(Unfit::Busy.into());
    }
    let (program, said) = upgrade::check(api.handle.home(), api.handle.recorder(), &order.binary).await?;
    let wish = Wish::new(program, said.protocol);
    let begun = wire::UpgradeBegun {
        id: wish.order.id as i64,
        version: said.pmdaemon,
        binary: wish.order.program.display().to_string(),
    };
    api.handle.replace(wish).await?;
    Ok((StatusCode::ACCEPTED, JsonAnswer(begun)))
}

impl From<Unfit> for ApiError {
    fn from(unfit: Unfit) -> ApiError {
        let detail = unfit.to_string();
        match unfit {
            Unfit::NoProgram(_) => ApiError::member("/binary", detail),
            Unfit::Failed(_) => ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "unfit_program", detail),
            Unfit::Busy => ApiError::new(StatusCode::CONFLICT, "upgrade_under_way", detail),
            Unfit::NoCopy(_) => ApiError::new(StatusCode::CONFLICT, "upgrade_not_prepared", detail),
        }
    }
}

/// The latest one, for readers.
pub fn latest(change: Option<&Change>) -> Option<wire::Upgrade> {
    let (id, status, detail) = match change? {
        Change::UnderWay { id } => (*id, "under_way", None),
        Change::Over(over) => match &over.failure {
            None => (over.id, "done", None),
            Some(why) => (over.id, "failed", Some(why.clone())),
        },
    };
    Some(wire::Upgrade { id: id as i64, status: status.to_owned(), detail })
}
