//! The frozen routes in PM2's shape (web.md 3.2): `/api/processes`, `/api/system`, `/api/logs`.
//!
//! Thin: they reach the same handlers' logic and the same rights as `/api/v1`.

pub mod jlist;
pub mod logs;
mod node_version;
mod package;
pub mod processes;
pub mod system;
