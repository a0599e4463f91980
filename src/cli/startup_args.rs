//! Arguments of `startup` and `unstartup`.

use clap::Args;

/// `startup`, `unstartup`.
#[derive(Args, Debug)]
pub struct StartupArgs {
    /// The init system [default: the one that runs this host]
    #[arg(value_name = "INIT", value_enum)]
    pub init: Option<super::startup::Init>,
    /// For this user alone, without root: starts at login, or with the host after loginctl
    /// enable-linger
    #[arg(long, conflicts_with = "username")]
    pub user: bool,
    /// Print what would be written, and write nothing
    #[arg(long, visible_alias = "dry-run")]
    pub print: bool,
    /// Run as that user [default: whoever types this]
    #[arg(short, long, value_name = "USER")]
    pub username: Option<String>,
    /// Whose services [default: as PMDAEMON_HOME says, or .pmdaemon in that user's home]
    #[arg(long, visible_alias = "hp", value_name = "DIR")]
    pub home: Option<std::path::PathBuf>,
    /// Name of the service [default: pmdaemon, or pmdaemon-USER when that is not root]
    #[arg(long, value_name = "NAME")]
    pub service_name: Option<String>,
}

/// Help of `startup`.
pub(super) const STARTUP: &str = "Examples:\n  pmdaemon startup                   as root: for the whole host\n  pmdaemon startup \
                       --user            a unit of your own, without root\n  pmdaemon startup systemd --print   only \
                       show the unit\n\nState is saved with every change: there is nothing else to save.";
