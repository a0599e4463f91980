//! How the logs of processes are: what they take, and what one of them does not take.

use std::sync::Arc;

use super::{ApiError, Shared};
use crate::daemon::view::ProcessView;
use crate::daemon::{log_disk, log_health};
use crate::wire;

/// Looks at the disk, and adds what is there to each of the processes.
///
/// # Errors
/// Only when a task breaks.
pub async fn add(
    api: &Shared,
    views: &[Arc<ProcessView>],
    processes: &mut [wire::Process],
) -> Result<(), ApiError> {
    let logs: Vec<_> = views.iter().map(|view| view.logs.all()).collect();
    let look = move || log_disk::usages(&logs);
    let usages = tokio::task::spawn_blocking(look).await.map_err(|e| ApiError::internal(&e))?;
    for ((view, (bytes, segments)), process) in views.iter().zip(usages).zip(processes) {
        let reports = api.handle.log_health().of(view.id);
        let trouble = reports.iter().find_map(|report| Some((&report.path, report.errno?)));
        process.logs = Some(wire::LogState {
            bytes: bytes as i64,
            segments: segments as i64,
            trouble: trouble
                .map(|(path, errno)| format!("{}: {}", path.display(), log_health::reason(errno))),
            dropped_bytes: reports.iter().map(|report| report.dropped_bytes as i64).sum(),
            dropped_lines: reports.iter().map(|report| report.dropped_lines as i64).sum(),
        });
    }
    Ok(())
}
