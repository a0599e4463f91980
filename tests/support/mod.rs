//! What both test programs share: a home of one's own around the real binary, a client of its API,
//! and waiting for conditions.

#![allow(dead_code, reason = "each test program uses its part")]

pub mod api;
pub mod home;
pub mod load;
pub mod namespace;
pub mod proc;
pub mod raw;
pub mod routes;
pub mod soak;
pub mod socket;

use std::time::{Duration, Instant};

pub use api::Api;
pub use home::Home;

/// Bound for what is a matter of milliseconds on a quiet machine; this one may be busy.
pub const SOON: Duration = Duration::from_secs(15);

/// Waits until `probe` gives something, and gives it back. Looks often, for at most `bound`.
pub fn wait_for<T>(what: &str, bound: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + bound;
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not happen within {bound:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Like [`wait_for`], for a plain condition.
pub fn wait_until(what: &str, bound: Duration, mut condition: impl FnMut() -> bool) {
    wait_for(what, bound, || condition().then_some(()));
}

/// A file below tests/fixtures/apps.
pub fn fixture(name: &str) -> String {
    let path = format!("{}/tests/fixtures/apps/{name}", env!("CARGO_MANIFEST_DIR"));
    assert!(std::path::Path::new(&path).is_file(), "there is no fixture {path}");
    path
}
