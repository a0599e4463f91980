//! pmdaemon for programs in Rust: start, watch and stop processes from your own code.
//!
//! ```no_run
//! use pmdaemon::{ProcessConfig, ProcessManager};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let mut manager = ProcessManager::new().await?;
//!     let config = ProcessConfig::builder().name("worker").script("node").args(["worker.js"]).build()?;
//!     for process in manager.start(config).await? {
//!         println!("{} runs as pid {:?}", process.name, process.pid);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! A [`ProcessManager`] is a client of the daemon, as the command line is: it connects to the one of
//! the home (`PMDAEMON_HOME`, default `~/.pmdaemon`) and starts it when there is none. So processes
//! stay supervised when your program ends, and `pmdaemon list` shows them.
//!
//! A reference is an id, a name (an app with all its processes), `name-0` (one of them) or
//! `namespace:name`, as `pmdaemon list` shows them.

pub mod config;
mod error;
mod follow;
mod manager;
mod program;

pub use config::ProcessConfig;
pub use error::Error;
pub use follow::LogFollower;
pub use manager::ProcessManager;

/// What is known of a process.
pub use crate::wire::Process as ProcessInfo;
/// The host, and the daemon.
pub use crate::wire::System as SystemInfo;
/// A line that a process wrote.
pub use crate::wire::{LogRecord, Stream};
