//! Options about times of day: of `start`, and of `job`.

use clap::{Args, Subcommand};

use super::values;
use crate::wire::{NewApp, Schedule};

/// Said for each option: a heading for all of them would go on over what follows.
const HEADING: &str = "Schedule";

/// When it is restarted; with --no-autostart, when it is run.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub struct ScheduleArgs {
    /// Restart it at these times, "0 3 * * *" or "*/30 * * * * *" with seconds; 0: no more
    #[arg(help_heading = HEADING, short = 'c', long = "cron", alias = "cron-restart", value_name = "PATTERN")]
    pub cron: Option<String>,
    /// Time zone of --cron [default: the daemon's]
    #[arg(help_heading = HEADING, long, value_name = "ZONE", requires = "cron")]
    pub timezone: Option<String>,
    /// What a job does that is due while it runs: skip, queue or replace [default: skip]
    #[arg(help_heading = HEADING, long, value_name = "POLICY", requires = "cron")]
    pub overlap: Option<String>,
    /// Make up once for times when nobody could look [default: they are passed over]
    #[arg(help_heading = HEADING, long, requires = "cron")]
    pub catch_up: bool,
}

impl ScheduleArgs {
    /// Puts them into a definition.
    pub fn define(&self, app: NewApp) -> NewApp {
        let cron = self.cron.clone().filter(|cron| cron != "0");
        let schedule = cron.map(|cron| Schedule {
            cron,
            timezone: self.timezone.clone(),
            overlap: self.overlap.clone(),
            catch_up: self.catch_up.then(|| "once".to_owned()),
        });
        NewApp { schedule, ..app }
    }
}

/// Help of `job`.
pub(super) const JOB: &str = "Examples:\n  pmdaemon job add backup --cron \"0 3 * * *\" --timezone Europe/Berlin -- ./backup.sh --full\n  \
                   pmdaemon job list\n  pmdaemon job run backup\n  pmdaemon job history backup\n  \
                   pmdaemon job logs backup\n\nA job is an app that is run at its times and rests in between: stop, \
                   start, logs, info and delete take it, too. A job that was stopped is not run until it is started.";

/// `job`.
#[derive(Subcommand, Debug)]
pub enum JobCommand {
    /// Define a job
    Add(JobAddArgs),
    /// Show all jobs, and when each is run next
    #[command(visible_alias = "ls")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Forget jobs, with their logs
    #[command(visible_alias = "delete")]
    Rm {
        /// Which
        #[arg(required = true, value_name = "JOB", value_parser = values::reference)]
        refs: Vec<String>,
    },
    /// Run jobs now; those that were stopped are run at their times again
    Run {
        /// Which
        #[arg(required = true, value_name = "JOB", value_parser = values::reference)]
        refs: Vec<String>,
        /// Print the processes as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what became of the times of a job
    History {
        /// Which
        #[arg(value_name = "JOB", value_parser = values::reference)]
        reference: String,
        /// So many of the newest
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print what a run of a job wrote
    Logs {
        /// Which
        #[arg(value_name = "JOB", value_parser = values::reference)]
        reference: String,
        /// The number of the run, from history [default: the newest]
        #[arg(value_name = "RUN")]
        run: Option<i64>,
    },
}

/// `job add`.
#[derive(Args, Debug)]
pub struct JobAddArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// When, and what then.
    #[command(flatten)]
    pub schedule: ScheduleArgs,
    /// Group of the job [default: default]
    #[arg(long)]
    pub namespace: Option<String>,
    /// Working directory [default: this one]
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<std::path::PathBuf>,
    /// Variable for the job; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = values::variable)]
    pub env: Vec<(String, String)>,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}
