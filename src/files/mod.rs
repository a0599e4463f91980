//! A server of static files: a process of its own, started by the keeper as any app is.
//!
//! It is what `pmdaemon serve` and a script named `serve` in an ecosystem file mean, and is told what
//! to serve by its environment, as PM2's is ([`Site::from_env`]). Ranges, types and conditional
//! requests are tower-http's.

mod guard;
mod serve;
mod site;

pub use serve::run;
pub use site::Site;
