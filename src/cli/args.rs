//! What can be typed. Every text here is help for somebody who is new to the program.

use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use super::depends_args::DependsArgs;
use super::env_args::EnvArgs;
use super::file_args::FileArgs;
use super::forward_args::ForwardArgs;
use super::health::HealthArgs;
use super::history_args::{HistoryArgs, RollbackArgs};
use super::identity_args::{ContextCommand, LoginArgs, SessionCommand, TokenArgs, UserCommand};
use super::log_args::LogArgs;
use super::logs_args::LogsArgs;
use super::pm2_args::Pm2Args;
use super::ready_args::ReadyArgs;
use super::resource_args::ResourceArgs;
use super::values::{self, EnvWord, Instances};

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
    /// Say whether this program could take over (started by the daemon)
    #[command(hide = true)]
    SelfCheck(SelfCheckArgs),
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

/// `run`.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// Whose services it holds; by default as PMDAEMON_HOME says
    #[arg(long, value_name = "DIR")]
    pub home: Option<std::path::PathBuf>,
}

const RUN: &str = "Starts what is to run, and stays until SIGTERM or SIGINT, which stop everything gracefully; what \
                   was up comes back with the next start. As process 1 it waits for orphans. When pmdaemon runs \
                   already, it waits behind that.";

/// Everything a user can ask for.
#[derive(Subcommand, Debug)]
pub enum ClientCommand {
    /// Run a script or command, or start an app that is stopped
    Start(Box<StartArgs>),
    /// Stop apps; they stay stopped until they are started again
    Stop(ActArgs),
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
    /// Write an ecosystem.config.js to begin with
    #[command(alias = "ecosystem")]
    Init,
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
    /// Set the restart counters of apps to zero
    Reset(ActArgs),
    /// Show all processes
    #[command(visible_aliases = ["ls", "l", "ps"])]
    List(JsonArgs),
    /// Show everything about an app or process
    #[command(visible_aliases = ["describe", "desc", "show"])]
    Info(InfoArgs),
    /// Show why a process ended or does not start, and what came of it
    Why(WhyArgs),
    /// Show the versions that the definition of an app has had
    History(HistoryArgs),
    /// Go back to an earlier version of an app's definition
    Rollback(RollbackArgs),
    /// Show what apps print
    #[command(visible_alias = "log")]
    Logs(LogsArgs),
    /// Empty the logs of apps; the apps notice nothing
    Flush(TendArgs),
    /// Send logs to syslog or to an HTTP collector
    Forward(ForwardArgs),
    /// Open log files again that a script has moved away
    #[command(alias = "reloadLogs")]
    ReloadLogs(TendArgs),
    /// Show which ports are reserved, who listens, and conflicts
    Ports(JsonArgs),
    /// Show what happened to processes
    Events(EventsArgs),
    /// Watch host and processes
    Monit(MonitArgs),
    /// Find out what is wrong with this host or installation
    #[command(after_help = DOCTOR)]
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
    #[command(visible_alias = "update")]
    Upgrade(UpgradeArgs),
    /// Stop everything: all services, then the daemon
    Kill,
}

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
    /// processes with one port [default: auto]
    #[arg(long, value_name = "MODE")]
    pub listen_mode: Option<String>,
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
    /// Print the processes as JSON
    #[arg(long)]
    pub json: bool,
    /// Arguments for the app
    #[arg(last = true, value_name = "ARGS")]
    pub args: Vec<String>,
    /// What makes it ready.
    #[command(flatten, next_help_heading = "Readiness")]
    pub ready: ReadyArgs,
    /// Health checks, and waiting for them.
    #[command(flatten, next_help_heading = "Health")]
    pub health: HealthArgs,
}

/// `plan`.
#[derive(Args, Debug)]
pub struct PlanArgs {
    /// An ecosystem file, or - for JSON on standard input [default: ./ecosystem.config.*]
    #[arg(value_name = "FILE")]
    pub file: Option<String>,
    /// Which apps of it.
    #[command(flatten)]
    pub of_file: FileArgs,
    /// Remove other apps of the same namespaces
    #[arg(long)]
    pub prune: bool,
    /// What this shell hands on counts as a change, too
    #[arg(short = 'a', long)]
    pub update_env: bool,
    /// Exit code 3 when something would change
    #[arg(long)]
    pub exit_code: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `apply`.
#[derive(Args, Debug)]
pub struct ApplyArgs {
    /// An ecosystem file, or - for JSON on standard input [default: ./ecosystem.config.*]
    #[arg(value_name = "FILE")]
    pub file: Option<String>,
    /// Which apps of it.
    #[command(flatten)]
    pub of_file: FileArgs,
    /// Remove other apps of the same namespaces
    #[arg(long)]
    pub prune: bool,
    /// What this shell hands on counts as a change, too
    #[arg(short = 'a', long)]
    pub update_env: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Print the changed processes as JSON
    #[arg(long)]
    pub json: bool,
}

/// `import`.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// From which program
    #[arg(value_parser = ["pm2"])]
    pub from: String,
    /// A dump, or the home of PM2 [default: PM2_HOME, or ~/.pm2]
    #[arg(value_name = "FILE")]
    pub file: Option<std::path::PathBuf>,
    /// What PM2 still runs: stop it there and start it here, one app after the other
    #[arg(long)]
    pub takeover: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Print the processes as JSON
    #[arg(long)]
    pub json: bool,
}

const IMPORT: &str = "pm2 save writes the dump. It is read as data, and PM2's own files are never changed. What is here \
                      already is left as it is, so running it twice changes nothing.";

/// `id`.
#[derive(Args, Debug)]
pub struct IdArgs {
    /// Which app
    #[arg(value_name = "APP", value_parser = values::reference)]
    pub reference: String,
}

/// `completion`.
#[derive(Args, Debug)]
pub struct CompletionArgs {
    /// Which shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

const PLAN: &str = "+ is defined, ~ changes, - goes (with --prune). live: what runs goes on; reload: one process after \
                    the other; restart; start. Values of variables are not shown.";

/// `stop`, `reset`.
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

/// `reload`.
#[derive(Args, Debug)]
#[command(after_help = REFERENCES)]
pub struct ReloadArgs {
    /// Which apps or processes; all for every one
    #[arg(required = true, value_name = "APP", value_parser = values::reference)]
    pub refs: Vec<String>,
    /// Hand on the variables of this shell, instead of those from when the app was started
    #[arg(short = 'a', long)]
    pub update_env: bool,
    /// Which apps of a file.
    #[command(flatten)]
    pub of_file: FileArgs,
    /// Print the processes as JSON
    #[arg(long)]
    pub json: bool,
}

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

const STARTUP: &str = "Examples:\n  pmdaemon startup                   as root: for the whole host\n  pmdaemon startup \
                       --user            a unit of your own, without root\n  pmdaemon startup systemd --print   only \
                       show the unit\n\nState is saved with every change: there is nothing else to save.";

/// `save`.
#[derive(Args, Debug)]
pub struct SaveArgs {
    /// Name of the restore point [default: default]
    #[arg(value_name = "POINT")]
    pub point: Option<String>,
    /// Also when there are no apps: an empty list takes the place of the point
    #[arg(short, long)]
    pub force: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `resurrect`, `cleardump`.
#[derive(Args, Debug)]
pub struct PointArgs {
    /// Name of the restore point [default: default; resurrect: and what ran at the last kill]
    #[arg(value_name = "POINT")]
    pub point: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

const SAVE: &str = "Every change is saved anyway and comes back after a reboot. A restore point is for coming back to \
                    what there is now.";

const REFERENCES: &str = "An app is given by its name (with all its processes) or namespace:name, a process by its id \
                          or as name-0, name-1, … Several at once: all, a pattern such as '/^web/', a namespace. By \
                          its script: ./server.js. Exactly so: id:3, name:web, ns:blue.";

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
    /// Hand on the variables of this shell, instead of those from when the app was started
    #[arg(short = 'a', long)]
    pub update_env: bool,
    /// Which apps of a file.
    #[command(flatten)]
    pub of_file: FileArgs,
    /// Print the processes as JSON
    #[arg(long)]
    pub json: bool,
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

/// Commands that only print.
#[derive(Args, Debug)]
pub struct JsonArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `info`.
#[derive(Args, Debug)]
#[command(after_help = REFERENCES)]
pub struct InfoArgs {
    /// Which apps or processes
    #[arg(required = true, value_name = "APP", value_parser = values::reference)]
    pub refs: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `why`.
#[derive(Args, Debug)]
#[command(after_help = REFERENCES)]
pub struct WhyArgs {
    /// Which apps or processes
    #[arg(required = true, value_name = "APP", value_parser = values::reference)]
    pub refs: Vec<String>,
    /// Also all the ends before the last one
    #[arg(short, long)]
    pub all: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `flush`, `reload-logs`.
#[derive(Args, Debug)]
pub struct TendArgs {
    /// Which apps or processes [default: all]
    #[arg(value_name = "APP", value_parser = values::reference)]
    pub refs: Vec<String>,
}

impl TendArgs {
    /// Each reference; `None` for all apps at once.
    pub fn each(&self) -> Vec<Option<&str>> {
        match self.refs.is_empty() {
            true => vec![None],
            false => self.refs.iter().map(|reference| Some(reference.as_str())).collect(),
        }
    }
}

/// `events`.
#[derive(Args, Debug)]
pub struct EventsArgs {
    /// Which apps or processes [default: all]
    #[arg(value_name = "APP", value_parser = values::reference)]
    pub refs: Vec<String>,
    /// How many of the latest
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub lines: u32,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `web`.
#[derive(Args, Debug)]
#[command(
    after_help = "Prints the address and a link that logs your browser in, once; then shows the requests that come to \
                        it. Ctrl+C ends the address that this command added; services and daemon go on.\n\n\
                        Examples:\n  pmdaemon web\n  pmdaemon web --port 8080 --detach\n  \
                        pmdaemon web --no-auth     curl http://localhost:9615/api/processes needs no token meanwhile"
)]
pub struct WebArgs {
    /// Port of the address; 0 for any that is free
    #[arg(long, default_value_t = 9615)]
    pub port: u16,
    /// Host of the address
    #[arg(long, default_value = "127.0.0.1")]
    pub host: String,
    /// Leave the address and return at once
    #[arg(long)]
    pub detach: bool,
    /// Ask nobody for a token or login at this address while this command runs
    #[arg(long, conflicts_with = "detach")]
    pub no_auth: bool,
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

/// `monit`.
#[derive(Args, Debug)]
#[command(
    after_help = "On a terminal q or Ctrl+C ends it. Into a pipe or file it prints blocks of plain text.\n\n\
                        Examples:\n  pmdaemon monit\n  pmdaemon monit --interval 0.5"
)]
pub struct MonitArgs {
    /// Time between two looks: 2, 0.5, 500ms, 1m
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true, default_value = "1", value_parser = values::interval)]
    pub interval: Duration,
}

/// `doctor`.
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// Repair first what can be repaired: who may read the home, and a store that is damaged
    #[arg(long)]
    pub repair: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

const DOCTOR: &str = "Each finding has its remedy; exit code 1 if one is serious. Without --repair it starts no \
                      daemon and changes nothing. --repair closes the home to others and starts the daemon, which \
                      puts a damaged store aside and the last good copy in its place; nothing is removed. A service \
                      of its own is started by a keeper of its own, with a child that leaves its session; what it \
                      writes is read, its whole tree is killed, and everything of it is removed. Not tested: a \
                      systemd unit.";
