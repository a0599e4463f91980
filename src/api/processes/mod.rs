//! `/api/v1/processes`: instances, and what is done to many at once.

pub mod act;
pub mod list;
pub mod show;
