//! One way to say no: RFC 9457 problem documents.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::{act, naming};
use crate::auth::Refused;
use crate::daemon::define::Undefinable;
use crate::daemon::handle::HandleError;
use crate::model::ProcessId;
use crate::secrets::SecretError;
use crate::store::StoreError;
use crate::supervisor::Denied;
use crate::wire::{FieldError, Problem};

/// An answer that is not a success. Made in handlers, turned into a document here only.
#[derive(Clone, Debug)]
pub struct ApiError {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable code.
    pub code: &'static str,
    /// One sentence.
    pub detail: String,
    /// Wrong members of the request.
    pub errors: Vec<FieldError>,
    /// The process that it is about.
    pub process: Option<ProcessId>,
    /// The operation that came to this end.
    pub operation: Option<i64>,
    /// When to try again, in seconds.
    pub retry_after: Option<u32>,
    /// The oldest event that is kept.
    pub oldest_seq: Option<u64>,
}

impl ApiError {
    /// A problem without members to point at.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> ApiError {
        ApiError {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            process: None,
            operation: None,
            retry_after: None,
            oldest_seq: None,
        }
    }

    /// 422: the member is well-formed and makes no sense.
    pub fn member(pointer: &str, detail: impl Into<String>) -> ApiError {
        let detail = detail.into();
        let errors = vec![FieldError::new(pointer, &detail)];
        ApiError { errors, ..ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", detail) }
    }

    /// The same about a member of the body, for which there is this JSON pointer.
    pub fn at(mut self, pointer: &str) -> ApiError {
        let code = self.code.to_owned();
        self.errors.push(FieldError { code, ..FieldError::new(pointer, &self.detail) });
        self
    }

    /// 400: each parameter of the query is well-formed, and they exclude each other.
    pub fn conflicting(detail: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::BAD_REQUEST, "conflicting_parameters", detail)
    }

    /// Says which process it is about.
    pub fn about(self, process: ProcessId) -> ApiError {
        ApiError { process: Some(process), ..self }
    }

    /// Says which operation came to this end, if one had begun: its document tells of each process.
    pub fn of(self, operation: Option<i64>) -> ApiError {
        ApiError { operation, ..self }
    }

    /// 404 for a path that leads nowhere.
    pub fn no_route() -> ApiError {
        ApiError::new(
            StatusCode::NOT_FOUND,
            "route_not_found",
            "there is nothing at this path: /docs lists every route",
        )
    }

    /// 500: the fault is ours. What went wrong goes to the daemon's log, not to the client.
    pub fn internal(what: &dyn std::fmt::Display) -> ApiError {
        let request = naming::request_id().unwrap_or_default();
        tracing::error!(request, "a request failed: {what}");
        ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the daemon failed to answer this request: its log (daemon.log in its home) says why",
        )
    }

    /// The document.
    pub fn problem(&self) -> Problem {
        Problem {
            kind: format!("urn:pmdaemon:problem:{}", self.code.replace('_', "-")),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: i64::from(self.status.as_u16()),
            detail: self.detail.clone(),
            instance: naming::request_id().map(|id| format!("urn:request:{id}")),
            code: self.code.to_owned(),
            errors: self.errors.clone(),
            process: self.process.map(|id| i64::from(id.0)),
            operation: self.operation,
            oldest_seq: self.oldest_seq.map(|seq| seq as i64),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = self.problem();
        let body = serde_json::to_vec(&problem).expect("a problem document is plain data");
        let mut response = (self.status, self.operation.map(act::place), body).into_response();
        // For pages, which show the same as a page.
        response.extensions_mut().insert(problem);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"pmdaemon\""));
        }
        if matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(self.retry_after.unwrap_or(1)));
        }
        response
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> ApiError {
        let status = match denied {
            Denied::NoSuchProcess(_) | Denied::NoSuchApp => StatusCode::NOT_FOUND,
            Denied::NameTaken { .. }
            | Denied::BeingDeleted(_)
            | Denied::PortTaken { .. }
            | Denied::PortsExhausted { .. }
            | Denied::TooFewPorts(_)
            | Denied::NotRunning { .. }
            | Denied::StillUp { .. }
            | Denied::NothingUp { .. }
            | Denied::Reloading { .. } => StatusCode::CONFLICT,
            Denied::BadCount { .. }
            | Denied::UnknownDependency { .. }
            | Denied::DependencyCycle { .. }
            | Denied::NeverHealthy { .. }
            | Denied::NeverCompleted { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Denied::ShuttingDown => StatusCode::SERVICE_UNAVAILABLE,
        };
        let error = match denied.is_about_dependencies() {
            true => ApiError::member("/depends_on", denied.to_string()),
            false => ApiError::new(status, denied.code(), denied.to_string()),
        };
        match denied {
            Denied::NameTaken { process, .. }
            | Denied::BeingDeleted(process)
            | Denied::NotRunning { process, .. }
            | Denied::StillUp { process, .. } => error.about(process),
            Denied::NoSuchProcess(_)
            | Denied::NoSuchApp
            | Denied::NothingUp { .. }
            | Denied::Reloading { .. }
            | Denied::PortTaken { .. }
            | Denied::PortsExhausted { .. }
            | Denied::TooFewPorts(_)
            | Denied::BadCount { .. }
            | Denied::UnknownDependency { .. }
            | Denied::DependencyCycle { .. }
            | Denied::NeverHealthy { .. }
            | Denied::NeverCompleted { .. }
            | Denied::ShuttingDown => error,
        }
    }
}

impl From<HandleError> for ApiError {
    fn from(error: HandleError) -> ApiError {
        match error {
            HandleError::Ending => {
                ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "ending", error.to_string())
            }
            HandleError::KeeperLost => {
                ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "keeper_lost", error.to_string())
            }
            HandleError::OtherRevision(_) => {
                ApiError::new(StatusCode::PRECONDITION_FAILED, "other_revision", error.to_string())
            }
            HandleError::CannotSave(ref why) if matches!(**why, StoreError::Closed) => {
                ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "ending", error.to_string())
            }
            HandleError::CannotSave(ref why) => {
                ApiError::new(status_of(why), "store_unavailable", error.to_string())
            }
            HandleError::NotSavedYet(ref why) => {
                ApiError::new(status_of(why), "not_saved_yet", error.to_string())
            }
        }
    }
}

/// 507 when space has to be made, 503 when something else is wrong with the store.
pub(super) fn status_of(why: &StoreError) -> StatusCode {
    match why {
        StoreError::Full { .. } => StatusCode::INSUFFICIENT_STORAGE,
        StoreError::ReadOnly { .. }
        | StoreError::File { .. }
        | StoreError::Unsafe { .. }
        | StoreError::Newer { .. }
        | StoreError::Damaged { .. }
        | StoreError::Refused { .. }
        | StoreError::Sql { .. }
        | StoreError::Closed => StatusCode::SERVICE_UNAVAILABLE,
    }
}

impl From<Undefinable> for ApiError {
    fn from(error: Undefinable) -> ApiError {
        ApiError::member(&format!("/{}", error.member), error.detail)
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> ApiError {
        ApiError::new(StatusCode::UNAUTHORIZED, refused.code(), refused.to_string())
    }
}

impl From<SecretError> for ApiError {
    fn from(error: SecretError) -> ApiError {
        ApiError::internal(&error)
    }
}
