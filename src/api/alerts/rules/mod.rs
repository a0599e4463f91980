//! `/api/v1/alerts/rules`: what is to be told.

pub mod add;
pub mod list;
pub mod remove;
pub mod replace;
pub mod show;

use crate::api::resolve::resolve;
use crate::api::{ApiError, Shared};

/// What means nothing now is a slip of whoever typed it; what is deleted later is not.
fn known_apps(api: &Shared, apps: &[String]) -> Result<(), ApiError> {
    let snapshot = api.handle.snapshot();
    apps.iter().try_for_each(|reference| resolve(&snapshot, reference).map(drop))
}
