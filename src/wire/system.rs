//! The host, and the program itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Store;

/// Host and daemon.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct System {
    /// The machine.
    pub host: Host,
    /// This program.
    pub daemon: Daemon,
    /// What is saved.
    pub store: Store,
    /// The room that logs take; absent until it was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub logs: Option<LogSpace>,
    /// So many alerts fire now, of those that may be seen.
    #[serde(default)]
    pub alerts_firing: i64,
}

/// The room that all logs take together, also those of apps that are gone.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LogSpace {
    /// On the disk, at most a minute ago.
    pub used_bytes: i64,
    /// What they may take: above that, the oldest closed files are removed. Set by
    /// `PMDAEMON_LOG_BUDGET`, and by default a tenth of the disk or 4 GiB.
    pub budget_bytes: i64,
}

/// The machine.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Host {
    /// Its name.
    pub hostname: String,
    /// Busy share of all cores in the last interval, 0 to 100.
    pub cpu_percent: f64,
    /// Number of cores.
    pub cpus: i64,
    /// Memory in use.
    pub memory_used_bytes: i64,
    /// Memory in all.
    pub memory_total_bytes: i64,
    /// Over 1, 5 and 15 minutes.
    pub load_average: Vec<f64>,
    /// Since boot.
    pub uptime_ms: i64,
}

/// This program.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Daemon {
    /// Its version.
    pub version: String,
    /// The daemon's process.
    pub pid: i64,
    /// Since this daemon began.
    pub uptime_ms: i64,
    /// The keeper's process; absent while there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub keeper_pid: Option<i64>,
    /// Its directory.
    pub home: String,
    /// Where it listens besides the unix socket.
    pub listeners: Vec<Listener>,
    /// The latest upgrade; absent when there was none since the keeper began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub upgrade: Option<super::Upgrade>,
}

/// An address that answers HTTP.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Listener {
    /// Host of the address. Default `127.0.0.1`.
    #[schema(example = "127.0.0.1")]
    pub host: String,
    /// Its port; 0 asks for any free one.
    #[schema(minimum = 0, maximum = 65535, example = 9615)]
    pub port: i64,
    /// It is served while the command runs that asked for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub temporary: bool,
    /// Whoever reaches it needs no credential, while the command runs that asked for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_auth: bool,
    /// How it is served.
    #[serde(flatten)]
    pub settings: super::ListenerSettings,
}

impl Listener {
    /// The address of that host and port.
    pub fn at(host: impl Into<String>, port: u16) -> Listener {
        Listener { host: host.into(), port: i64::from(port), ..Listener::default() }
    }
}
