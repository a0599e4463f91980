//! The figures of the host.

use std::time::Duration;

use sysinfo::System;

/// What the host as a whole uses.
#[derive(Clone, PartialEq, Debug)]
pub struct HostUsage {
    /// Its name.
    pub hostname: String,
    /// Since the call before; 100 is all of its CPUs busy.
    pub cpu_percent: f64,
    /// How many CPUs it has.
    pub cpus: u32,
    /// Memory that is not available to programs.
    pub memory_used_bytes: u64,
    /// All of its memory.
    pub memory_total_bytes: u64,
    /// Over the last 1, 5 and 15 minutes.
    pub load_average: [f64; 3],
    /// Since it booted.
    pub uptime: Duration,
}

/// A figure of the host that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the {what} of this host: {cause}")]
pub struct HostError {
    what: &'static str,
    cause: sysinfo::Error,
}

/// Samples the host. Remembers the CPU times of the call before.
pub struct HostSampler {
    system: System,
}

impl HostSampler {
    /// A sampler whose first sample tells the CPU use since now.
    ///
    /// # Errors
    /// The host does not show its figures.
    pub fn new() -> Result<HostSampler, HostError> {
        let mut system = System::new().map_err(|cause| HostError { what: "figures", cause })?;
        system.refresh_cpu_usage();
        Ok(HostSampler { system })
    }

    /// The figures now. Calls closer together than 200 ms tell the same CPU use.
    ///
    /// # Errors
    /// The host does not show one of them.
    pub fn sample(&mut self) -> Result<HostUsage, HostError> {
        let failed = |what| move |cause| HostError { what, cause };
        self.system.refresh_cpu_usage();
        self.system.refresh_memory();
        let load = System::load_average().map_err(failed("load average"))?;
        Ok(HostUsage {
            hostname: System::host_name().map_err(failed("name"))?,
            cpu_percent: f64::from(self.system.global_cpu_usage()),
            cpus: self.system.cpus().len() as u32,
            memory_used_bytes: self.system.used_memory(),
            memory_total_bytes: self.system.total_memory(),
            load_average: [load.one, load.five, load.fifteen],
            uptime: System::uptime().map(Duration::from_secs).map_err(failed("uptime"))?,
        })
    }
}
