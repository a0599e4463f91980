//! What is wrong with a definition: every mistake, not the first.

use super::PortConfigError;

/// A definition makes no sense, for each of these reasons.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the process cannot be defined: {}", told(.mistakes))]
pub struct ConfigError {
    /// All of them, in the order of the builder's methods.
    pub mistakes: Vec<Mistake>,
}

fn told(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(Mistake::to_string).collect::<Vec<_>>().join("; ")
}

/// One thing that is wrong with a definition.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Mistake {
    /// There is nothing to run.
    #[error("there is no script: say what to run with script()")]
    NoScript,
    /// The name breaks the rule for names.
    #[error(
        "{0:?} is not a name: begin with a letter or _, then up to 63 letters, digits, dots, _ or -; not all"
    )]
    BadName(String),
    /// The namespace breaks the rule for names.
    #[error("{0:?} is not a namespace: it is made like a name")]
    BadNamespace(String),
    /// A text that has to be passed to a program holds a NUL byte.
    #[error("{0} holds a NUL byte, which no program can be given")]
    Nul(&'static str),
    /// The working directory is not UTF-8.
    #[error("the directory {0:?} is not UTF-8: rename it, or use another one")]
    CwdNotUtf8(std::path::PathBuf),
    /// The working directory could not be found out.
    #[error("the current directory is not usable ({0}): say which to use with cwd()")]
    NoCwd(String),
    /// A variable that cannot be set.
    #[error("{0:?} is not a name for a variable: it must not be empty or hold =")]
    BadVariable(String),
    /// Too few or too many processes.
    #[error("{0} instances cannot run: use 1 to 1000")]
    BadInstances(u32),
    /// The ports cannot be ports.
    #[error(transparent)]
    BadPort(PortConfigError),
    /// Fewer ports than processes.
    #[error("{ports} has {} for {instances} instances: give each one", count(*.available))]
    TooFewPorts {
        /// What was given.
        ports: String,
        /// How many these are.
        available: usize,
        /// How many processes want one.
        instances: u32,
    },
    /// A limit of memory that nothing can stay below.
    #[error("a memory limit of 0 bytes would restart it for ever: use at least 1 MiB (1024 * 1024)")]
    NoMemory,
    /// A path that no file can have, or that is not UTF-8.
    #[error("the env file {0:?} cannot be named: its path is empty or not UTF-8")]
    BadEnvFile(std::path::PathBuf),
    /// A text that is part of every name.
    #[error("filter_env(\"\") would leave out everything: use inherit_env(false) for that")]
    EmptyFilter,
    /// Restarts cannot wait in two ways.
    #[error("restarts wait either a fixed time or a growing one: leave out restart_delay() or the back-off")]
    TwoDelays,
    /// The first of the growing waits is longer than the longest, or nothing.
    #[error("exp_backoff_restart_delay() must be from 1 ms to 15 s")]
    BadBackoff,
    /// Log files that would be closed all the time.
    #[error("log files of {0} bytes are too small: 1024 at least, or 0 for files that grow without end")]
    BadLogSize(u64),
    /// A log that is no file.
    #[error("{0:?} is not the path of a log file: such as logs/app.log, or NULL for none")]
    BadLogFile(String),
    /// A health check of nothing.
    #[error("{0:?} cannot be checked: say which URL, address or script")]
    BadHealthCheck(String),
    /// A health check that may never fail.
    #[error("0 retries would never find anything healthy: use 1 or more")]
    NoRetries,
    /// A balancer that nobody can connect to.
    #[error("a balancer on port 0 cannot be reached: use 1 to 65535")]
    BadBalancePort,
    /// A cookie where nobody reads any.
    #[error("a cookie is of HTTP: use Sticky::Address with tcp()")]
    CookieOfTcp,
    /// A share that no number of processes can be.
    #[error("{0} is no share of the processes: use up to 1000, or 0% to 100%")]
    BadShare(String),
    /// A reload that could never begin.
    #[error("a reload could replace nothing: give max_surge() or max_unavailable() at least 1")]
    NothingReplaced,
    /// A time that has to be longer than nothing, or is longer than a day.
    #[error("{member} must be longer than 0 and at most a day")]
    BadTime {
        /// The builder's method.
        member: &'static str,
    },
}

fn count(ports: usize) -> String {
    if ports == 1 { "1 port".to_owned() } else { format!("{ports} ports") }
}
