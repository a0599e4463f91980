//! Arguments of what runs the daemon itself, and puts another one in its place.

use clap::Args;

/// Help of `run`.
pub(super) const RUN: &str = "Starts what is to run, and stays until SIGTERM or SIGINT, which stop everything gracefully; what \
                   was up comes back with the next start. As process 1 it waits for orphans. When pmdaemon runs \
                   already, it waits behind that.";

/// `run`.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// Whose services it holds; by default as PMDAEMON_HOME says
    #[arg(long, value_name = "DIR")]
    pub home: Option<std::path::PathBuf>,
}

/// How the keeper is started.
#[derive(Args, Clone, Debug)]
pub struct KeeperArgs {
    /// Leave the terminal's session first, to outlive the command that started it
    #[arg(long)]
    pub detached: bool,
    /// The daemon that lost its keeper and started this one
    #[arg(long, value_name = "PID")]
    pub adopt_daemon: Option<i32>,
    /// What SIGTERM does to services: stop, or keep for the next keeper
    /// [default: PMDAEMON_ON_EXIT, or stop]
    #[arg(long, value_name = "keep|stop", value_parser = ["keep", "stop"])]
    pub on_exit: Option<String>,
    /// Go on from the program that this process was before, which has left its state there
    #[arg(long, value_name = "FD", conflicts_with = "adopt_daemon")]
    pub resume: Option<i32>,
    /// Whose services it holds; by default as PMDAEMON_HOME says
    #[arg(long, value_name = "DIR")]
    pub home: Option<std::path::PathBuf>,
}

/// What a program is checked with.
#[derive(Args, Clone, Debug)]
pub struct SelfCheckArgs {
    /// A copy of the store; it may be changed
    #[arg(long, value_name = "FILE")]
    pub store: std::path::PathBuf,
}

/// `upgrade`.
#[derive(Args, Debug)]
#[command(
    after_help = "The new version checks itself with a copy of the state first. If it does not pass, or does not come \
                        to serve, the old one goes on. Services, logs and addresses go on in any case; requests wait a \
                        moment.\n\n\
                        Examples:\n  pmdaemon upgrade                       to the version of this command\n  \
                        pmdaemon upgrade --binary ./pmdaemon"
)]
pub struct UpgradeArgs {
    /// The program to become [default: the one that you run]
    #[arg(long, value_name = "PATH")]
    pub binary: Option<std::path::PathBuf>,
}
