//! Arguments of commands that do something to apps.

use std::time::Duration;

use clap::Args;

use super::define_args::DefineArgs;
use super::file_args::FileArgs;
use super::values;

/// How an app or process is given.
pub(super) const REFERENCES: &str = "An app is given by its name (with all its processes) or namespace:name, a process by its id \
                          or as name-0, name-1, … Several at once: all, a pattern such as '/^web/', a namespace, a \
                          label such as label:tier=web. By its script: ./server.js. Exactly so: id:3, name:web, \
                          ns:blue.";

/// `reset`.
#[derive(Args, Debug)]
#[command(after_help = REFERENCES)]
pub struct ActArgs {
    /// Which apps or processes; all for every one
    #[arg(required = true, value_name = "APP", value_parser = values::reference)]
    pub refs: Vec<String>,
    /// Which apps of a file.
    #[command(flatten)]
    pub of_file: FileArgs,
    /// Print the processes as JSON
    #[arg(long)]
    pub json: bool,
}

/// `stop`.
#[derive(Args, Debug)]
pub struct StopArgs {
    /// Which.
    #[command(flatten)]
    pub act: ActArgs,
    /// Watch their files no more, also after the next start
    #[arg(long)]
    pub watch: bool,
}

/// `reload`.
#[derive(Args, Debug)]
#[command(after_help = REFERENCES)]
pub struct ReloadArgs {
    /// Which apps or processes; all for every one
    #[arg(required = true, value_name = "APP", value_parser = values::reference)]
    pub refs: Vec<String>,
    /// So long each new run has to stay well before the old one goes [default: as the app says]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = values::delay)]
    pub soak: Option<Duration>,
    /// Move to these ports, until the next restart or reload: 3001, 3001-3004 or auto:4000-4100
    #[arg(long, value_name = "PORTS", allow_hyphen_values = true)]
    pub port: Option<String>,
    /// Refused, unless it is the name: an app keeps the one by which its logs and history are found
    #[arg(short, long, hide = true)]
    pub name: Option<String>,
    /// Hand on the variables of this shell, instead of those from when the app was started
    #[arg(short = 'a', long)]
    pub update_env: bool,
    /// Which apps of a file.
    #[command(flatten)]
    pub of_file: FileArgs,
    /// Print the processes as JSON
    #[arg(long)]
    pub json: bool,
    /// What is changed of the whole app before that
    #[command(flatten, next_help_heading = "Changes of the whole app, which stay")]
    pub define: Box<DefineArgs>,
}

/// `restart`.
#[derive(Args, Debug)]
#[command(after_help = REFERENCES)]
pub struct RestartArgs {
    /// Which apps or processes; all for every one
    #[arg(required = true, value_name = "APP", value_parser = values::reference)]
    pub refs: Vec<String>,
    /// Run on these ports until the next restart: 3001, 3001-3004 or auto:4000-4100
    #[arg(long, value_name = "PORTS", allow_hyphen_values = true)]
    pub port: Option<String>,
    /// Return when they are ready
    #[arg(long)]
    pub wait_ready: bool,
    /// Wait so long until they are ready [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = values::time_with_unit)]
    pub wait_timeout: Option<Duration>,
    /// Refused, unless it is the name: an app keeps the one by which its logs and history are found
    #[arg(short, long, hide = true)]
    pub name: Option<String>,
    /// Hand on the variables of this shell, instead of those from when the app was started
    #[arg(short = 'a', long)]
    pub update_env: bool,
    /// Watch files from now on, or no more if they are watched now
    #[arg(long)]
    pub watch: bool,
    /// Which apps of a file.
    #[command(flatten)]
    pub of_file: FileArgs,
    /// Print the processes as JSON
    #[arg(long)]
    pub json: bool,
    /// What is changed of the whole app before that
    #[command(flatten, next_help_heading = "Changes of the whole app, which stay")]
    pub define: Box<DefineArgs>,
}

/// `delete`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  pmdaemon delete web\n  pmdaemon delete all --force\n  \
                        pmdaemon delete stopped --status   every stopped process\n\n\
                        Logs in a place of your own choice are never removed.")]
pub struct DeleteArgs {
    /// Which apps or processes; all for every one; with --status: a status
    #[arg(required = true, value_name = "APP|STATUS", value_parser = values::reference)]
    pub refs: Vec<String>,
    /// Delete by status: starting online stopping stopped errored restarting
    #[arg(long)]
    pub status: bool,
    /// Do not ask
    #[arg(short, long)]
    pub force: bool,
    /// Which apps of a file.
    #[command(flatten)]
    pub of_file: FileArgs,
    /// Print the processes as JSON
    #[arg(long)]
    pub json: bool,
}

/// `scale`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  pmdaemon scale web 6\n  pmdaemon scale web +2\n  pmdaemon scale web -1\n\n\
                        The highest numbers go first. The first process of an app that was defined with one keeps \
                        its name and its logs."
)]
pub struct ScaleArgs {
    /// Which app
    #[arg(value_name = "APP", value_parser = values::reference)]
    pub reference: String,
    /// How many processes: 6, max (one per CPU), +2 or -1
    #[arg(value_name = "N", allow_hyphen_values = true, value_parser = values::scale)]
    pub number: values::Scale,
    /// Print the processes as JSON
    #[arg(long)]
    pub json: bool,
}

/// `signal`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  pmdaemon signal USR1 web\n  pmdaemon signal SIGHUP web api\n  \
                        pmdaemon signal 12 3\n\n\
                        If the program ends of it, it is restarted as after a crash: use stop to end it.")]
pub struct SignalArgs {
    /// By name, with or without SIG, or by number
    #[arg(value_name = "SIGNAL")]
    pub signal: String,
    /// Which apps or processes; all for every one
    #[arg(required = true, value_name = "APP", value_parser = values::reference)]
    pub refs: Vec<String>,
    /// Print the processes that it was sent to as JSON
    #[arg(long)]
    pub json: bool,
}
