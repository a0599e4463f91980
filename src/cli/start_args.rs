//! Arguments of `start`.

use std::time::Duration;

use clap::Args;

use super::balance_args::BalanceArgs;
use super::depends_args::DependsArgs;
use super::env_args::EnvArgs;
use super::health::HealthArgs;
use super::label_args::LabelArgs;
use super::log_args::LogArgs;
use super::pm2_args::Pm2Args;
use super::ready_args::ReadyArgs;
use super::resource_args::ResourceArgs;
use super::rolling_args::RollingArgs;
use super::schedule_args::ScheduleArgs;
use super::values::{self, EnvWord, Instances};
use super::watch_args::WatchArgs;

/// `start`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  pmdaemon start server.js --name web\n  \
                        pmdaemon start worker.py --instances 4 --env QUEUE=mail\n  \
                        pmdaemon start ./server -- --verbose --threads 8\n  \
                        pmdaemon start \"node server.js\"\n  \
                        pmdaemon start web                 an app that was stopped\n\n\
                        Times: 500ms, 5s, 1m, 2h; a bare number is milliseconds.")]
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
    /// How many processes: a number, max (one per CPU) or -1 (one less)
    #[arg(short, long, value_name = "N", allow_hyphen_values = true, value_parser = values::instances)]
    pub instances: Option<Instances>,
    /// Ports, as PORT in the environment: 3000 (several processes share it), 3000-3005 or auto:4000-4100
    #[arg(long, value_name = "PORTS", allow_hyphen_values = true)]
    pub port: Option<String>,
    /// shared: one listening socket for all processes, held open over restarts; auto: so for several
    /// processes with one port; proxy: a balancer on that port [default: auto]
    #[arg(long, value_name = "MODE")]
    pub listen_mode: Option<String>,
    /// With a shared port. queue: whoever has time takes the next connection; even: each process gets
    /// its share, while it is ready [default: queue]
    #[arg(long, value_name = "HOW")]
    pub spread: Option<String>,
    /// Working directory [default: this one]
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<std::path::PathBuf>,
    /// Variable for the app; may be given several times. Of a file: NAME, with the variables in env_NAME, too
    #[arg(long, value_name = "KEY=VALUE|NAME", value_parser = values::env_word)]
    pub env: Vec<EnvWord>,
    /// Of a file: only these apps
    #[arg(long, value_name = "APP,…", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Of a file: what this shell hands on counts as a change, too
    #[arg(short = 'a', long)]
    pub update_env: bool,
    /// Sources of more variables
    #[command(flatten)]
    pub env_sources: EnvArgs,
    /// Program that runs the script, or none to execute the file itself [default: by its extension]
    #[arg(long, value_name = "PROGRAM")]
    pub interpreter: Option<String>,
    /// Arguments of that program, before the script: "--enable-source-maps --trace-warnings"
    #[arg(long, alias = "node-args", value_name = "ARGS", allow_hyphen_values = true)]
    pub interpreter_args: Vec<String>,
    /// Do not start it again when it ends
    #[arg(long)]
    pub no_autorestart: bool,
    /// Give up after so many runs in a row that ended too soon [default: 16]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..))]
    pub max_restarts: Option<i64>,
    /// A run shorter than this ended too soon [default: 1s]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = values::time)]
    pub min_uptime: Option<Duration>,
    /// Wait before each automatic restart [default: growing from 0 to 15s]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = values::delay)]
    pub restart_delay: Option<Duration>,
    /// First wait before an automatic restart, growing by half each time, at most 15s
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = values::time, conflicts_with = "restart_delay")]
    pub exp_backoff_restart_delay: Option<Duration>,
    /// Signal that asks the app to end [default: SIGTERM]
    #[arg(long, value_name = "SIGNAL")]
    pub kill_signal: Option<String>,
    /// How long it may take to end before it is killed [default: 10s]
    #[arg(short, long, value_name = "TIME", allow_hyphen_values = true, value_parser = values::time)]
    pub kill_timeout: Option<Duration>,
    /// Exit codes after which it stays stopped
    #[arg(long, value_name = "CODE", num_args = 1.., value_delimiter = ',',
          value_parser = clap::value_parser!(i64).range(0..=255))]
    pub stop_exit_codes: Vec<i64>,
    /// What it may use
    #[command(flatten)]
    pub resources: ResourceArgs,
    /// Where its output goes
    #[command(flatten)]
    pub logs: LogArgs,
    /// Files whose changes restart it
    #[command(flatten)]
    pub watch: WatchArgs,
    /// To choose it by
    #[command(flatten)]
    pub labels: LabelArgs,
    /// Times at which it is restarted
    #[command(flatten)]
    pub schedule: ScheduleArgs,
    /// What must be there first
    #[command(flatten)]
    pub depends: DependsArgs,
    /// What PM2's users may write out of habit
    #[command(flatten)]
    pub pm2: Pm2Args,
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
    /// Arguments for the app
    #[arg(last = true, value_name = "ARGS")]
    pub args: Vec<String>,
    /// What stands before its processes.
    #[command(flatten, next_help_heading = "Balancing")]
    pub balance: BalanceArgs,
    /// How reload replaces its processes.
    #[command(flatten, next_help_heading = "Reloading")]
    pub rolling: RollingArgs,
    /// What makes it ready.
    #[command(flatten, next_help_heading = "Readiness")]
    pub ready: ReadyArgs,
    /// Health checks, and waiting for them.
    #[command(flatten, next_help_heading = "Health")]
    pub health: HealthArgs,
}
