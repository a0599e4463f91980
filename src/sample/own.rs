//! What this process itself uses.

use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit};

use super::files::Files;
use super::stat::Stats;
use crate::model::{Moment, Pid};

/// Of this process alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Own {
    /// CPU time so far.
    pub cpu_time: Duration,
    /// Resident memory in bytes.
    pub memory_bytes: u64,
    /// Threads.
    pub threads: u32,
    /// Open descriptors.
    pub open_files: u64,
    /// So many it may have.
    pub max_files: u64,
    /// When it began.
    pub started: Moment,
}

impl Own {
    /// As it is now. `None` where /proc cannot be read.
    pub fn now() -> Option<Own> {
        let pid = Pid(i32::try_from(std::process::id()).ok()?);
        let stat = Stats::new().read(pid)?;
        Some(Own {
            cpu_time: stat.own_cpu.total(),
            memory_bytes: stat.memory,
            threads: stat.threads,
            open_files: Files::of(pid).open,
            max_files: getrlimit(Resource::RLIMIT_NOFILE).ok()?.0,
            started: stat.started_at(),
        })
    }
}

/// How many descriptors that process may have. `None` if it is gone, somebody else's, or without a limit.
pub fn max_files(pid: Pid) -> Option<u64> {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_what_it_uses_itself() {
        let own = Own::now().unwrap();
        assert!(own.memory_bytes > 1024 * 1024 && own.threads >= 1 && own.open_files >= 3, "{own:?}");
        assert_eq!(max_files(Pid(i32::try_from(std::process::id()).unwrap())), Some(own.max_files));
        assert_eq!(max_files(Pid(i32::MAX)), None);
    }
}
