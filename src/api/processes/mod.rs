//! `/api/v1/processes`: instances.

pub mod list;
pub mod show;
