//! `/api/v1/apps`: definitions, and what is done to all processes of one.

pub mod allowed;
mod bring;
pub mod create;
pub mod definition;
pub mod delete;
pub mod env;
pub mod inherit;
pub mod list;
mod listen_patch;
pub mod message;
pub mod patch;
pub mod reload;
pub mod reset;
pub mod restart;
pub mod revisions;
pub mod rollback;
pub mod runs;
pub mod scale;
pub mod send;
pub mod show;
pub mod signal;
pub mod start;
pub mod stop;
pub mod trigger;
pub mod update;
pub mod variables;
pub mod watch;
