//! What is found out about a request while it is answered.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::auth::{Principal, Via};

/// A slip that goes through the layers with a request.
#[derive(Clone, Default)]
pub struct Note(Arc<Mutex<Option<Said>>>);

/// Who it was, and about what.
#[derive(Clone)]
pub struct Said {
    pub principal: String,
    pub via: &'static str,
    /// Absent: what the path names.
    pub target: Option<String>,
    /// It looks like a change and is none.
    pub changes_nothing: bool,
}

impl Note {
    /// Notes who it is.
    pub fn by(&self, principal: &Principal) {
        let via = match principal.via {
            Via::Token { .. } => "token",
            Via::Session { .. } => "session",
            Via::Open { .. } => "no-auth",
        };
        self.by_login(&principal.subject, via);
    }

    /// Notes who logs in, or tries to, and by what.
    pub fn by_login(&self, subject: &str, via: &'static str) {
        tracing::Span::current().record("principal", tracing::field::display(subject));
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let target = said.take().and_then(|said| said.target);
        *said = Some(Said { principal: subject.to_owned(), via, target, changes_nothing: false });
    }

    /// Notes to what it is done, where the path does not tell. Never a value.
    pub fn about(&self, target: impl Into<String>) {
        if let Some(said) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            said.target = Some(target.into());
        }
    }

    /// Notes that nothing was changed, although the method says so: a plan, or a form that asks first.
    pub fn changes_nothing(&self) {
        if let Some(said) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            said.changes_nothing = true;
        }
    }

    /// Whether it is known who asks.
    pub fn names_somebody(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    pub(super) fn said(&self) -> Option<Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Note {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        // Without the middleware nobody reads it.
        Ok(parts.extensions.get::<Note>().cloned().unwrap_or_default())
    }
}
