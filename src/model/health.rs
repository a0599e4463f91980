//! Health: how an app is checked, and what the checks say of a run.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How the processes of an app are checked (acceptance rows B10 and B11).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HealthPolicy {
    /// What is done.
    pub check: HealthCheck,
    /// A check that takes longer has failed.
    pub timeout: Duration,
    /// From the end of a check to the beginning of the next. Before the run is ready it is 250 ms.
    pub interval: Duration,
    /// So many failures in a row are unhealthy; at least 1.
    pub retries: u32,
    /// Failures of a run that has never been healthy do not count before this age of the run, if
    /// somebody said one.
    pub start_limit: Option<Duration>,
    /// A run that has never been healthy and fails a check at this age of the run is a failed start.
    pub ready_within: Option<Duration>,
}

impl HealthPolicy {
    /// The start limit when nobody says another.
    pub const USUAL_START_LIMIT: Duration = Duration::from_secs(60);

    /// The start limit that holds.
    pub fn start_limit(&self) -> Duration {
        self.start_limit.unwrap_or(HealthPolicy::USUAL_START_LIMIT)
    }
}

/// What a check does. `{port}` and `${PORT}` in texts are the `PORT` of the process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HealthCheck {
    /// GET; a 2xx answer is healthy.
    Http {
        /// `http://…`, of a loopback host.
        url: String,
    },
    /// Connect; being accepted is healthy.
    Tcp {
        /// `host:port`, of a loopback host.
        address: String,
    },
    /// Run; exit code 0 is healthy.
    Script {
        /// What the user named. For display.
        script: String,
        /// Absolute path of what is executed.
        program: PathBuf,
        /// Its arguments.
        args: Vec<String>,
    },
}

impl fmt::Display for HealthCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HealthCheck::Http { url } => f.write_str(url),
            HealthCheck::Tcp { address } => write!(f, "tcp {address}"),
            HealthCheck::Script { script, .. } => f.write_str(script),
        }
    }
}

/// What one check found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// All is well.
    Passed,
    /// It is not.
    Failed {
        /// Why, in a few words.
        reason: String,
        /// The process was asked on its own port and said so itself. One that nobody reached may not be
        /// up yet.
        answered: bool,
    },
}

/// What the checks say of a run, together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Health {
    /// No check has passed yet, and none counted as failed.
    Unknown {
        /// What the latest check complained of.
        complaint: Option<String>,
    },
    /// The latest check passed, or too few have failed since.
    Healthy,
    /// Too many failed in a row.
    Unhealthy {
        /// What the latest check complained of.
        reason: String,
    },
}

/// The health of a run that is checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Vitals {
    /// It has been healthy once, so it is online; until then it is starting.
    pub ready: bool,
    /// What the checks say.
    pub health: Health,
    /// Failures in a row that count.
    pub failures: u32,
}

impl Vitals {
    /// Of a run that has not been checked yet.
    pub fn unchecked(ready: bool) -> Vitals {
        Vitals { ready, health: Health::Unknown { complaint: None }, failures: 0 }
    }
}
