//! What processes and the host use, for the API.

use super::convert::millis;
use crate::daemon::sampling::Measured;
use crate::daemon::view::ProcessView;
use crate::model::{Moment, State};
use crate::sample::Usage;
use crate::wire;

/// What its present life uses, if that was measured.
pub fn usage<'a>(view: &ProcessView, measured: &'a Measured) -> Option<&'a Usage> {
    let (run, usage) = measured.processes.get(&view.id)?;
    (view.state.run() == Some(*run) && view.state.pid().is_some()).then_some(usage)
}

/// When it began to run.
pub fn running_since(view: &ProcessView) -> Option<Moment> {
    match view.state {
        State::Running { since, .. } => Some(since),
        State::Idle(_)
        | State::Waiting { .. }
        | State::Backoff { .. }
        | State::Starting { .. }
        | State::Stopping { .. } => None,
    }
}

/// A share of CPU, as it is told.
pub fn tenths(percent: f64) -> f64 {
    (percent * 10.0).round() / 10.0
}

/// The machine.
pub fn host(measured: &Measured) -> wire::Host {
    let host = &measured.host;
    wire::Host {
        hostname: host.hostname.clone(),
        cpu_percent: tenths(host.cpu_percent),
        cpus: host.cpus as i64,
        memory_used_bytes: host.memory_used_bytes as i64,
        memory_total_bytes: host.memory_total_bytes as i64,
        load_average: host.load_average.to_vec(),
        uptime_ms: millis(host.uptime),
    }
}
