//! What stands before the processes of an app.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A balancer: clients connect to its port, and each request goes to a process that is ready.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// Where clients connect. Default with `listen_mode` `proxy`: the app's `port`, and its processes
    /// get private ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 65535, example = 8080)]
    pub port: Option<i64>,
    /// `http` (default): each request goes to one process; a connection that is refused, and an
    /// idempotent request without a body that a process broke off, go to another. `tcp`: each
    /// connection goes to one process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub mode: Option<String>,
    /// `least-connections` (default) or `round-robin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub method: Option<String>,
    /// `none` (default), `cookie` (of HTTP) or `address`: a client stays with a process while that is
    /// ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sticky: Option<String>,
    /// A request that is not begun to be answered within this is given up: 504. Default 60000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 86_400_000)]
    pub timeout_ms: Option<i64>,
    /// So long a process that leaves has for what it is answering, before it is asked to end. Default
    /// 30000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 86_400_000)]
    pub drain_timeout_ms: Option<i64>,
    /// A process that comes into service gets its share little by little for so long. Default 0: all
    /// of it at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 86_400_000)]
    pub slow_start_ms: Option<i64>,
}

/// How a balancer is doing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Balancer {
    /// `online` when it answers.
    pub status: String,
    /// Its process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pid: Option<i64>,
    /// How often it was started again.
    pub restarts: i64,
    /// Connections of clients that are open.
    pub connections: i64,
    /// Requests since it began, or connections in TCP mode.
    pub requests: i64,
    /// Of those, the ones that nobody answered.
    pub errors: i64,
    /// Times that another process was tried.
    pub retries: i64,
    /// The processes behind it.
    pub backends: Vec<Backend>,
}

/// One process behind a balancer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Backend {
    /// Its number among the instances.
    pub instance: i64,
    /// Where it listens.
    pub port: i64,
    /// It gets nothing new, and answers what it has.
    pub draining: bool,
    /// What it has to answer now.
    pub active: i64,
    /// What was given to it.
    pub requests: i64,
    /// What came to nothing with it.
    pub errors: i64,
}
