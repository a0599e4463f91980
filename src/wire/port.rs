//! Ports: reserved, listened on, in conflict.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::More;

/// A port that a process of ours has, is to have, or listens on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Port {
    /// Its number.
    #[schema(minimum = 1, maximum = 65535, example = 3000)]
    pub port: i64,
    /// The processes that have it, or will want it when they start.
    pub reserved_by: Vec<PortReservation>,
    /// Who listens there.
    pub listeners: Vec<PortListener>,
    /// What is or will be wrong with it, as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub conflict: Option<String>,
}

/// A process and its port.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct PortReservation {
    /// The process.
    #[schema(minimum = 0)]
    pub id: i64,
    /// As it is shown.
    #[schema(example = "web-0")]
    pub name: String,
    /// It has the port now. False: it does not run, and will want it when it starts.
    pub held: bool,
    /// It has it instead of its definition's, until the next plain restart.
    pub overridden: bool,
}

/// A listening socket.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct PortListener {
    /// Its address.
    #[schema(example = "127.0.0.1")]
    pub address: String,
    /// The process of ours whose tree it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<i64>,
    /// That process's name, or the name of another program. Absent when it cannot be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "nginx")]
    pub program: Option<String>,
    /// A process that has it open, of another program.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pid: Option<i64>,
}

/// The ports of all processes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PortList {
    /// By number.
    pub items: Vec<Port>,
    /// What there is beyond them.
    #[serde(flatten)]
    pub more: More,
}
