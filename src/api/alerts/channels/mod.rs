//! `/api/v1/alerts/channels`: who is told.

pub mod add;
pub mod list;
pub mod remove;
pub mod replace;
pub mod show;
pub mod test;
