//! What can be typed about the settings of pmdaemon itself.

use clap::{Args, Subcommand};

/// `settings`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  pmdaemon settings\n  pmdaemon settings set log_budget 2G\n  \
                        pmdaemon settings set log_level debug\n  pmdaemon settings unset log_level\n  \
                        pmdaemon settings reload              # certificates, as SIGHUP\n\n\
                        What is set is in effect at once, and stays. What the environment of the daemon says counts: \
                        it cannot be set. Settings of apps: start, set, apply.")]
pub struct SettingsArgs {
    /// What to do [default: show all]
    #[command(subcommand)]
    pub command: Option<SettingsCommand>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What can be done with settings.
#[derive(Subcommand, Debug)]
pub enum SettingsCommand {
    /// Set one
    Set {
        /// log_budget, log_level, log_roots, restart_burst or restart_rate
        #[arg(value_name = "NAME")]
        name: String,
        /// Its value: a size, a level, directories with colons between them, or a number
        #[arg(value_name = "VALUE")]
        value: String,
    },
    /// Have one as everybody has it
    Unset {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Read certificates again
    Reload,
}
