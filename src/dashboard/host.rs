//! The host's figures, on the list and on the page of the system.

use super::text;
use crate::wire::Host;

/// The host's numbers as text. `live.js` writes the same from [`Host`].
pub(super) struct HostView {
    pub cpu: String,
    pub cpu_share: f64,
    pub used: String,
    pub total: String,
    pub memory_share: f64,
    pub load: String,
    pub uptime: String,
}

impl HostView {
    pub fn new(host: &Host) -> HostView {
        HostView {
            cpu: text::cpu(host.cpu_percent),
            cpu_share: text::share(host.cpu_percent, 100.0),
            used: text::bytes(host.memory_used_bytes),
            total: text::bytes(host.memory_total_bytes),
            memory_share: text::share(host.memory_used_bytes as f64, host.memory_total_bytes as f64),
            load: text::load(&host.load_average),
            uptime: text::duration(host.uptime_ms),
        }
    }
}
