//! `/api/v1/forwards`: logs that are sent elsewhere. Who adds one decides where every line goes,
//! so that is for admins.

pub mod add;
pub mod list;
pub mod remove;
pub mod test;

use axum::http::StatusCode;

use super::ApiError;
use super::convert;
use crate::daemon::forward::definition::{Only, Receiver};
use crate::daemon::forward::{ForwardError, LogStatus, Status};
use crate::logs::Stream;
use crate::wire;

impl From<ForwardError> for ApiError {
    fn from(error: ForwardError) -> ApiError {
        let detail = error.to_string();
        match error {
            ForwardError::Taken(_) => ApiError::new(StatusCode::CONFLICT, "name_taken", detail),
            ForwardError::Unknown(_) => ApiError::new(StatusCode::NOT_FOUND, "forward_not_found", detail),
            ForwardError::TooMany => ApiError::new(StatusCode::CONFLICT, "too_many_forwards", detail),
            ForwardError::Unreadable(_) => ApiError::internal(&detail),
            ForwardError::Refused(_) => ApiError::new(StatusCode::BAD_GATEWAY, "receiver_refused", detail),
            ForwardError::Handle(error) => error.into(),
        }
    }
}

fn stream(stream: Stream) -> wire::Stream {
    match stream {
        Stream::Out => wire::Stream::Out,
        Stream::Err => wire::Stream::Err,
    }
}

fn log(log: LogStatus) -> wire::ForwardedLog {
    wire::ForwardedLog {
        id: i64::from(log.process.0),
        name: log.name,
        stream: stream(log.stream),
        segment: log.place.segment as i64,
        offset: log.place.offset as i64,
        lag_bytes: log.lag_bytes as i64,
    }
}

/// A forward, as it is shown.
fn show(status: Status) -> wire::Forward {
    let Status { definition, progress, logs, lag_lines } = status;
    let (headers, gzip) = match &definition.receiver {
        Receiver::Http { headers, gzip, .. } => {
            (headers.iter().map(|header| (header.name.clone(), "***".to_owned())).collect(), *gzip)
        }
        Receiver::Udp { .. } | Receiver::Tcp { .. } | Receiver::Unix { .. } => Default::default(),
    };
    let (error, since) = progress.error.unzip();
    wire::Forward {
        name: definition.name.clone(),
        to: definition.target(),
        facility: definition.facility().map(str::to_owned),
        headers,
        gzip,
        apps: definition.apps.clone(),
        stream: definition.stream.map(|only: Only| stream(only.into())),
        level: definition.level.clone(),
        created_at: convert::time(definition.created_at_ms),
        status: if error.is_some() { "failing" } else { "ok" }.to_owned(),
        error,
        failing_since: since.map(convert::time),
        last_sent_at: progress.last_sent_ms.map(convert::time),
        sent_lines: progress.sent_lines as i64,
        sent_bytes: progress.sent_bytes as i64,
        lag_bytes: logs.iter().map(|log| log.lag_bytes as i64).sum(),
        lag_lines: lag_lines.map(|lines| lines as i64),
        lost_bytes: progress.lost_bytes as i64,
        logs: logs.into_iter().map(log).collect(),
    }
}
