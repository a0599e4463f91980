//! Options that say how an app is: of `start` for a new one, of `restart` and `reload` for one that is
//! there.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::balance_args::BalanceArgs;
use super::depends_args::DependsArgs;
use super::env_args::EnvArgs;
use super::error::CliError;
use super::health::{self, HealthArgs};
use super::hook_args::HookArgs;
use super::label_args::LabelArgs;
use super::log_args::LogArgs;
use super::pm2_args::Pm2Args;
use super::ready_args::ReadyArgs;
use super::resource_args::ResourceArgs;
use super::schedule_args::ScheduleArgs;
use super::session::cpus_here;
use super::values::{self, Instances};
use crate::wire::NewApp;

/// How an app is.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub struct DefineArgs {
    /// How many processes: a number, max (one per CPU) or -1 (one less)
    #[arg(short, long, value_name = "N", allow_hyphen_values = true, value_parser = values::instances)]
    pub instances: Option<Instances>,
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
    pub cwd: Option<PathBuf>,
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
    /// Arguments for the app
    #[arg(last = true, value_name = "ARGS")]
    pub args: Vec<String>,
    /// What stands before its processes.
    #[command(flatten, next_help_heading = "Balancing")]
    pub balance: BalanceArgs,
    /// What makes it ready.
    #[command(flatten, next_help_heading = "Readiness")]
    pub ready: ReadyArgs,
    /// Health checks.
    #[command(flatten, next_help_heading = "Health")]
    pub health: HealthArgs,
    /// Commands of one's own.
    #[command(flatten, next_help_heading = "Hooks")]
    pub hooks: HookArgs,
}

impl DefineArgs {
    /// Whether anything is said; what has no effect is nothing.
    pub fn says_something(&self) -> bool {
        DefineArgs { pm2: Pm2Args::default(), ..self.clone() } != DefineArgs::default()
    }

    /// Puts them into a definition; what was not said stays as it is there. Paths count from `here`.
    /// The command waits until the app is ready, at most so long: that is said to it, too.
    ///
    /// # Errors
    /// A quote that is never closed, a path that is not UTF-8, half a health check, or a limit without a hook.
    pub fn define(
        &self,
        app: NewApp,
        here: &Path,
        wait_ready: bool,
        wait_timeout: Option<Duration>,
    ) -> Result<NewApp, CliError> {
        let ms = |time: Option<Duration>| time.map(|time| time.as_millis() as i64);
        let cwd = self.cwd.as_ref().map(|cwd| directory(here.join(cwd))).transpose()?;
        let app = NewApp {
            args: self.args.clone(),
            cwd: cwd.or(app.cwd),
            interpreter: self.interpreter.clone(),
            interpreter_args: words(&self.interpreter_args)?,
            instances: self.instances.map(|instances| instances.on(cpus_here())),
            listen_mode: self.listen_mode.clone(),
            spread: self.spread.clone(),
            autorestart: self.no_autorestart.then_some(false),
            max_restarts: self.max_restarts,
            min_uptime_ms: ms(self.min_uptime),
            restart_delay_ms: ms(self.restart_delay),
            exp_backoff_restart_delay_ms: ms(self.exp_backoff_restart_delay),
            stop_exit_codes: self.stop_exit_codes.clone(),
            kill_signal: self.kill_signal.clone(),
            kill_timeout_ms: ms(self.kill_timeout),
            health_check: self.health.check(wait_timeout)?,
            logs: self.logs.define(),
            ..app
        };
        let app = self.schedule.define(self.resources.define(self.hooks.define(app)?));
        let app = self.depends.define(self.balance.define(self.labels.define(app)));
        self.env_sources.define(self.ready.define(app, health::wait(wait_ready, wait_timeout)), here)
    }
}

/// A directory as the daemon is told it.
///
/// # Errors
/// When it is not UTF-8.
pub fn directory(path: PathBuf) -> Result<String, CliError> {
    path.into_os_string().into_string().map_err(|path| {
        CliError::new(format!(
            "the directory {} is not UTF-8: rename it, or give another --cwd",
            path.display()
        ))
    })
}

/// Each option may hold several words, quoted as in a shell.
fn words(options: &[String]) -> Result<Vec<String>, CliError> {
    let mut all = Vec::new();
    for option in options {
        let words = shlex::split(option).ok_or_else(|| {
            CliError::new(format!("--interpreter-args {option:?} has a quote that is never closed"))
        })?;
        all.extend(words);
    }
    Ok(all)
}
