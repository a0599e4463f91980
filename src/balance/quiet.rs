//! Clients that have said all they have to, and wait.
//!
//! Such a client has nothing to tell but that it is gone, and an answer mostly comes before that matters.
//! So the runtime is asked to watch its socket only when the answer takes long, or when the client may
//! ask for something more. A connection for one request then is never watched: two calls of the kernel
//! less, and no wake-up for "it can be written to".

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// Who waits for longer may be gone meanwhile.
pub const LONG: Duration = Duration::from_millis(50);

/// Whether a client has said all; known to who answers it and to its socket.
#[derive(Clone, Default)]
pub struct Quiet(Arc<AtomicBool>);

impl Quiet {
    /// It has, until it is answered.
    pub fn begin(&self) {
        self.0.store(true, Relaxed);
    }

    /// It is answered, and may say something.
    pub fn end(&self) {
        self.0.store(false, Relaxed);
    }

    /// Nothing is to be heard from it.
    pub fn lasts(&self) -> bool {
        self.0.load(Relaxed)
    }
}
