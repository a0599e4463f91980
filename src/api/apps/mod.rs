//! `/api/v1/apps`: definitions, and what is done to all processes of one.

pub mod create;
pub mod delete;
pub mod list;
pub mod restart;
pub mod show;
pub mod start;
pub mod stop;
