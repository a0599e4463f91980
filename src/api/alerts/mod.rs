//! `/api/v1/alerts`: what fires, the rules, and the channels that are told. Who makes a channel decides where
//! log lines of every app go, so that is for admins.

pub mod channels;
mod convert;
pub mod list;
pub mod rules;

use axum::http::StatusCode;

use super::ApiError;
use crate::daemon::alert::AlertError;

impl From<AlertError> for ApiError {
    fn from(error: AlertError) -> ApiError {
        let detail = error.to_string();
        match error {
            AlertError::Taken(..) => ApiError::new(StatusCode::CONFLICT, "name_taken", detail),
            AlertError::Unknown("rule", _) => {
                ApiError::new(StatusCode::NOT_FOUND, "alert_rule_not_found", detail)
            }
            AlertError::Unknown(..) => {
                ApiError::new(StatusCode::NOT_FOUND, "alert_channel_not_found", detail)
            }
            AlertError::TooMany("rules") => {
                ApiError::new(StatusCode::CONFLICT, "too_many_alert_rules", detail)
            }
            AlertError::TooMany(_) => ApiError::new(StatusCode::CONFLICT, "too_many_alert_channels", detail),
            AlertError::InUse(..) => ApiError::new(StatusCode::CONFLICT, "alert_channel_in_use", detail),
            AlertError::Mistake(mistake) => ApiError::member(mistake.0, mistake.1),
            AlertError::Refused(_) => ApiError::new(StatusCode::BAD_GATEWAY, "receiver_refused", detail),
            AlertError::Handle(error) => error.into(),
        }
    }
}

/// The name in the path is the one that counts.
///
/// # Errors
/// The body has another one.
fn same_name(path: &str, body: &str) -> Result<(), ApiError> {
    match path == body {
        true => Ok(()),
        false => {
            let detail = format!("the path names {path:?} and the body {body:?}: a name stays as it is");
            Err(ApiError { code: "cannot_be_changed", ..ApiError::member("/name", detail) })
        }
    }
}
