//! Arguments of `start`.

use std::time::Duration;

use clap::Args;

use super::define_args::DefineArgs;
use super::health::wait;
use super::rolling_args::RollingArgs;
use super::values::{self, EnvWord};
use super::watch_args::WatchArgs;

/// `start`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  pmdaemon start server.js --name web\n  \
                        pmdaemon start worker.py --instances 4 --env QUEUE=mail\n  \
                        pmdaemon start ./server -- --verbose --threads 8\n  \
                        pmdaemon start \"node server.js\"\n  \
                        pmdaemon start web                 an app that was stopped\n\n\
                        Times: 500ms, 5s, 1m, 2h; a bare number is milliseconds, but times of health\n\
                        checks and --wait-timeout need their unit.")]
pub struct StartArgs {
    /// A script, a command, the name or id of an app, or an ecosystem file [default: ./ecosystem.config.*]
    #[arg(value_name = "SCRIPT|COMMAND|APP|FILE")]
    pub targets: Vec<String>,
    /// Name of the app [default: the file name without its extension]
    #[arg(short, long)]
    pub name: Option<String>,
    /// Group of the app [default: default]
    #[arg(long)]
    pub namespace: Option<String>,
    /// Ports, as PORT in the environment: 3000 (several processes share it), 3000-3005 or auto:4000-4100
    #[arg(long, value_name = "PORTS", allow_hyphen_values = true)]
    pub port: Option<String>,
    /// Variable for the app; may be given several times. Of a file: NAME, with the variables in env_NAME, too
    #[arg(long, value_name = "KEY=VALUE|NAME", value_parser = values::env_word)]
    pub env: Vec<EnvWord>,
    /// Of a file: only these apps
    #[arg(long, value_name = "APP,…", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Of a file: what this shell hands on counts as a change, too
    #[arg(short = 'a', long)]
    pub update_env: bool,
    /// Files whose changes restart it
    #[command(flatten)]
    pub watch: WatchArgs,
    /// Define it only; start it later
    #[arg(long)]
    pub no_autostart: bool,
    /// Also when it is online: change its definition and restart it
    #[arg(short, long)]
    pub force: bool,
    /// Then show what it prints, until Ctrl+C
    #[arg(long, conflicts_with_all = ["json", "no_daemon"])]
    pub attach: bool,
    /// Stay in the foreground with it, and end with its exit code, as pmdaemon runtime does
    #[arg(long)]
    pub no_daemon: bool,
    /// Print the processes as JSON
    #[arg(long)]
    pub json: bool,
    /// Return when it is ready: as --ready says, or healthy, or up for --min-uptime with its PORT open
    #[arg(help_heading = "Health", long, conflicts_with = "no_autostart")]
    pub wait_ready: bool,
    /// Wait so long until it is ready [default: 60s]
    #[arg(help_heading = "Health", long, value_name = "TIME", allow_hyphen_values = true, value_parser = values::time_with_unit, conflicts_with = "no_autostart")]
    pub wait_timeout: Option<Duration>,
    /// How reload replaces its processes.
    #[command(flatten, next_help_heading = "Reloading")]
    pub rolling: RollingArgs,
    /// How it is
    #[command(flatten)]
    pub define: DefineArgs,
}

impl StartArgs {
    /// How long to wait until it is ready; `None`: not at all.
    pub fn wait(&self) -> Option<Duration> {
        wait(self.wait_ready, self.wait_timeout)
    }
}
