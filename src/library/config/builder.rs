//! Fills in a definition.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::rolling::Rolling;
use super::{Balance, ConfigError, HealthCheck, Mistake, PortConfig, ProcessConfig};
use crate::client::environment;
use crate::wire::{LogPolicy, NewApp};

/// The largest number that is exact in JSON.
const LARGEST: u64 = 1 << 53;

/// The longest time that the daemon takes.
pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// No growing wait is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// A definition that is being filled in. [`build`](ProcessConfigBuilder::build) checks it.
///
/// ```
/// use pmdaemon::ProcessConfig;
/// use pmdaemon::config::Mistake;
///
/// let error = ProcessConfig::builder().name("../evil").instances(0).build().unwrap_err();
/// assert_eq!(
///     error.mistakes,
///     [Mistake::BadName("../evil".into()), Mistake::NoScript, Mistake::BadInstances(0)]
/// );
/// ```
#[derive(Clone, Default)]
#[must_use = "nothing is defined before build()"]
pub struct ProcessConfigBuilder {
    name: Option<String>,
    namespace: Option<String>,
    script: String,
    args: Vec<String>,
    cwd: Option<PathBuf>,
    env: BTreeMap<String, String>,
    without_environment: bool,
    interpreter: Option<String>,
    interpreter_args: Vec<String>,
    env_files: Vec<PathBuf>,
    filter_env: Vec<String>,
    labels: BTreeMap<String, String>,
    instances: Option<u32>,
    port: Option<PortConfig>,
    max_memory: Option<u64>,
    autostart: Option<bool>,
    autorestart: Option<bool>,
    max_restarts: Option<u32>,
    min_uptime: Option<Duration>,
    restart_delay: Option<Duration>,
    backoff: Option<Duration>,
    balance: Option<Balance>,
    pub(super) rolling: Rolling,
    health_check: Option<HealthCheck>,
    kill_signal: Option<String>,
    kill_timeout: Option<Duration>,
    stop_exit_codes: Vec<u8>,
    pub(super) logs: LogPolicy,
    pub(super) log_max_size: Option<u64>,
}

impl ProcessConfigBuilder {
    /// Name of the app, unique in its namespace. Default: the file name of the script without its
    /// extension.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Group of the app. Default: `default`.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// What to run: a file, or a command that is found in `PATH`.
    pub fn script(mut self, script: impl Into<String>) -> Self {
        self.script = script.into();
        self
    }

    /// Its arguments, passed on untouched. No shell reads them.
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.args = args.into_iter().map(Into::into).collect();
        self
    }

    /// Its working directory. Default: that of this program.
    pub fn cwd(mut self, cwd: impl Into<PathBuf>) -> Self {
        self.cwd = Some(cwd.into());
        self
    }

    /// Adds a variable.
    pub fn env(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(key.into(), value.into());
        self
    }

    /// Adds variables.
    pub fn envs<K: Into<String>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.env.extend(variables.into_iter().map(|(key, value)| (key.into(), value.into())));
        self
    }

    /// Whether the app gets the environment of this program, below what
    /// [`env`](ProcessConfigBuilder::env) adds. Default true. Without it, it gets PATH, HOME, USER,
    /// LANG and TZ of the daemon.
    pub fn inherit_env(mut self, inherit: bool) -> Self {
        self.without_environment = !inherit;
        self
    }

    /// Program that runs the script; `none` executes the file itself. Default: by its executable
    /// bit, extension or `#!` line.
    pub fn interpreter(mut self, interpreter: impl Into<String>) -> Self {
        self.interpreter = Some(interpreter.into());
        self
    }

    /// Arguments of the interpreter, before the script.
    pub fn interpreter_args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.interpreter_args = args.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a file with variables in dotenv format, which is read at each start. It wins over what
    /// is inherited, and [`env`](ProcessConfigBuilder::env) over it. A relative path counts from
    /// the directory of this program.
    pub fn env_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.env_files.push(file.into());
        self
    }

    /// Leaves out variables of this program's environment whose name contains `part`.
    pub fn filter_env(mut self, part: impl Into<String>) -> Self {
        self.filter_env.push(part.into());
        self
    }

    /// Gives it a label to choose it by, in lists and when something is done to many.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// How many processes. Default 1.
    pub fn instances(mut self, instances: u32) -> Self {
        self.instances = Some(instances);
        self
    }

    /// A port for each process, given as `PORT` in its environment.
    pub fn port(mut self, port: PortConfig) -> Self {
        self.port = Some(port);
        self
    }

    /// Restarts a process gracefully when its tree uses more memory than so many bytes together.
    pub fn max_memory_restart(mut self, bytes: u64) -> Self {
        self.max_memory = Some(bytes);
        self
    }

    /// Whether it is started when it is defined, and at boot. Default true.
    pub fn autostart(mut self, autostart: bool) -> Self {
        self.autostart = Some(autostart);
        self
    }

    /// Whether it is started again when it ends by itself. Default true.
    pub fn autorestart(mut self, autorestart: bool) -> Self {
        self.autorestart = Some(autorestart);
        self
    }

    /// Runs in a row that may be shorter than [`min_uptime`](ProcessConfigBuilder::min_uptime)
    /// before it is given up. Default 16.
    pub fn max_restarts(mut self, max_restarts: u32) -> Self {
        self.max_restarts = Some(max_restarts);
        self
    }

    /// A shorter run ended too soon. Default 1 s.
    pub fn min_uptime(mut self, min_uptime: Duration) -> Self {
        self.min_uptime = Some(min_uptime);
        self
    }

    /// Wait before each automatic restart. Default: growing from 0 to 15 s.
    pub fn restart_delay(mut self, restart_delay: Duration) -> Self {
        self.restart_delay = Some(restart_delay);
        self
    }

    /// First wait before an automatic restart; the next ones grow by half each time, to at most 15 s.
    /// Default: none before the first restart, 100 ms before the second.
    pub fn exp_backoff_restart_delay(mut self, first: Duration) -> Self {
        self.backoff = Some(first);
        self
    }

    /// How its processes are checked. One that is unhealthy is restarted. Default: not at all.
    pub fn health_check(mut self, check: HealthCheck) -> Self {
        self.health_check = Some(check);
        self
    }

    /// Signal that asks it to end, by name or number. Default `SIGTERM`.
    pub fn kill_signal(mut self, signal: impl Into<String>) -> Self {
        self.kill_signal = Some(signal.into());
        self
    }

    /// How long it may take to end before it is killed. Default 10 s.
    pub fn kill_timeout(mut self, kill_timeout: Duration) -> Self {
        self.kill_timeout = Some(kill_timeout);
        self
    }

    /// Exit codes after which it stays stopped.
    pub fn stop_exit_codes(mut self, codes: impl IntoIterator<Item = u8>) -> Self {
        self.stop_exit_codes = codes.into_iter().collect();
        self
    }

    /// What stands before its processes: each then has a port of its own.
    pub fn balance(mut self, balance: Balance) -> Self {
        self.balance = Some(balance);
        self
    }

    /// The definition.
    ///
    /// # Errors
    /// Every mistake that can be seen without the daemon.
    pub fn build(mut self) -> Result<ProcessConfig, ConfigError> {
        let mut mistakes = Vec::new();
        self.check(&mut mistakes);
        self.check_logs(&mut mistakes);
        let cwd = match self.cwd.clone() {
            Some(cwd) => std::path::absolute(cwd),
            None => std::env::current_dir(),
        };
        let cwd = match cwd.map(|cwd| cwd.into_os_string().into_string()) {
            Ok(Ok(cwd)) => Some(cwd),
            Ok(Err(cwd)) => {
                mistakes.push(Mistake::CwdNotUtf8(cwd.into()));
                None
            }
            Err(e) => {
                mistakes.push(Mistake::NoCwd(e.to_string()));
                None
            }
        };
        let mut env_files = Vec::new();
        for file in &self.env_files {
            match std::path::absolute(file).map(|path| path.into_os_string().into_string()) {
                Ok(Ok(path)) => env_files.push(path),
                Ok(Err(_)) | Err(_) => mistakes.push(Mistake::BadEnvFile(file.clone())),
            }
        }
        if !mistakes.is_empty() {
            return Err(ConfigError { mistakes });
        }
        Ok(ProcessConfig { new: NewApp { env_file: env_files, ..self.into_new_app(cwd) } })
    }

    fn check(&self, mistakes: &mut Vec<Mistake>) {
        if let Some(name) = self.name.as_ref().filter(|name| !is_name(name) || *name == "all") {
            mistakes.push(Mistake::BadName(name.clone()));
        }
        if let Some(name) = self.namespace.as_ref().filter(|name| !is_name(name)) {
            mistakes.push(Mistake::BadNamespace(name.clone()));
        }
        if self.script.trim().is_empty() {
            mistakes.push(Mistake::NoScript);
        }
        if self.script.contains('\0') {
            mistakes.push(Mistake::Nul("the script"));
        }
        if self.args.iter().any(|arg| arg.contains('\0')) {
            mistakes.push(Mistake::Nul("an argument"));
        }
        for key in self.env.keys().filter(|key| key.is_empty() || key.contains(['=', '\0'])) {
            mistakes.push(Mistake::BadVariable(key.clone()));
        }
        if self.filter_env.iter().any(String::is_empty) {
            mistakes.push(Mistake::EmptyFilter);
        }
        if self.interpreter_args.iter().any(|arg| arg.contains('\0')) {
            mistakes.push(Mistake::Nul("an argument of the interpreter"));
        }
        if let Some(check) = &self.health_check {
            check.mistakes(mistakes);
        }
        if let Some(balance) = &self.balance {
            balance.mistakes(mistakes);
        }
        self.rolling.mistakes(mistakes);
        if self.env.values().any(|value| value.contains('\0')) {
            mistakes.push(Mistake::Nul("a variable"));
        }
        if let Some(instances) = self.instances.filter(|n| !(1..=1000).contains(n)) {
            mistakes.push(Mistake::BadInstances(instances));
        }
        if let Some(port) = self.port {
            let instances = self.instances.unwrap_or(1);
            match port.check() {
                Err(wrong) => mistakes.push(Mistake::BadPort(wrong)),
                // Several share a single one.
                Ok(()) if matches!(port, PortConfig::Single(_)) => {}
                Ok(()) if port.count() < instances as usize => mistakes.push(Mistake::TooFewPorts {
                    ports: port.to_string(),
                    available: port.count(),
                    instances,
                }),
                Ok(()) => {}
            }
        }
        if self.max_memory == Some(0) {
            mistakes.push(Mistake::NoMemory);
        }
        let times = [
            ("min_uptime()", self.min_uptime, false),
            ("restart_delay()", self.restart_delay, true),
            ("kill_timeout()", self.kill_timeout, false),
        ];
        match (self.backoff, self.restart_delay) {
            (Some(_), Some(delay)) if !delay.is_zero() => mistakes.push(Mistake::TwoDelays),
            (Some(first), _) if first > LONGEST_WAIT || first.as_millis() == 0 => {
                mistakes.push(Mistake::BadBackoff);
            }
            (Some(_) | None, _) => {}
        }
        for (member, time, may_be_zero) in times {
            if time.is_some_and(|time| (time.is_zero() && !may_be_zero) || time > DAY) {
                mistakes.push(Mistake::BadTime { member });
            }
        }
    }

    fn into_new_app(self, cwd: Option<String>) -> NewApp {
        let ms = |time: Option<Duration>| time.map(|time| time.as_millis() as i64);
        NewApp {
            script: self.script,
            name: self.name,
            namespace: self.namespace,
            args: self.args,
            cwd,
            interpreter: self.interpreter,
            interpreter_args: self.interpreter_args,
            filter_env: self.filter_env,
            labels: self.labels,
            env: self.env,
            inherited_env: (!self.without_environment).then(|| environment::inherited(std::env::vars_os()).0),
            instances: self.instances.map(i64::from),
            port: self.port.map(|port| port.to_string()),
            autostart: self.autostart,
            autorestart: self.autorestart,
            max_restarts: self.max_restarts.map(i64::from),
            min_uptime_ms: ms(self.min_uptime),
            restart_delay_ms: ms(self.restart_delay),
            exp_backoff_restart_delay_ms: ms(self.backoff),
            balance: self.balance.map(Balance::into_wire),
            rolling: self.rolling.into_wire(),
            health_check: self.health_check.map(HealthCheck::into_wire),
            stop_exit_codes: self.stop_exit_codes.into_iter().map(i64::from).collect(),
            kill_signal: self.kill_signal,
            kill_timeout_ms: ms(self.kill_timeout),
            // Nobody has so much memory that the largest number is too small.
            max_memory_bytes: self.max_memory.map(|bytes| bytes.min(LARGEST) as i64),
            logs: (self.logs != LogPolicy::default()).then_some(self.logs),
            ..NewApp::default()
        }
    }
}

/// The rule for names.
fn is_name(text: &str) -> bool {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    first && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

#[cfg(test)]
#[path = "builder_tests.rs"]
mod tests;
