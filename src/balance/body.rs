//! Bodies on their way through.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::backend::Active;

/// The body of a request, lent to one attempt after the other; None for one without. Once something of
/// it was read, no other attempt can have it.
#[derive(Clone)]
pub struct Lent(Option<Arc<Mutex<Request>>>);

struct Request {
    body: Incoming,
    touched: bool,
}

impl Lent {
    /// Lends that body.
    pub fn new(body: Incoming) -> Lent {
        Lent((!body.is_end_stream()).then(|| Arc::new(Mutex::new(Request { body, touched: false }))))
    }

    /// It can be lent once more.
    pub fn is_whole(&self) -> bool {
        self.request().is_none_or(|request| !request.touched || request.body.is_end_stream())
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.is_end_stream()
    }

    fn request(&self) -> Option<MutexGuard<'_, Request>> {
        self.0.as_ref().map(|request| request.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Body for Lent {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(mut request) = self.request() else { return Poll::Ready(None) };
        let polled = Pin::new(&mut request.body).poll_frame(context);
        request.touched |= polled.is_ready();
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.request().is_none_or(|request| request.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.request().map_or(SizeHint::with_exact(0), |request| request.body.size_hint())
    }
}

/// The body of an answer.
pub enum Answer {
    /// A process's.
    Passed {
        /// What it says.
        body: Incoming,
        /// It is being answered until this is dropped.
        _active: Active,
    },
    /// Our own words.
    Own(Full<Bytes>),
}

impl Body for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Answer::Passed { body, .. } => Pin::new(body).poll_frame(context),
            Answer::Own(body) => Pin::new(body).poll_frame(context).map_err(|never| match never {}),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Answer::Passed { body, .. } => body.is_end_stream(),
            Answer::Own(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Answer::Passed { body, .. } => body.size_hint(),
            Answer::Own(body) => body.size_hint(),
        }
    }
}
