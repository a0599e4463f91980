//! Apps: definitions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Balance, Balancer, Dependency, FileWatch, HealthCheck, Hooks, LogPolicy, Process, Rehearsed, Rolling,
    Schedule,
};

/// A new app. Only `script` is required.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApp {
    /// A file, or a command that is found in `PATH`. A relative path counts from `cwd`.
    #[schema(example = "server.js")]
    pub script: String,
    /// Unique in its namespace: a letter or `_`, then up to 63 letters, digits, `.`, `_` or `-`.
    /// Default: the file name of `script` without its last extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "api-server")]
    pub name: Option<String>,
    /// Default: `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub namespace: Option<String>,
    /// Arguments of the script, passed on untouched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Working directory. Default: the directory in which the daemon was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = "^/")]
    pub cwd: Option<String>,
    /// Program that runs the script; `none` executes the file itself. Default: by the file's
    /// executable bit, extension or `#!` line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "node")]
    pub interpreter: Option<String>,
    /// Arguments of the interpreter, before the script.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["--enable-source-maps"]))]
    pub interpreter_args: Vec<String>,
    /// Files with variables in dotenv format, below `env`. Read at each start; a later one wins. A
    /// relative path counts from `cwd`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!([".env"]))]
    pub env_file: Vec<String>,
    /// Variables of the caller's environment whose name contains one of these are not inherited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["AWS_"]))]
    pub filter_env: Vec<String>,
    /// One more variable that holds the number of the instance, which NODE_APP_INSTANCE does always.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "WORKER")]
    pub instance_var: Option<String>,
    /// Declared variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// The caller's own environment, below `env`. Kept to start the app again, never shown.
    /// Default: the daemon's PATH, HOME, USER, LANG and TZ.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, write_only)]
    pub inherited_env: Option<BTreeMap<String, String>>,
    /// How many processes. Default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 1000)]
    pub instances: Option<i64>,
    /// Ports, one for each process, given as `PORT` in its environment: `3000`, `3000-3005`
    /// (instance i gets the first plus i), or `auto:4000-4100` (the first that is free). Several
    /// processes share a single port, see `listen_mode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "3000-3003")]
    pub port: Option<String>,
    /// How its processes come to listen on a single port. `shared`: one listening socket is held
    /// for all of them, on all addresses; Node programs need no change, others take it as
    /// descriptor 3 (`LISTEN_FDS`). `auto` (default): shared by several processes, while one alone
    /// binds the port by itself. `proxy`: each has a port of its own
    /// and a balancer stands before them, see `balance`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "shared")]
    pub listen_mode: Option<String>,
    /// How connections to a port that its processes share come to one of them. `queue` (default): all
    /// wait in one queue, and whoever has time takes the next. `even`: each process has a queue of
    /// its own, and each connection is put by chance into that of one that is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "even")]
    pub spread: Option<String>,
    /// What stands before its processes. None by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub balance: Option<Balance>,
    /// How a reload replaces its processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rolling: Option<Rolling>,
    /// Start it now and at boot. Default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub autostart: Option<bool>,
    /// Start it again when it ends by itself. Default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub autorestart: Option<bool>,
    /// Unstable runs in a row after which it is given up. Default 16.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 1_000_000)]
    pub max_restarts: Option<i64>,
    /// A shorter run is unstable. Default 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 86_400_000)]
    pub min_uptime_ms: Option<i64>,
    /// Fixed wait before each automatic restart. Default 0: growing waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 86_400_000)]
    pub restart_delay_ms: Option<i64>,
    /// First of the waits before automatic restarts, which grow by half each time to at most 15 s.
    /// Default: none before the first restart, 100 before the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 15_000)]
    pub exp_backoff_restart_delay_ms: Option<i64>,
    /// Exit codes after which it stays stopped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop_exit_codes: Vec<i64>,
    /// Signal that asks it to end, by name or number. Default `SIGTERM`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "SIGINT")]
    pub kill_signal: Option<String>,
    /// After this, what is left gets SIGKILL. Default 10000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 86_400_000)]
    pub kill_timeout_ms: Option<i64>,
    /// How it is checked. Default: not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub health_check: Option<HealthCheck>,
    /// Commands that are run at certain moments of its life. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub hooks: Option<Hooks>,
    /// When all processes of a run together use more memory than this, it is restarted
    /// gracefully. Looked at every second.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 9_007_199_254_740_992_u64, example = 536_870_912)]
    pub max_memory_bytes: Option<i64>,
    /// Scheduling priority, -20 (first) to 19 (last). Below 0 only when the daemon runs as root.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = -20, maximum = 19)]
    pub nice: Option<i64>,
    /// User to run as, by name or number, with its supplementary groups and `HOME`. Only when the
    /// daemon runs as root.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "www-data")]
    pub user: Option<String>,
    /// Group to run as, by name or number. Default: the user's. Only when the daemon runs as root.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub group: Option<String>,
    /// Limit of open files of each process, soft and hard.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1)]
    pub max_open_files: Option<i64>,
    /// Largest core dump; 0 is none, -1 is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = -1)]
    pub core_size_bytes: Option<i64>,
    /// Permission bits that new files do not get, in octal. Default `022`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "027")]
    pub umask: Option<String>,
    /// Its programs can never gain rights by set-user-ID bits or file capabilities, so `sudo` does
    /// nothing in it. Default: where `user` is another user than the daemon's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub no_new_privileges: Option<bool>,
    /// Where its output goes, and how much of it is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub logs: Option<LogPolicy>,
    /// Apps that must be there before its processes are started. Those of them that are stopped
    /// are started, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<Dependency>,
    /// What makes its processes ready: `auto` (default: its health check, if it has one; nothing is
    /// awaited otherwise), `notify` (`READY=1` on the notify socket), `message` (`"ready"` on the IPC
    /// channel), `port` (its port accepts connections) or `log:REGEX` (a line on either output
    /// matches). Until then they are `starting`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "log:listening on")]
    pub ready: Option<String>,
    /// A process that is not ready within this is a failed start: it is ended and counted as an
    /// unstable run. Default 60000. With `auto` it is how long it may take to become healthy, for which
    /// there is no limit by default; without a health check nothing is awaited then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 86_400_000)]
    pub listen_timeout_ms: Option<i64>,
    /// Ask it to end by the message `"shutdown"` on its IPC channel instead of the signal. Default
    /// false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub shutdown_with_message: Option<bool>,
    /// The files whose changes restart it; `{}` is everything in `cwd`. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub watch: Option<FileWatch>,
    /// Times at which it is restarted, or run if `autostart` is false. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub schedule: Option<Schedule>,
    /// Its processes have a pipe as standard input, into which lines can be written. Default: false,
    /// there is nothing to read (`/dev/null`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stdin: Option<bool>,
    /// To choose apps by, in lists and when something is done to many: `{"tier": "web"}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// An app: a definition and its processes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct App {
    /// Its number. Grows, is never reused.
    #[schema(minimum = 0)]
    pub id: i64,
    /// Unique in its namespace.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The version of its definition; grows by one with each change.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub revision: i64,
    /// What the user named.
    pub script: String,
    /// The interpreter that runs it, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub interpreter: Option<String>,
    /// Arguments of the interpreter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interpreter_args: Vec<String>,
    /// Absolute path of what is executed.
    pub program: String,
    /// All arguments of `program`.
    pub args: Vec<String>,
    /// Working directory.
    pub cwd: String,
    /// Declared variables, values masked as `***`.
    pub env: BTreeMap<String, String>,
    /// Files with more variables, read at each start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env_file: Vec<String>,
    /// Parts of the names of variables that are not inherited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filter_env: Vec<String>,
    /// One more variable that holds the number of the instance, beside NODE_APP_INSTANCE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub instance_var: Option<String>,
    /// How many processes the definition asks for.
    #[schema(minimum = 1)]
    pub instances: i64,
    /// The ports that its processes are to have: `3000`, `3000-3005` or `auto:4000-4100`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub port: Option<String>,
    /// `shared`: its processes accept from one listening socket that is held for them. `auto`: each
    /// binds its port by itself. Absent without ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub listen_mode: Option<String>,
    /// How connections to a port that its processes share come to one of them: `queue` or `even`.
    /// Absent when they share none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub spread: Option<String>,
    /// What stands before its processes, if something does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub balance: Option<Balance>,
    /// How that is doing. Only of one app alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub balancer: Option<Balancer>,
    /// How a reload replaces its processes. Absent: one more at a time, and never fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rolling: Option<Rolling>,
    /// Started when defined and at boot.
    pub autostart: bool,
    /// Started again when it ends by itself.
    pub autorestart: bool,
    /// Unstable runs in a row after which it is given up.
    pub max_restarts: i64,
    /// A shorter run is unstable.
    pub min_uptime_ms: i64,
    /// Fixed wait before each automatic restart; 0 means growing waits.
    pub restart_delay_ms: i64,
    /// First of the growing waits, if it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exp_backoff_restart_delay_ms: Option<i64>,
    /// Exit codes after which it stays stopped.
    pub stop_exit_codes: Vec<i64>,
    /// Signal that asks it to end.
    pub kill_signal: String,
    /// After this, what is left gets SIGKILL.
    pub kill_timeout_ms: i64,
    /// How it is checked, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub health_check: Option<HealthCheck>,
    /// Commands that are run at certain moments of its life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub hooks: Option<Hooks>,
    /// More memory than this, all processes of a run together, leads to a restart.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub max_memory_bytes: Option<i64>,
    /// Scheduling priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub nice: Option<i64>,
    /// Name of the user that it runs as, if that is not the daemon's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub user: Option<String>,
    /// Name or number of the group that it runs as, if that is not the daemon's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub group: Option<String>,
    /// Limit of open files of each process.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub max_open_files: Option<i64>,
    /// Largest core dump; 0 is none, -1 is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub core_size_bytes: Option<i64>,
    /// Permission bits that new files do not get, in octal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub umask: Option<String>,
    /// Its programs can never gain rights by set-user-ID bits or file capabilities.
    #[serde(default)]
    pub no_new_privileges: bool,
    /// Where its output goes, and how much of it is kept.
    #[serde(default)]
    pub logs: LogPolicy,
    /// Apps that must be there before its processes are started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<Dependency>,
    /// What was done besides, one sentence each: an app that was started because this one depends
    /// on it. Only in the answer to a definition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
    /// What makes its processes ready: `auto`, `notify`, `message`, `port` or `log:REGEX`.
    #[serde(default)]
    pub ready: String,
    /// A process that is not ready within this is a failed start.
    #[serde(default)]
    pub listen_timeout_ms: i64,
    /// It is asked to end by the message `"shutdown"`, where it has an IPC channel.
    #[serde(default)]
    pub shutdown_with_message: bool,
    /// The files whose changes restart it, if any do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub watch: Option<FileWatch>,
    /// Times at which it is restarted, or run if it is not started by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub schedule: Option<Schedule>,
    /// Its processes have a pipe as standard input, into which lines can be written.
    #[serde(default)]
    pub stdin: bool,
    /// When that is the next time. Absent without a schedule, or while it is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub next_run_at: Option<String>,
    /// To choose apps by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Its processes, by instance.
    pub processes: Vec<Process>,
}

/// All apps.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AppList {
    /// By id, or in the order of `sort`.
    pub items: Vec<App>,
    /// The newest event that this list shows the outcome of: with it as `after`, events go on from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub seq: Option<i64>,
    /// There is more: ask again with this as `cursor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
    /// With `count=true`: how many there are on all pages together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub total: Option<i64>,
}

/// What became of a command.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Outcome {
    /// False: it was so already, nothing was done.
    pub changed: bool,
    /// Every process that the command was about, as it is now. Deleted ones are listed as they
    /// were last.
    pub processes: Vec<Process>,
    /// What was done or left besides, one sentence each: `db (id 0) is started too: web depends on
    /// it`, `web (id 1) is online and depends on db, which is stopped`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
    /// The operation that says how far it is. Absent when nothing was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1)]
    pub operation: Option<i64>,
    /// With `dry_run`: what would be done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub would: Vec<Rehearsed>,
}
