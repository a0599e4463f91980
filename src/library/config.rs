//! What a process is to be: [`ProcessConfig`], and the types of its members.

mod balance;
mod builder;
mod health;
mod logs;
mod mistake;
mod port;
mod rolling;

pub use crate::wire::WhenFull;
pub use balance::{Balance, Sticky};
pub use builder::ProcessConfigBuilder;
pub use health::HealthCheck;
pub use mistake::{ConfigError, Mistake};
pub use port::{PortConfig, PortConfigError};
pub use rolling::Share;

use crate::wire::NewApp;

/// The definition of an app, checked. Made by [`ProcessConfig::builder`].
///
/// ```
/// use pmdaemon::ProcessConfig;
///
/// let config = ProcessConfig::builder()
///     .name("api")
///     .script("server.js")
///     .env("NODE_ENV", "production")
///     .instances(2)
///     .build()?;
/// assert_eq!(config.name(), Some("api"));
/// # Ok::<(), pmdaemon::config::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct ProcessConfig {
    new: NewApp,
}

impl ProcessConfig {
    /// A definition to fill in. Only the script is required.
    pub fn builder() -> ProcessConfigBuilder {
        ProcessConfigBuilder::default()
    }

    /// Its name, if it was given one; otherwise the daemon makes one of the script's.
    pub fn name(&self) -> Option<&str> {
        self.new.name.as_deref()
    }

    /// What is run.
    pub fn script(&self) -> &str {
        &self.new.script
    }

    /// As the API takes it.
    pub(super) fn into_new_app(self) -> NewApp {
        self.new
    }
}

/// Values of variables are not shown: they may be secrets.
impl std::fmt::Debug for ProcessConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProcessConfig")
            .field("name", &self.new.name)
            .field("script", &self.new.script)
            .field("args", &self.new.args)
            .field("env", &self.new.env.keys())
            .finish_non_exhaustive()
    }
}
