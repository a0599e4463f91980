//! What can be typed. Every text here is help for somebody who is new to the program.

use clap::{Args, Parser, Subcommand};

use super::act_args::{ActArgs, DeleteArgs, ReloadArgs, RestartArgs, ScaleArgs, SignalArgs, StopArgs};
use super::alert_args::AlertArgs;
use super::balance_args::BalancerArgs;
use super::deploy_args::DeployArgs;
use super::forward_args::ForwardArgs;
use super::give_args::{AttachArgs, MessageArgs, SendArgs, TriggerArgs};
use super::history_args::{HistoryArgs, RollbackArgs};
use super::identity_args::{AuditArgs, ContextCommand, LoginArgs, SessionCommand, TokenArgs, UserCommand};
use super::import_args::{IMPORT, ImportArgs};
use super::logs_args::{LogsArgs, TendArgs};
use super::look_args::{
    DOCTOR, DoctorArgs, EnvListArgs, EventsArgs, GetArgs, IdArgs, InfoArgs, ListArgs, MonitArgs, SetArgs,
    WhyArgs,
};
use super::monitoring_args::MonitoringArgs;
use super::operation_args::OperationsArgs;
use super::plan_args::{ApplyArgs, PLAN, PlanArgs};
use super::point_args::{PointArgs, SAVE, SaveArgs};
use super::program_args::{KeeperArgs, RUN, RunArgs, SelfCheckArgs, UpgradeArgs};
use super::runtime_args::{RUNTIME, RuntimeArgs};
use super::schedule_args::{JOB, JobCommand};
use super::secret_args::{SECRET, SecretCommand};
use super::serve_args::ServeArgs;
use super::settings_args::SettingsArgs;
use super::start_args::StartArgs;
use super::startup_args::{STARTUP, StartupArgs};
use super::web_args::WebArgs;

/// Runs programs and keeps them running.
#[derive(Parser, Debug)]
#[command(
    name = "pmdaemon",
    version,
    about = "Runs your programs and keeps them running",
    after_help = "Examples:\n  pmdaemon start server.js --name web   run a script, restart it when it crashes\n  \
                  pmdaemon list                         what runs, and how well\n  \
                  pmdaemon logs web --follow            what it prints\n  \
                  pmdaemon web                          the dashboard in a browser\n\n\
                  State lives in PMDAEMON_HOME (default ~/.pmdaemon). The daemon is started by the first command, \
                  whose PMDAEMON_RESTART_BURST and PMDAEMON_RESTART_RATE limit automatic restarts of the whole host \
                  (20 at once, then 2 a second and CPU)."
)]
pub struct Cli {
    /// Where the command goes: a context of pmdaemon login, or local [default: PMDAEMON_CONTEXT, or the
    /// one that was used last]
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    pub context: Option<String>,
    /// Print nothing but errors and what was asked for
    #[arg(short, long, global = true, hide_short_help = true)]
    pub silent: bool,
    /// No colours
    #[arg(long, global = true, hide_short_help = true)]
    pub no_color: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// A command of a user, or one of the two processes behind it.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// A command of a user.
    #[command(flatten)]
    Client(ClientCommand),
    /// Run in the foreground: as a service of the host, or as the main process of a container
    #[command(after_help = RUN)]
    Run(RunArgs),
    /// Hold services and the daemon (started by the other commands)
    #[command(hide = true)]
    Keeper(KeeperArgs),
    /// Serve the API (started by the keeper)
    #[command(hide = true)]
    Daemon,
    /// Stand before the processes of an app (started by the keeper)
    #[command(hide = true)]
    Balancer(BalancerArgs),
    /// Serve static files, as the environment says (started by the keeper)
    #[command(hide = true)]
    ServeFiles,
    /// Say whether this program could take over (started by the daemon)
    #[command(hide = true)]
    SelfCheck(SelfCheckArgs),
}

/// Everything a user can ask for.
#[derive(Subcommand, Debug)]
pub enum ClientCommand {
    /// Run a script or command, or start an app that is stopped
    Start(Box<StartArgs>),
    /// Run apps in the foreground, as the main process of a container, and end with their exit code
    #[command(after_help = RUNTIME)]
    Runtime(Box<RuntimeArgs>),
    /// Stop apps; they stay stopped until they are started again
    Stop(StopArgs),
    /// Stop apps and run them anew
    Restart(RestartArgs),
    /// Restart apps, one process after the other
    #[command(alias = "gracefulReload")]
    Reload(ReloadArgs),
    /// Restart the apps of a file, or start them
    #[command(name = "startOrRestart", hide = true)]
    StartOrRestart(RestartArgs),
    /// Reload the apps of a file, or start them
    #[command(name = "startOrReload", alias = "startOrGracefulReload", hide = true)]
    StartOrReload(ReloadArgs),
    /// Show what apply would change, and how
    #[command(after_help = PLAN)]
    Plan(PlanArgs),
    /// Make apps as a file says, and leave alone what is so
    #[command(after_help = PLAN)]
    Apply(ApplyArgs),
    /// Print the JSON Schema of ecosystem files
    Schema,
    /// Bring a project to its hosts over ssh, by the deploy section of its file
    Deploy(DeployArgs),
    /// Write an ecosystem.config.js to begin with
    #[command(alias = "ecosystem")]
    Init(InitArgs),
    /// Take over the apps of PM2
    #[command(after_help = IMPORT)]
    Import(ImportArgs),
    /// Print all processes as JSON on one line, in PM2's shape
    Jlist,
    /// Print all processes in PM2's shape, in Node's manner
    Prettylist,
    /// Print the pids of processes
    Pid(TendArgs),
    /// Print the ids of the processes of an app
    Id(IdArgs),
    /// Print what a shell needs to complete commands
    Completion(CompletionArgs),
    /// Stop apps and forget them, with their logs
    #[command(visible_alias = "del", alias = "rm")]
    Delete(DeleteArgs),
    /// Change the number of processes of an app
    Scale(ScaleArgs),
    /// Send a signal to the main process of apps
    #[command(visible_alias = "sendSignal")]
    Signal(SignalArgs),
    /// Write a line to the standard input of an app
    Send(SendArgs),
    /// Show what a process prints, and write what is typed to its standard input
    Attach(AttachArgs),
    /// Have a program do something that it offers
    Trigger(TriggerArgs),
    /// Send JSON to programs, on the IPC channel that Node has
    Message(MessageArgs),
    /// Set the restart counters of apps to zero
    Reset(ActArgs),
    /// Show all processes
    #[command(visible_aliases = ["ls", "l", "ps"])]
    List(ListArgs),
    /// Show everything about an app or process
    #[command(visible_aliases = ["describe", "desc", "show"])]
    Info(InfoArgs),
    /// Show why a process ended or does not start, and what came of it
    Why(WhyArgs),
    /// Show the versions that the definition of an app has had
    History(HistoryArgs),
    /// Go back to an earlier version of an app's definition
    Rollback(RollbackArgs),
    /// Run commands at times of day: add, list, run and remove jobs, and what became of them
    #[command(subcommand, after_help = JOB)]
    Job(JobCommand),
    /// Serve the files of a directory over HTTP
    #[command(alias = "expose")]
    Serve(ServeArgs),
    /// Keep passwords and keys for apps, encrypted
    #[command(subcommand, after_help = SECRET)]
    Secret(SecretCommand),
    /// Show and change the settings of pmdaemon itself
    Settings(SettingsArgs),
    /// Show what apps print
    #[command(visible_alias = "log")]
    Logs(LogsArgs),
    /// Empty the logs of apps; the apps notice nothing
    Flush(TendArgs),
    /// Send logs to syslog or to an HTTP collector
    Forward(ForwardArgs),
    /// Print what Prometheus and Grafana need
    Monitoring(MonitoringArgs),
    /// Show what is the matter, and say what is to be told and to whom
    Alert(AlertArgs),
    /// Open log files again that a script has moved away
    #[command(alias = "reloadLogs")]
    ReloadLogs(TendArgs),
    /// Show which ports are reserved, who listens, and conflicts
    Ports(JsonArgs),
    /// Show what happened to processes
    Events(EventsArgs),
    /// Show what takes time and how far it is, and cancel it
    Operations(OperationsArgs),
    /// Watch host and processes
    #[command(aliases = ["dashboard", "dash", "imonit"])]
    Monit(MonitArgs),
    /// Find out what is wrong with this host or installation
    #[command(alias = "report", after_help = DOCTOR)]
    Doctor(DoctorArgs),
    /// Open the dashboard: serve it on an address and show its requests until Ctrl+C
    Web(WebArgs),
    /// Print a link that logs a browser in, once
    Open,
    /// Show the daemon, its addresses and the host
    Status(JsonArgs),
    /// Print the token for the HTTP API, make more, list and revoke them
    Token(TokenArgs),
    /// Add, change and remove people who log in with a password
    #[command(subcommand)]
    User(UserCommand),
    /// Show who did what, or tried to
    Audit(AuditArgs),
    /// Log in to a server: commands go there from then on
    Login(LoginArgs),
    /// Choose where commands go: to this machine, or a server that was logged in to
    #[command(subcommand)]
    Context(ContextCommand),
    /// Show which browsers are logged in, and log them out
    #[command(subcommand)]
    Session(SessionCommand),
    /// Start pmdaemon with the host: as a service of systemd or OpenRC
    #[command(after_help = STARTUP)]
    Startup(StartupArgs),
    /// Do not start pmdaemon with the host any more
    Unstartup(StartupArgs),
    /// Keep what is defined and what runs as a restore point
    #[command(visible_alias = "dump", after_help = SAVE)]
    Save(SaveArgs),
    /// Bring back what a restore point has, without doubling anything
    Resurrect(PointArgs),
    /// Forget a restore point
    Cleardump(PointArgs),
    /// Have another version take over; services go on
    #[command(visible_alias = "update", alias = "updatePM2")]
    Upgrade(UpgradeArgs),
    /// Show the variables that an app declares, or with --show all that it has
    Env(EnvListArgs),
    /// Print the value of a variable of an app; for admins alone
    Get(GetArgs),
    /// Set a variable of an app, which is restarted if it runs
    Set(SetArgs),
    /// Take a variable from an app, which is restarted if it runs
    Unset(GetArgs),
    /// Say whether the daemon answers
    Ping,
    /// Stop everything: all services, then the daemon
    Kill,
}

/// `init`.
#[derive(Args, Debug)]
pub struct InitArgs {
    /// As in PM2: what is written is simple anyway
    #[arg(hide = true, value_parser = ["simple"])]
    pub simple: Option<String>,
}

/// `completion`.
#[derive(Args, Debug)]
pub struct CompletionArgs {
    /// Which shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Commands that only print.
#[derive(Args, Debug)]
pub struct JsonArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
