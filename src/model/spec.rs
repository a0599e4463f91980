//! What an app is: the definition that its processes are made from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::{
    Balance, Dependency, EnvSources, HealthPolicy, Hooks, Labels, LogPolicy, Name, PortPlan, ReadyBy,
    ReadyPolicy, Resources, RollPolicy, Schedule, Signal, Spread, WatchPolicy,
};

/// The definition of an app, with everything resolved: the program is an absolute path, the
/// directory exists (when it was defined), nothing is left to a shell.
#[derive(Clone, PartialEq, Eq)]
pub struct AppSpec {
    /// Unique in its namespace.
    pub name: Name,
    /// Groups apps; `default` when nobody said otherwise.
    pub namespace: Name,
    /// What the user named: a file, or a command. For display; `program` and `args` are what runs.
    pub script: String,
    /// The interpreter that runs `script`, if one does. For display.
    pub interpreter: Option<String>,
    /// What stands between the interpreter and the script in `args`. For display.
    pub interpreter_args: Vec<String>,
    /// Absolute path of what is executed.
    pub program: PathBuf,
    /// Its arguments, without the program's own name.
    pub args: Vec<String>,
    /// Absolute working directory.
    pub cwd: PathBuf,
    /// Variables of the environment from which the app was started. Never shown.
    pub inherited_env: BTreeMap<String, String>,
    /// Variables that were declared for the app. They win over the inherited ones.
    pub env: BTreeMap<String, String>,
    /// Where more variables come from, and which are not inherited.
    pub env_sources: EnvSources,
    /// How many processes; at least 1.
    pub instances: u32,
    /// Every process has its number in its name and in its files. So it is for ever with an app
    /// that was defined with several; with another one, only those that `scale` added have it, so
    /// that the first one keeps its name and its logs.
    pub numbered: bool,
    /// The ports of its processes, if it asks for any.
    pub port: Option<PortPlan>,
    /// How connections come to one of them, if they share one.
    pub spread: Spread,
    /// What stands before its processes, if something does: each then has a port of its own.
    pub balance: Option<Balance>,
    /// Whether defining the app starts it.
    pub autostart: bool,
    /// What follows an exit that nobody asked for.
    pub restart: RestartPolicy,
    /// How it is asked to end.
    pub stop: StopPolicy,
    /// How a reload replaces its processes.
    pub roll: RollPolicy,
    /// How its processes are checked, if they are. Then a process is online once it is healthy.
    pub health: Option<HealthPolicy>,
    /// What makes its processes ready.
    pub ready: ReadyPolicy,
    /// What is run at certain moments of its life.
    pub hooks: Hooks,
    /// What it may use, and as whom it runs.
    pub resources: Resources,
    /// Where its output goes.
    pub logs: LogPolicy,
    /// What must be there before its processes are started for the first time.
    pub depends_on: Vec<Dependency>,
    /// The files whose changes restart it, if any do.
    pub watch: Option<WatchPolicy>,
    /// When it is restarted, or run if it is a job.
    pub schedule: Option<Schedule>,
    /// Its processes have a pipe as standard input, into which lines can be written; otherwise there
    /// is nothing to read.
    pub stdin: bool,
    /// To choose apps by.
    pub labels: Labels,
}

/// What follows an exit that nobody asked for (acceptance row A12).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RestartPolicy {
    /// Start it again at all?
    pub auto: bool,
    /// This many unstable runs in a row and it is given up as `errored`. PM2's default is 16. 0 is
    /// as 1: the first unstable run gives up.
    pub max_unstable: u32,
    /// A run shorter than this is unstable. PM2's default is 1 s.
    pub min_uptime: Duration,
    /// A fixed wait before each restart. Zero: the first restart at once, then 100 ms × 1.5 each
    /// time, at most 15 s, and from the beginning after 30 s up.
    pub delay: Duration,
    /// The first of the growing waits, before the first restart already. Absent: 100 ms, before the
    /// second one.
    pub backoff: Option<Duration>,
    /// Exit codes after which it stays stopped, as if somebody had stopped it.
    pub stop_exit_codes: Vec<i32>,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        RestartPolicy {
            auto: true,
            max_unstable: 16,
            min_uptime: Duration::from_secs(1),
            delay: Duration::ZERO,
            backoff: None,
            stop_exit_codes: Vec::new(),
        }
    }
}

/// How a process is asked to end, and how long it may take.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StopPolicy {
    /// The signal that asks.
    pub signal: Signal,
    /// After this, whatever is left of the tree gets SIGKILL.
    pub timeout: Duration,
    /// Instead of the signal the main process gets `"shutdown"` on its IPC channel, if it has one.
    pub with_message: bool,
}

impl Default for StopPolicy {
    fn default() -> Self {
        StopPolicy { signal: Signal::TERM, timeout: Duration::from_secs(10), with_message: false }
    }
}

impl AppSpec {
    /// `name-i`, or the bare `name` of the first process of an app that was defined with one.
    pub fn instance_name(&self, instance: u32) -> String {
        match self.has_number(instance) {
            true => format!("{}-{instance}", self.name),
            false => self.name.to_string(),
        }
    }

    /// Whether that process has its number in its name and in its files.
    pub fn has_number(&self, instance: u32) -> bool {
        self.numbered || instance > 0
    }

    /// It is run at the times of its schedule, and rests in between.
    pub fn is_job(&self) -> bool {
        self.schedule.is_some() && !self.autostart
    }

    /// What rests of it waits for a slot of its schedule: nothing else runs it unasked.
    pub fn rests_between_slots(&self) -> bool {
        self.schedule.is_some() && (!self.autostart || !self.restart.auto)
    }

    /// Its processes get an IPC channel: a program that does not expect the descriptors has none.
    pub fn has_channel(&self) -> bool {
        let file = self.program.file_name().and_then(|name| name.to_str());
        matches!(file, Some("node" | "nodejs" | "bun"))
            || self.ready.by == ReadyBy::Message
            || self.stop.with_message
    }

    /// Its processes get a notify socket, unless they were given another one.
    pub fn has_notify_socket(&self) -> bool {
        matches!(self.ready.by, ReadyBy::Auto | ReadyBy::Notify) && !self.env.contains_key("NOTIFY_SOCKET")
    }
}

/// Written by hand: values of the environment must not get into a log.
impl fmt::Debug for AppSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppSpec")
            .field("name", &self.name)
            .field("namespace", &self.namespace)
            .field("program", &self.program)
            .field("cwd", &self.cwd)
            .field("env", &self.env.keys())
            .field("env_sources", &self.env_sources)
            .field("instances", &self.instances)
            .field("numbered", &self.numbered)
            .field("port", &self.port)
            .field("spread", &self.spread)
            .field("balance", &self.balance)
            .field("autostart", &self.autostart)
            .field("restart", &self.restart)
            .field("stop", &self.stop)
            .field("roll", &self.roll)
            .field("health", &self.health)
            .field("ready", &self.ready)
            .field("hooks", &self.hooks)
            .field("resources", &self.resources)
            .field("logs", &self.logs)
            .field("depends_on", &self.depends_on)
            .field("watch", &self.watch)
            .field("schedule", &self.schedule)
            .field("labels", &self.labels)
            .finish_non_exhaustive()
    }
}
